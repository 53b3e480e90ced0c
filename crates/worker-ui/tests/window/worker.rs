//! The page Worker.

use eframe::egui::{Role, Theme, Vec2};
use egui_kittest::kittest::Queryable;
use worker_local::{JoinAsk, LaneView, PauseAsk, PauseUntil, PauseWhen, RegistrationState};
use worker_ui::{Command, Page, View, samples};

use crate::harness::{Window, copied, is_disabled, looks, press, show, sized, text, typed, window};

fn page(view: View) -> Window {
    window(Page::Worker, view)
}

fn pause(until: PauseUntil, when: PauseWhen, free_memory: bool) -> Command {
    Command::Pause(PauseAsk { until, when, free_memory })
}

#[test]
fn a_pause_is_as_long_and_as_soon_as_the_owner_says() {
    let mut window = page(samples::few());
    press(&mut window, "Pause now");
    assert_eq!(
        window.state_mut().sent(),
        [pause(PauseUntil::Minutes { minutes: 60 }, PauseWhen::AfterJob, false)]
    );
    press(&mut window, "goes back to the studio now");
    press(&mut window, "Free the memory");
    for (name, until) in [
        ("15 minutes", PauseUntil::Minutes { minutes: 15 }),
        ("1 hour", PauseUntil::Minutes { minutes: 60 }),
        ("Until nobody uses the machine", PauseUntil::Idle),
        ("Until I resume", PauseUntil::Resumed),
    ] {
        press(&mut window, name);
        press(&mut window, "Pause now");
        assert_eq!(window.state_mut().sent(), [pause(until, PauseWhen::Now, true)], "{name}");
    }
    press(&mut window, "Until tomorrow");
    press(&mut window, "is finished first");
    press(&mut window, "Pause now");
    let sent = window.state_mut().sent();
    assert!(
        matches!(
            sent[..],
            [Command::Pause(PauseAsk { until: PauseUntil::At { .. }, when: PauseWhen::AfterJob, .. })]
        ),
        "{sent:?}"
    );
}

#[test]
fn a_pause_is_ended_here() {
    let mut window = page(samples::paused());
    press(&mut window, "Resume now");
    assert_eq!(window.state_mut().sent(), [Command::Resume]);
}

#[test]
fn rules_that_hold_are_told_with_the_way_to_them() {
    let mut window = page(samples::none());
    window.get_by_label("None of your rules keeps jobs away");
    window.get_by_label("Nobody uses the machine");
    show(&mut window, samples::held());
    window.get_by_label("Takes no jobs: the machine runs on battery");
    press(&mut window, "Change the rule pause_on_battery");
    assert_eq!(window.state().shell.page, Page::Config);
    window.get_by_role_and_label(Role::CheckBox, "Pause on battery");
    assert!(window.query_by_label("Memory for jobs").is_none(), "only what was searched for");
}

#[test]
fn a_worker_that_waits_shows_its_request_and_takes_a_code() {
    let mut window = page(samples::pending());
    window.get_by_label("Waits until an operator of the studio lets it in");
    assert_eq!(copied(&mut window, "Copy the request"), Some("req-7f3a91".to_owned()));
    assert!(is_disabled(&window, "Join"));
    typed(&mut window, "Join code", " code-1 ");
    typed(&mut window, "Address of the studio to join", "studio.example");
    window.get_by_label("An address begins with https://");
    assert!(is_disabled(&window, "Join"));
    typed(&mut window, "Address of the studio to join", "https://studio.example");
    press(&mut window, "Join");
    let ask = JoinAsk { code: "code-1".into(), api_base_url: Some("https://studio.example".into()) };
    assert_eq!(window.state_mut().sent(), [Command::Join(ask)]);
    assert_eq!(text(&window, "Join code"), "", "a code is a secret");
}

#[test]
fn a_registration_is_reset_after_a_question() {
    for view in [samples::none(), samples::rejected(), samples::pending()] {
        let mut window = page(view);
        press(&mut window, "Reset the registration…");
        assert!(window.state_mut().sent().is_empty());
        press(&mut window, "Reset");
        assert_eq!(window.state_mut().sent(), [Command::ResetRegistration]);
    }
}

#[test]
fn every_state_of_the_registration_has_its_words() {
    let said = [
        (samples::none(), "Is a worker of its studio"),
        (samples::rejected(), "Reason: this machine is not on the list"),
        (
            samples::with(samples::none(), |status| {
                status.registration.state = RegistrationState::Pristine;
            }),
            "Asks the studio to let it in",
        ),
    ];
    for (view, words) in said {
        page(view).get_by_label(words);
    }
}

#[test]
fn the_studio_the_machine_and_the_engines_are_told() {
    let view = samples::with(samples::few(), |status| {
        status.last_trouble = Some("connection refused".into());
        status.waiting_results = 2;
        status.lanes.push(LaneView {
            engine: "llama".into(),
            model: "qwen3-32b".into(),
            refused: Some("it took the engine down three times".into()),
            ..LaneView::default()
        });
    });
    let mut window = page(view);
    for words in [
        "https://studio.example",
        "open",
        "2 wait, kept here until the studio has them",
        "connection refused",
        "NVIDIA GeForce RTX 4070",
        "10.8 of 12.0 GiB free",
        "sdcpp",
        "Refused until the worker restarts: it took the engine down three times",
    ] {
        assert!(window.query_all_by_label(words).next().is_some(), "{words}");
    }
    press(&mut window, "Change the address");
    assert_eq!(window.state().shell.page, Page::Config);
    let view = samples::with(samples::none(), |status| status.engines.clear());
    let mut window = page(view);
    window.get_by_label("No engine was found, so no job can run here");
    press(&mut window, "Set the folder");
    assert_eq!(window.state().shell.page, Page::Config);
}

#[test]
fn it_looks_right() {
    let light = sized(Page::Worker, samples::pending(), Theme::Light, Vec2::new(1120.0, 740.0));
    let small = sized(Page::Worker, samples::held(), Theme::Dark, Vec2::new(720.0, 480.0));
    looks([
        ("worker-dark", page(samples::few())),
        ("worker-pending-light", light),
        ("worker-held-small-dark", small),
    ]);
}
