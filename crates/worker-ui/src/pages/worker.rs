//! The page Worker: how it is, when it works, who it is, and what it runs on.

mod pause;
mod registration;
mod runs_on;

use eframe::egui::{ScrollArea, Ui};
use worker_local::{Presence, SessionState, Status};

use super::parts::{copy_button, go, heading, line, named, soft};
use crate::widgets::{Icon, Notice, badge, card, facts, link_button, notice, page_title};
use crate::{Commands, Page, Tone, View, words};

pub(crate) use registration::ask_to_reset;

/// From here on two columns are easier to take in than one.
const TWO_COLUMNS: f32 = 860.0;

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct WorkerState {
    pause: pause::PauseState,
    registration: registration::RegistrationState,
}

/// Draws the page.
pub fn worker_ui(ui: &mut Ui, view: &View, state: &mut WorkerState, commands: &Commands) {
    page_title(ui, "Worker");
    let Some(status) = view.status.as_deref() else {
        let words = "It has not said anything yet";
        notice(
            ui,
            Notice { icon: Icon::Clock, tone: Tone::Busy, title: "Waiting for the worker", words },
            |_| {},
        );
        return;
    };
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        if ui.available_width() >= TWO_COLUMNS {
            ui.columns_const(|[left, right]| {
                work(left, view, status, state, commands);
                place(right, view, status, state, commands);
            });
        } else {
            work(ui, view, status, state, commands);
            place(ui, view, status, state, commands);
        }
    });
}

/// Whether it works, and when.
fn work(ui: &mut Ui, view: &View, status: &Status, state: &mut WorkerState, commands: &Commands) {
    card(ui, |ui| {
        heading(ui, "State", |_| {});
        ui.horizontal_wrapped(|ui| {
            let (words, tone) = words::state(status, &view.clock);
            badge(ui, tone, &words);
            soft(ui, presence(status.presence));
        });
        rules(ui, status);
    });
    card(ui, |ui| pause::pause_ui(ui, view, status, &mut state.pause, commands));
    card(ui, |ui| studio(ui, status));
}

/// Who it is, and what it runs on.
fn place(ui: &mut Ui, view: &View, status: &Status, state: &mut WorkerState, commands: &Commands) {
    card(ui, |ui| registration::registration_ui(ui, view, status, &mut state.registration, commands));
    card(ui, |ui| runs_on::hardware_ui(ui, status));
    card(ui, |ui| runs_on::engines_ui(ui, status));
}

/// What keeps jobs away, each with the way to its setting.
fn rules(ui: &mut Ui, status: &Status) {
    if status.holds.is_empty() {
        line(ui, Tone::Good, "None of your rules keeps jobs away");
        return;
    }
    for hold in &status.holds {
        line(ui, Tone::Warn, &format!("Takes no jobs: {}", hold.reason));
        let button = link_button(ui, "Change this rule");
        if named(button, &format!("Change the rule {}", hold.rule)).clicked() {
            go(ui.ctx(), Page::Config, Some(&hold.rule));
        }
    }
}

fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Active => "Somebody uses the machine",
        Presence::Idle => "Nobody uses the machine",
        Presence::Unknown => "Nobody can tell whether the machine is used, so it counts as used",
    }
}

fn studio(ui: &mut Ui, status: &Status) {
    heading(ui, "Studio", |ui| {
        if link_button(ui, "Change the address").clicked() {
            go(ui.ctx(), Page::Config, Some("api_base_url"));
        }
    });
    let mut rows =
        vec![("Address", status.api_base_url.clone()), ("Session", session(status.session).to_owned())];
    if status.waiting_results > 0 {
        rows.push((
            "Results",
            format!(
                "{}, kept here until the studio has them",
                words::count(status.waiting_results as u64, "waits", "wait")
            ),
        ));
    }
    facts(ui, "studio", rows);
    if let Some(trouble) = &status.last_trouble {
        ui.horizontal_top(|ui| {
            copy_button(ui, trouble, "Copy the last trouble");
            line(ui, Tone::Bad, trouble);
        });
    }
}

fn session(session: SessionState) -> &'static str {
    match session {
        SessionState::Off => "none",
        SessionState::Waiting => "waits before the next try",
        SessionState::Connecting => "connecting",
        SessionState::Greeting => "introducing itself",
        SessionState::Open => "open",
    }
}
