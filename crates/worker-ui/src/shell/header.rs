//! The line above every page: who and how the worker is, and the pause.

use eframe::egui::{Align, Button, Layout, RichText, Ui};
use studio_protocol::Timestamp;
use worker_local::{PauseAsk, PauseUntil, PauseWhen, Status};

use crate::theme::palette;
use crate::widgets::{badge, primary_button};
use crate::{Clock, Command, Commands, Link, Tone, View, words};

const QUARTER: u32 = 15;
const HOUR: u32 = 60;

/// Draws the header.
pub(super) fn header_ui(ui: &mut Ui, view: &View, commands: &Commands) {
    ui.horizontal(|ui| {
        ui.set_min_height(ui.spacing().interact_size.y);
        // The button first: words that are too long take what it leaves.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let (Link::Up, Some(status)) = (&view.link, &view.status) {
                pause_ui(ui, view, status, commands);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| words_ui(ui, view));
        });
    });
}

fn words_ui(ui: &mut Ui, view: &View) {
    let (words, tone) = state(view);
    badge(ui, tone, &words);
    let Some(status) = &view.status else { return };
    let soft = palette(ui).soft;
    ui.label(RichText::new(&status.machine.name).color(soft));
    if let Some(reason) = why(status) {
        ui.add(eframe::egui::Label::new(RichText::new(reason).color(soft)).truncate());
    }
}

fn state(view: &View) -> (String, Tone) {
    match (&view.link, &view.status) {
        (Link::Up, Some(status)) => words::state(status, &view.clock),
        (Link::Starting, _) | (Link::Up, None) => ("Starting".to_owned(), Tone::Busy),
        (Link::Unreachable { .. }, _) => ("Not running".to_owned(), Tone::Bad),
        (Link::OtherVersion { .. }, _) => ("Other version".to_owned(), Tone::Warn),
    }
}

/// What keeps jobs away, where it is a rule or a fault and not the owner's own pause.
fn why(status: &Status) -> Option<&str> {
    if status.pause.is_some() {
        return None;
    }
    status.holds.first().map(|hold| hold.reason.as_str()).or(status.last_trouble.as_deref())
}

fn pause_ui(ui: &mut Ui, view: &View, status: &Status, commands: &Commands) {
    let free = !view.is_pending(&Command::Resume) && !status.ending;
    if status.pause.is_some() {
        if primary_button(ui, "Resume", free).clicked() {
            commands.send(Command::Resume);
        }
        return;
    }
    ui.add_enabled_ui(free, |ui| {
        ui.menu_button("Pause", |ui| pause_menu(ui, &view.clock, commands));
    });
}

fn pause_menu(ui: &mut Ui, clock: &Clock, commands: &Commands) {
    ui.set_min_width(220.0);
    let choices = [
        ("For 15 minutes", Some(PauseUntil::Minutes { minutes: QUARTER })),
        ("For 1 hour", Some(PauseUntil::Minutes { minutes: HOUR })),
        ("Until tomorrow", clock.tomorrow(Timestamp::now()).map(|at| PauseUntil::At { at })),
        ("Until nobody uses the machine", Some(PauseUntil::Idle)),
        ("Until I resume", Some(PauseUntil::Resumed)),
    ];
    for (name, until) in choices {
        let Some(until) = until else { continue };
        if ui.add(Button::new(name)).clicked() {
            commands.send(Command::Pause(PauseAsk { until, when: PauseWhen::AfterJob, free_memory: false }));
        }
    }
    ui.separator();
    if ui
        .add(Button::new("Now, and free the memory"))
        .on_hover_text("Running jobs go back to the studio")
        .clicked()
    {
        commands.send(Command::Pause(PauseAsk {
            until: PauseUntil::Resumed,
            when: PauseWhen::Now,
            free_memory: true,
        }));
    }
}
