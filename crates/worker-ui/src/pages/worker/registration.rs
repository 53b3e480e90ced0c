//! Who this worker is to its studio, and how it becomes somebody.

use eframe::egui::{Button, Label, RichText, Ui, vec2};
use worker_local::{JoinAsk, RegistrationState as State, Status};

use crate::pages::parts::{copy_button, field, heading, line, small, soft};
use crate::theme::palette;
use crate::widgets::confirm::{self, Confirm};
use crate::widgets::primary_button;
use crate::{Command, Commands, Link, Tone, View};

const NAME_WIDTH: f32 = 70.0;
const BUTTON_ROOM: f32 = 70.0;

/// What was typed; a code is a secret, so it is forgotten as soon as it was sent.
#[derive(Default)]
pub(super) struct RegistrationState {
    code: String,
    address: String,
}

impl std::fmt::Debug for RegistrationState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistrationState").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Draws the registration.
pub(super) fn registration_ui(
    ui: &mut Ui,
    view: &View,
    status: &Status,
    state: &mut RegistrationState,
    commands: &Commands,
) {
    heading(ui, "Registration", |_| {});
    let registration = &status.registration;
    match registration.state {
        State::Pristine => line(ui, Tone::Busy, "Asks the studio to let it in"),
        State::Pending => {
            line(ui, Tone::Busy, "Waits until an operator of the studio lets it in");
            if let Some(request) = &registration.request_id {
                id_row(ui, "Request", request, "Copy the request");
                small(ui, "Tell this to an operator, who sees it in the studio's dashboard");
            }
        }
        State::Approved => {
            line(ui, Tone::Good, "Is a worker of its studio");
            if let Some(worker) = &registration.worker_id {
                id_row(ui, "Worker", worker, "Copy the worker id");
            }
        }
        State::Rejected => {
            line(ui, Tone::Bad, "An operator of the studio said no");
            let reason = registration.reason.as_deref().filter(|reason| !reason.is_empty());
            soft(ui, &format!("Reason: {}", reason.unwrap_or("none was given")));
        }
    }
    if registration.state != State::Approved {
        join_ui(ui, view, state, commands);
    }
    let free = matches!(view.link, Link::Up) && !view.is_pending(&Command::ResetRegistration);
    if registration.state == State::Pristine {
        return;
    }
    ui.horizontal(|ui| {
        if ui.add_enabled(free, Button::new("Reset the registration…")).clicked() {
            ask_to_reset(ui);
        }
    });
}

fn id_row(ui: &mut Ui, name: &str, id: &str, copy: &str) {
    let palette = palette(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new(name).color(palette.soft));
        let room = ui.available_width() - 34.0;
        ui.scope(|ui| {
            ui.set_max_width(room);
            ui.add(Label::new(RichText::new(id).monospace().color(palette.text)).truncate().selectable(true));
        });
        copy_button(ui, id, copy);
    });
}

fn join_ui(ui: &mut Ui, view: &View, state: &mut RegistrationState, commands: &Commands) {
    let code = state.code.trim().to_owned();
    let address = Some(state.address.trim().to_owned()).filter(|address| !address.is_empty());
    let right = address
        .as_ref()
        .is_none_or(|address| address.starts_with("https://") || address.starts_with("http://"));
    let ask = JoinAsk { code: code.clone(), api_base_url: address };
    let free = matches!(view.link, Link::Up) && !view.is_pending(&Command::ResetRegistration);
    let soft = palette(ui).soft;
    let label = |ui: &mut Ui, text: &str| {
        ui.allocate_ui(vec2(NAME_WIDTH, ui.spacing().interact_size.y), |ui| {
            ui.set_width(NAME_WIDTH);
            ui.label(RichText::new(text).color(soft));
        });
    };
    ui.horizontal(|ui| {
        label(ui, "Join code");
        let width = (ui.available_width() - BUTTON_ROOM).max(80.0);
        field(ui, &mut state.code, "Join code", "from an operator, if you have one", width);
        let join = primary_button(ui, "Join", free && right && !code.is_empty());
        if join.clicked() && commands.send(Command::Join(ask)) {
            state.code.clear();
        }
    });
    ui.horizontal(|ui| {
        label(ui, "Studio");
        let width = (ui.available_width() - BUTTON_ROOM).max(80.0);
        field(ui, &mut state.address, "Address of the studio to join", "as in the config", width);
    });
    if !right {
        line(ui, Tone::Bad, "An address begins with https://");
    }
}

/// Asks before the worker forgets who it is.
pub(crate) fn ask_to_reset(ui: &Ui) {
    confirm::ask(
        ui.ctx(),
        Confirm {
            title: "Reset the registration?".to_owned(),
            words: "The worker forgets who it is, gives its jobs back, and asks the studio anew; an operator has to let it in again"
                .to_owned(),
            action: "Reset".to_owned(),
            danger: true,
            command: Command::ResetRegistration,
        },
    );
}
