//! What is shown while there is no daemon, or it is not a worker of its studio.

use eframe::egui::{Theme, Vec2};
use egui_kittest::kittest::Queryable;
use worker_local::{RegistrationState, SessionState, ShutdownAsk};
use worker_ui::{Command, Page, View, samples};

use crate::harness::{Window, copied, looks, press, show, sized, window};

fn ended(code: i32) -> View {
    View { ended: Some(code), ..samples::unreachable() }
}

fn spool_full() -> View {
    samples::with(samples::none(), |status| status.spool_full = true)
}

fn approved_before(view: View) -> Window {
    let mut window = window(Page::Jobs, samples::none());
    show(&mut window, view);
    window
}

/// Presses the button and says what was sent.
fn sent(view: View, title: &str, button: &str) -> Vec<Command> {
    let mut window = window(Page::Jobs, view);
    window.get_by_label(title);
    press(&mut window, button);
    window.state_mut().sent()
}

fn goes_to(view: View, title: &str, button: &str) -> Page {
    let mut window = window(Page::Jobs, view);
    window.get_by_label(title);
    press(&mut window, button);
    window.state().shell.page
}

#[test]
fn without_a_daemon_there_is_a_way_on() {
    assert_eq!(sent(samples::starting(), "The worker is starting", "Try again"), [Command::Reconnect]);
    let title = "The worker is not running";
    assert_eq!(sent(samples::unreachable(), title, "Try again"), [Command::Reconnect]);
    assert_eq!(sent(samples::unreachable(), title, "Start the worker"), [Command::StartDaemon]);
    let title = "The worker is another version";
    let end = Command::Shutdown(ShutdownAsk { after_jobs: true });
    assert_eq!(sent(samples::other_version(), title, "End it after its jobs"), [end]);
    assert_eq!(sent(samples::other_version(), title, "Try again"), [Command::Reconnect]);
}

#[test]
fn the_cause_is_in_a_fold() {
    let mut window = window(Page::Jobs, samples::unreachable());
    let words = "No worker runs for the config folder /home/ada/.config/studio-worker";
    assert!(window.query_by_label(words).is_none());
    press(&mut window, "Details");
    window.get_by_label(words);
    assert_eq!(copied(&mut window, "Copy the details").as_deref(), Some(words));
}

#[test]
fn each_exit_code_has_its_words_and_a_way_on() {
    for (code, title) in [
        (0, "The worker has ended"),
        (1, "The worker ended unexpectedly"),
        (2, "The worker could not be started like this"),
        (3, "The studio refused this worker"),
        (4, "Another worker goes by this identity"),
        (5, "The worker gave up reaching its studio"),
        (139, "The worker ended unexpectedly"),
    ] {
        assert_eq!(sent(ended(code), title, "Start the worker"), [Command::StartDaemon], "{code}");
    }
    for code in [3, 4] {
        let mut window = window(Page::Jobs, ended(code));
        assert_eq!(
            copied(&mut window, "Copy the command").as_deref(),
            Some("studio-worker register --reset")
        );
    }
}

#[test]
fn a_worker_that_waits_for_an_operator_says_its_request() {
    let title = "An operator has to let this worker in";
    let mut window = window(Page::Jobs, samples::pending());
    window.get_by_label(title);
    window.get_by_label_contains("req-7f3a91");
    assert_eq!(copied(&mut window, "Copy the request id").as_deref(), Some("req-7f3a91"));
    assert_eq!(goes_to(samples::pending(), title, "Show the registration"), Page::Worker);
}

#[test]
fn a_rejected_worker_asks_again_after_a_question() {
    let mut window = window(Page::Jobs, samples::rejected());
    window.get_by_label("The studio does not want this worker");
    window.get_by_label_contains("this machine is not on the list");
    press(&mut window, "Reset registration…");
    press(&mut window, "Reset");
    assert_eq!(window.state_mut().sent(), [Command::ResetRegistration]);
}

#[test]
fn a_removed_worker_is_told_from_a_new_one() {
    let anew = || {
        samples::with(samples::none(), |status| {
            status.registration.state = RegistrationState::Pristine;
            status.session = SessionState::Off;
        })
    };
    window(Page::Jobs, anew()).get_by_label("The worker registers");
    let mut window = approved_before(anew());
    window.get_by_label("The studio removed this worker");
    press(&mut window, "Show the registration");
    assert_eq!(window.state().shell.page, Page::Worker);
    let window = approved_before(samples::pending());
    window.get_by_label_contains("The studio removed this worker, so it asks anew");
}

#[test]
fn a_studio_out_of_reach_is_told_with_what_to_do() {
    let title = "The studio is not reached";
    assert_eq!(goes_to(samples::disconnected(), title, "Check the address"), Page::Config);
    assert_eq!(goes_to(samples::disconnected(), title, "Show the log"), Page::Logs);
}

#[test]
fn a_full_disk_leads_to_the_models() {
    assert_eq!(goes_to(spool_full(), "The disk is full", "Show the models"), Page::Models);
    assert_eq!(goes_to(spool_full(), "The disk is full", "Limit the models' disk"), Page::Config);
}

#[test]
fn a_rule_that_holds_leads_to_the_rules() {
    assert_eq!(goes_to(samples::held(), "Paused by your rules", "Show the rules"), Page::Worker);
    assert!(window(Page::Jobs, samples::paused()).query_by_label("Paused by your rules").is_none());
}

#[test]
fn an_ending_worker_is_ended_at_once() {
    let view = samples::with(samples::few(), |status| status.ending = true);
    let end = Command::Shutdown(ShutdownAsk { after_jobs: false });
    assert_eq!(sent(view, "The worker is ending", "End now"), [end]);
}

#[test]
fn messages_go_when_their_reason_does() {
    let mut window = window(Page::Jobs, spool_full());
    show(&mut window, samples::none());
    assert!(window.query_by_label("The disk is full").is_none());
}

#[test]
fn it_looks_right() {
    let (large, small) = (Vec2::new(1120.0, 740.0), Vec2::new(720.0, 480.0));
    looks([
        ("link-unreachable-dark", sized(Page::Jobs, samples::unreachable(), Theme::Dark, large)),
        ("link-refused-small-light", sized(Page::Jobs, ended(3), Theme::Light, small)),
        ("link-rejected-light", sized(Page::Jobs, samples::rejected(), Theme::Light, large)),
        ("link-version-small-dark", sized(Page::Jobs, samples::other_version(), Theme::Dark, small)),
    ]);
}
