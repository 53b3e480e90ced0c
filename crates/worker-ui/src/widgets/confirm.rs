//! Asks before something is lost.

use eframe::egui::{Align, Button, Context, Id, Key, Layout, Modal, RichText, Ui};

use super::buttons::{danger_button, primary_button};
use crate::theme::{self, palette};
use crate::{Command, Commands};

/// One question, and what is sent when the answer is yes.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The question, as a few words.
    pub title: String,
    /// What happens, in one or two sentences.
    pub words: String,
    /// The verb on the button.
    pub action: String,
    /// Whether something is lost for good.
    pub danger: bool,
    /// What is sent.
    pub command: Command,
}

fn key() -> Id {
    Id::unique("confirm")
}

/// Asks; the shell shows the question above every page.
pub fn ask(ctx: &Context, confirm: Confirm) {
    ctx.data_mut(|data| data.insert_temp(key(), confirm));
    ctx.request_repaint();
}

/// Whether a question waits for its answer: the page's own keys rest meanwhile.
pub fn is_open(ctx: &Context) -> bool {
    ctx.data(|data| data.get_temp::<Confirm>(key()).is_some())
}

/// Shows the question, if there is one; Esc and a click beside it mean no.
pub fn show(ui: &mut Ui, commands: &Commands) {
    let Some(confirm) = ui.ctx().data(|data| data.get_temp::<Confirm>(key())) else { return };
    let palette = palette(ui);
    let mut answer = None;
    let modal = Modal::new(Id::unique("confirm-dialog")).show(ui.ctx(), |ui| {
        ui.set_width(360.0);
        ui.label(RichText::new(&confirm.title).size(theme::HEADING + 1.0).color(palette.text));
        ui.add_space(2.0);
        ui.label(RichText::new(&confirm.words).color(palette.soft));
        ui.add_space(10.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let yes = if confirm.danger {
                danger_button(ui, &confirm.action, true)
            } else {
                primary_button(ui, &confirm.action, true)
            };
            let no = ui.add(Button::new("Keep as it is"));
            // The harmless answer is the one that Enter gives.
            if ui.memory(eframe::egui::Memory::focused).is_none_or(|id| id != yes.id && id != no.id) {
                no.request_focus();
            }
            if yes.clicked() {
                answer = Some(true);
            }
            if no.clicked() {
                answer = Some(false);
            }
        });
    });
    if modal.should_close() || ui.input(|input| input.key_pressed(Key::Escape)) {
        answer = answer.or(Some(false));
    }
    if let Some(yes) = answer {
        if yes {
            commands.send(confirm.command);
        }
        ui.ctx().data_mut(|data| data.remove::<Confirm>(key()));
        ui.ctx().request_repaint();
    }
}
