//! The form that fetches a model.

use eframe::egui::{Context, Ui};
use worker_local::{AddModel, Models};

use crate::pages::parts::{field, heading, line, small};
use crate::widgets::primary_button;
use crate::{Command, Commands, Tone, View};

const NAME_WIDTH: f32 = 170.0;
/// Of the button `Add`, which ends where the fields above it do.
const BUTTON_WIDTH: f32 = 42.0;

/// What was typed.
#[derive(Debug, Default)]
pub(super) struct AddState {
    name: String,
    from: String,
    /// Was sent: the fields are emptied once the model is listed.
    sent: bool,
    /// The next frame puts the cursor into the field for the source.
    focus: bool,
}

impl AddState {
    /// Begins anew with a model that could not be fetched.
    pub(super) fn again(&mut self, ctx: &Context, name: &str) {
        name.clone_into(&mut self.name);
        self.focus = true;
        ctx.request_repaint();
    }
}

/// Draws the form.
pub(super) fn add_ui(ui: &mut Ui, view: &View, models: &Models, state: &mut AddState, commands: &Commands) {
    let name = state.name.trim();
    let command = Command::AddModel(AddModel {
        model: name.to_owned(),
        source: None,
        from: Some(state.from.trim().to_owned()),
    });
    let pending = view.is_pending(&command);
    if state.sent && models.models.iter().any(|model| model.model == name && model.trouble.is_none()) {
        *state = AddState::default();
    }
    heading(ui, "Add a model", |_| {});
    let wrong = wrong(&state.name, &state.from);
    let mut submitted = false;
    ui.horizontal(|ui| {
        let enter = |response: &eframe::egui::Response| {
            response.lost_focus() && response.ctx.input(|input| input.key_pressed(eframe::egui::Key::Enter))
        };
        submitted |= enter(&field(ui, &mut state.name, "Name of the model", "name", NAME_WIDTH));
        let room = BUTTON_WIDTH + ui.spacing().item_spacing.x;
        let width = (ui.available_width() - room).max(120.0);
        let from = field(
            ui,
            &mut state.from,
            "Where the model comes from",
            "hf:owner/name:file, an address, or a file here",
            width,
        );
        if std::mem::take(&mut state.focus) {
            from.request_focus();
            from.scroll_to_me(None);
        }
        submitted |= enter(&from);
        submitted |= primary_button(ui, "Add", wrong.is_none() && !pending).clicked();
    });
    match wrong {
        Some(wrong) if !state.name.is_empty() || !state.from.is_empty() => line(ui, Tone::Plain, wrong),
        Some(_) | None => {
            small(
                ui,
                "From Hugging Face (hf:owner/name, with :file for one file of it), from an https address, or from a file on this machine",
            );
        }
    }
    if submitted && wrong.is_none() && !pending && commands.send(command) {
        state.sent = true;
    }
}

/// What is missing or cannot be, before anybody is asked.
fn wrong(name: &str, from: &str) -> Option<&'static str> {
    let (name, from) = (name.trim(), from.trim());
    if name.is_empty() {
        return Some("Give it a name; jobs and programs ask for it by that");
    }
    if name.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Some("A name has no spaces");
    }
    if from.is_empty() {
        return Some("Say where it comes from");
    }
    if from.starts_with("hf:") && !from["hf:".len()..].contains('/') {
        return Some("A model of Hugging Face is hf:owner/name");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_said_before_it_is_asked_for() {
        assert!(wrong("", "hf:a/b").unwrap().contains("name"));
        assert!(wrong("my model", "hf:a/b").unwrap().contains("spaces"));
        assert!(wrong("m", " ").unwrap().contains("where"));
        assert!(wrong("m", "hf:b").unwrap().contains("owner/name"));
        for from in ["hf:a/b", "https://example.com/m.gguf", "/data/m.gguf", "C:\\m.gguf"] {
            assert_eq!(wrong("m", from), None, "{from}");
        }
    }
}
