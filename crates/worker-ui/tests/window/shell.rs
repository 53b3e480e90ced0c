//! Navigation, header, keys, questions and messages.

use std::sync::Arc;

use eframe::egui::{Key, Modifiers, Theme, Vec2};
use egui_kittest::kittest::Queryable;
use worker_local::{PauseAsk, PauseUntil, PauseWhen};
use worker_ui::widgets::confirm::{self, Confirm};
use worker_ui::{Command, Page, Toast, Tone, View, samples};

use crate::harness::{show, sized, window};

#[test]
fn pages_are_reached_by_click_and_by_key() {
    let mut window = window(Page::Jobs, samples::few());
    window.get_by_label("Logs").click();
    window.run();
    assert_eq!(window.state().shell.page, Page::Logs);
    for (page, key) in
        Page::ALL.into_iter().zip([Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6])
    {
        window.key_press_modifiers(Modifiers::COMMAND, key);
        window.run();
        assert_eq!(window.state().shell.page, page);
    }
    window.key_press_modifiers(Modifiers::COMMAND, Key::Q);
    window.run();
    assert!(window.state().shell.quit);
}

#[test]
fn the_header_pauses_and_resumes() {
    let mut window = window(Page::About, samples::none());
    window.get_by_label("Idle");
    window.get_by_label("Pause").click();
    window.run();
    window.get_by_label("For 15 minutes").click();
    window.run();
    let until = PauseUntil::Minutes { minutes: 15 };
    let ask = PauseAsk { until, when: PauseWhen::AfterJob, free_memory: false };
    assert_eq!(window.state_mut().sent(), [Command::Pause(ask)]);

    show(&mut window, samples::paused());
    window.get_by_label("Paused until 15:00");
    window.get_by_label("Resume").click();
    window.run();
    assert_eq!(window.state_mut().sent(), [Command::Resume]);

    show(&mut window, samples::held());
    window.get_by_label("the machine runs on battery");
}

#[test]
fn a_question_is_answered_by_button_and_by_key() {
    let mut window = window(Page::About, samples::none());
    let ask = || Confirm {
        title: "Remove it?".into(),
        words: "Its files are deleted".into(),
        action: "Remove".into(),
        danger: true,
        command: Command::RemoveModel { model: "a".into() },
    };
    confirm::ask(&window.ctx, ask());
    window.run();
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_label("Remove it?").is_none());
    assert!(window.state_mut().sent().is_empty());

    confirm::ask(&window.ctx, ask());
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert!(window.state_mut().sent().is_empty(), "Enter is the harmless answer");

    confirm::ask(&window.ctx, ask());
    window.run();
    window.get_by_label("Remove").click();
    window.run();
    assert_eq!(window.state_mut().sent(), [Command::RemoveModel { model: "a".into() }]);
}

#[test]
fn a_message_is_shown_once_and_can_be_dismissed() {
    let mut window = window(Page::About, samples::none());
    let toast = Toast { id: 1, tone: Tone::Bad, text: "It did not work".into() };
    let view = View { toasts: Arc::new(vec![toast]), ..samples::none() };
    show(&mut window, view.clone());
    window.get_by_label("It did not work");
    window.get_by_label("Dismiss").click();
    window.run();
    show(&mut window, view);
    assert!(window.query_by_label("It did not work").is_none());
}

#[test]
fn without_a_daemon_there_is_a_message_and_a_button() {
    let mut window = window(Page::Jobs, samples::starting());
    window.get_by_label("The worker is starting");
    show(&mut window, samples::unreachable());
    window.get_by_label("Start the worker").click();
    window.run();
    assert_eq!(window.state_mut().sent(), [Command::StartDaemon]);
    show(&mut window, samples::other_version());
    window.get_by_label("The worker is another version");
}

#[test]
fn trouble_of_many_words_leaves_the_button_its_place() {
    let width = 720.0;
    let view = samples::with(samples::disconnected(), |status| {
        status.last_trouble = Some("could not connect, and this is why: ".repeat(20));
    });
    let window = sized(Page::Jobs, view, Theme::Dark, Vec2::new(width, 480.0));
    let button = window.get_by_label("Pause").rect();
    assert!(button.right() <= width - f32::from(worker_ui::theme::PAGE_MARGIN) + 1.0, "{button:?}");
    let name = samples::status().machine.name;
    let words = window.get_all_by_label(&name).map(|node| node.rect().right()).fold(0.0, f32::max);
    assert!(words < button.left(), "{words} {button:?}");
}
