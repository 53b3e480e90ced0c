//! The page Logs: lines, filters, following, copying.

use std::sync::Arc;

use eframe::egui::accesskit::{Role, Toggled};
use eframe::egui::{Event, Key, Modifiers, OutputCommand, Vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use worker_local::{LogLine, LogPage, LogSeverity};
use worker_ui::{Command, LogBuffer, Page, View, samples};

use crate::harness::{Window, show, window};

fn lines(window: &Window) -> Vec<String> {
    let nodes = window.get_all_by_role(Role::ListItem);
    nodes.map(|node| node.accesskit_node().label().unwrap_or_default()).collect()
}

fn follows(window: &Window) -> bool {
    window.get_by_label("Follow").accesskit_node().toggled() == Some(Toggled::True)
}

/// The view with one more line.
fn and(mut view: View, message: &str) -> View {
    let line = LogLine {
        seq: view.logs.last() + 1,
        ts: samples::now(),
        level: LogSeverity::Info,
        target: "studio_worker::test".into(),
        message: message.into(),
        job: None,
    };
    Arc::<LogBuffer>::make_mut(&mut view.logs).take(LogPage {
        last: line.seq,
        lines: vec![line],
        gap: false,
    });
    view
}

fn scroll(window: &mut Window, lines: f32) {
    window.hover_at(eframe::egui::pos2(600.0, 400.0));
    window.step();
    window.event(Event::MouseWheel {
        unit: eframe::egui::MouseWheelUnit::Point,
        delta: Vec2::new(0.0, lines * 21.0),
        phase: eframe::egui::TouchPhase::Move,
        source: eframe::egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    window.run_ok();
    window.run();
}

#[test]
fn the_end_is_followed_until_somebody_scrolls_up() {
    let mut view = samples::many();
    let mut window = window(Page::Logs, view.clone());
    let last = |window: &Window| lines(window).last().cloned().unwrap();
    assert!(follows(&window));
    view = and(view, "newest of all");
    show(&mut window, view.clone());
    assert!(last(&window).ends_with("newest of all"));

    scroll(&mut window, 20.0);
    assert!(!follows(&window));
    let seen = lines(&window);
    view = and(view, "even newer");
    show(&mut window, view.clone());
    assert_eq!(lines(&window), seen, "what is read stays, though the oldest line went");

    window.get_by_label("Follow").click();
    window.run();
    assert!(last(&window).ends_with("even newer"));
    scroll(&mut window, 20.0);
    scroll(&mut window, -60.0);
    assert!(follows(&window), "the end is followed again once it is reached");
}

#[test]
fn levels_jobs_and_words_narrow_down() {
    let mut window = window(Page::Logs, samples::few());
    window.get_by_label("60 lines");
    window.get_by_label("Level: all").click();
    window.run();
    window.get_by_label("errors").click();
    window.run();
    assert!(
        lines(&window).iter().all(|line| line.starts_with("Error") || line.starts_with("Lines are missing"))
    );
    window.get_by_label("Clear filters").click();
    window.run();
    window.key_press_modifiers(Modifiers::COMMAND, Key::F);
    window.run();
    window.get_by_label("Search lines").type_text("UNLOADING");
    window.run();
    assert!(lines(&window).iter().any(|line| line.contains("unloading")));
    window.get_by_label("Search lines").type_text("x");
    window.run();
    window.get_by_label("No line matches");
    window.get_by_label("Show all lines").click();
    window.run();
    window.get_by_label("60 lines");
}

#[test]
fn a_line_is_shown_whole_and_leads_to_its_job() {
    let mut window = window(Page::Logs, samples::few());
    window.get_all_by_label_contains("the job is done").last().unwrap().click();
    window.run();
    assert!(!follows(&window), "what is looked at does not run away");
    window.get_by_label("Only this job").click();
    window.run();
    assert!(
        lines(&window)
            .iter()
            .all(|line| line.contains("the job is done") || line.starts_with("Lines are missing"))
    );
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_label("Copy the line").is_none());
}

#[test]
fn the_selection_or_all_that_is_shown_is_copied() {
    let copied = |window: &Window| -> String {
        let commands = &window.output().platform_output.commands;
        let texts = commands.iter().filter_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            OutputCommand::CopyImage(_)
            | OutputCommand::OpenUrl(_)
            | OutputCommand::TextSelectionSettled(_) => None,
        });
        texts.collect()
    };
    let mut window = window(Page::Logs, samples::few());
    window.get_by_label("Copy all shown").click();
    window.step();
    let text = copied(&window);
    assert_eq!(text.lines().count(), 61, "60 lines and a gap");
    assert!(text.contains("2026-05-26T14:30:00.000Z"));
    window.run();

    window.key_press(Key::ArrowUp);
    window.run();
    window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowUp);
    window.run();
    window.event(Event::Copy);
    window.step();
    assert_eq!(copied(&window).lines().count(), 2);
    window.run();
    window.get_by_label("Copy selection");
}

#[test]
fn gaps_emptiness_and_failure_are_told_apart() {
    let mut window = window(Page::Logs, samples::few());
    window.key_press(Key::Home);
    window.key_press(Key::PageDown);
    window.key_press(Key::PageDown);
    window.run();
    window.get_by_label_contains("Lines are missing here");
    window.get_by_label("Clear").click();
    window.run();
    assert_eq!(window.state_mut().sent(), [Command::ClearLogs]);
    show(&mut window, samples::none());
    window.get_by_label("No lines yet");
    show(&mut window, samples::troubled());
    window.get_by_label("The log could not be read");
    window.get_by_label("Try again").click();
    window.run();
    assert_eq!(window.state_mut().sent(), [Command::Refresh]);
}
