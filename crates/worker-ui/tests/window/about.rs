//! The page About.

use eframe::egui::{Role, Theme, Vec2};
use egui_kittest::kittest::Queryable;
use worker_local::{ShutdownAsk, UpdateState};
use worker_ui::{Command, Page, View, samples};

use crate::harness::{Window, copied, looks, press, show, sized, window};

fn page(view: View) -> Window {
    window(Page::About, view)
}

#[test]
fn an_update_is_looked_for_and_installed_after_a_question() {
    let mut window = page(samples::none());
    window.get_by_label("This is the newest version");
    window.get_by_label("Last looked 13:30");
    press(&mut window, "Check now");
    assert_eq!(window.state_mut().sent(), [Command::CheckUpdate]);
    let newer = samples::with(samples::none(), |status| {
        status.update.state = UpdateState::Available;
        status.update.latest = Some("9.9.9".into());
    });
    show(&mut window, newer);
    window.get_by_label("Version 9.9.9 is there");
    press(&mut window, "Install 9.9.9");
    press(&mut window, "Install");
    assert_eq!(window.state_mut().sent(), [Command::ApplyUpdate]);
    let unknown = samples::with(samples::none(), |status| {
        status.update.state = UpdateState::Unknown;
        status.update.trouble = Some("The feed cannot be read: 404".into());
    });
    show(&mut window, unknown);
    window.get_by_label("Nobody has looked for a newer version yet");
    window.get_by_label("The feed cannot be read: 404");
}

#[test]
fn paths_are_copied_and_opened() {
    let mut window = page(samples::none());
    let folder = "/home/ada/.config/studio-worker";
    for (name, path, opened) in [
        ("the config", format!("{folder}/config.toml"), format!("{folder}/config.toml")),
        ("the logs", format!("{folder}/logs"), format!("{folder}/logs")),
        ("the history", format!("{folder}/history.db"), folder.to_owned()),
    ] {
        assert_eq!(copied(&mut window, &format!("Copy the path of {name}")), Some(path));
        press(&mut window, &format!("Open {name}"));
        assert_eq!(window.state_mut().sent(), [Command::OpenPath(opened)]);
    }
}

#[test]
fn the_window_and_the_worker_are_ended_from_here() {
    let mut window = page(samples::none());
    press(&mut window, "End the worker after its jobs");
    press(&mut window, "End the worker now");
    let end = |after_jobs| Command::Shutdown(ShutdownAsk { after_jobs });
    assert_eq!(window.state_mut().sent(), [end(true), end(false)]);

    show(&mut window, samples::few());
    press(&mut window, "End the worker now");
    assert!(window.state_mut().sent().is_empty(), "jobs run, so it asks");
    window.get_by_label_contains("2 jobs here");
    press(&mut window, "End now");
    assert_eq!(window.state_mut().sent(), [end(false)]);

    window.get_by_role_and_label(Role::Button, "Quit").click();
    window.run();
    assert!(window.state().shell.quit);
}

#[test]
fn it_is_there_without_a_worker() {
    let mut window = page(samples::unreachable());
    window.get_by_label("not running");
    window.get_by_label("The worker is not running");
    press(&mut window, "Start the worker");
    assert_eq!(window.state_mut().sent(), [Command::StartDaemon]);
    show(&mut window, samples::other_version());
    window.get_by_label("0.9.3");
    show(&mut window, samples::starting());
    window.get_by_label("MIT OR Apache-2.0");
}

#[test]
fn it_looks_right() {
    let newer = samples::with(samples::none(), |status| {
        status.update.state = UpdateState::Available;
        status.update.latest = Some("9.9.9".into());
    });
    looks([
        ("about-dark", page(samples::none())),
        ("about-small-light", sized(Page::About, newer, Theme::Light, Vec2::new(720.0, 480.0))),
    ]);
}
