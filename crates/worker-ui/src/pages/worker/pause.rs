//! The owner takes the machine back, for as long and as soon as they say.

use eframe::egui::{Checkbox, RichText, Role, Ui, WidgetInfo};
use studio_protocol::Timestamp;
use worker_local::{PauseAsk, PauseUntil, PauseWhen, Status};

use crate::pages::parts::{heading, line, small};
use crate::theme::palette;
use crate::widgets::primary_button;
use crate::{Clock, Command, Commands, Link, Tone, View, words};

/// How long, as the owner says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Long {
    Quarter,
    #[default]
    Hour,
    Tomorrow,
    Idle,
    Resumed,
}

/// What was chosen.
#[derive(Debug, Default)]
pub(super) struct PauseState {
    long: Long,
    now: bool,
    free_memory: bool,
}

impl Long {
    const ALL: [Self; 5] = [Self::Quarter, Self::Hour, Self::Tomorrow, Self::Idle, Self::Resumed];

    fn name(self) -> &'static str {
        match self {
            Self::Quarter => "15 minutes",
            Self::Hour => "1 hour",
            Self::Tomorrow => "Until tomorrow",
            Self::Idle => "Until nobody uses the machine",
            Self::Resumed => "Until I resume",
        }
    }

    fn until(self, clock: &Clock) -> PauseUntil {
        match self {
            Self::Quarter => PauseUntil::Minutes { minutes: 15 },
            Self::Hour => PauseUntil::Minutes { minutes: 60 },
            // Without a calendar, a day from now is the nearest to it.
            Self::Tomorrow => clock
                .tomorrow(Timestamp::now())
                .map_or(PauseUntil::Minutes { minutes: 24 * 60 }, |at| PauseUntil::At { at }),
            Self::Idle => PauseUntil::Idle,
            Self::Resumed => PauseUntil::Resumed,
        }
    }
}

/// Draws the choices, or the pause that holds.
pub(super) fn pause_ui(
    ui: &mut Ui,
    view: &View,
    status: &Status,
    state: &mut PauseState,
    commands: &Commands,
) {
    heading(ui, "Pause", |_| {});
    let free = matches!(view.link, Link::Up) && !view.is_pending(&Command::Resume) && !status.ending;
    if status.pause.is_some() {
        line(ui, Tone::Warn, &words::pause(status.pause.as_ref(), &view.clock));
        if primary_button(ui, "Resume now", free).clicked() {
            commands.send(Command::Resume);
        }
        return;
    }
    ui.horizontal_wrapped(|ui| {
        for long in Long::ALL {
            choice(ui, &mut state.long, long, long.name());
        }
    });
    let soft = palette(ui).soft;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("What runs").color(soft));
        choice(ui, &mut state.now, false, "is finished first");
        choice(ui, &mut state.now, true, "goes back to the studio now");
    });
    let free_memory = ui.add(Checkbox::new(&mut state.free_memory, "Free the memory"));
    free_memory.on_hover_text("Engines are stopped, so that a game has all of the graphics memory");
    ui.horizontal(|ui| {
        if primary_button(ui, "Pause now", free).on_hover_text("Takes no more jobs").clicked() {
            let when = if state.now { PauseWhen::Now } else { PauseWhen::AfterJob };
            commands.send(Command::Pause(PauseAsk {
                until: state.long.until(&view.clock),
                when,
                free_memory: state.free_memory,
            }));
        }
        if !status.jobs.is_empty() {
            small(ui, &words::count(status.jobs.len() as u64, "job runs", "jobs run"));
        }
    });
}

fn choice<T: PartialEq>(ui: &mut Ui, chosen: &mut T, value: T, name: &str) {
    let is = *chosen == value;
    let response = ui.selectable_label(is, name);
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, response.enabled(), is, name));
    if response.clicked() {
        *chosen = value;
    }
}
