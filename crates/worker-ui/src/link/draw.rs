//! Draws a message: in place of the page, or as a line above it.

use eframe::egui::{
    Align, Button, Color32, CornerRadius, Frame, Label, Layout, Margin, RichText, Sense, TextStyle, Ui, vec2,
};

use super::states::{Act, Message};
use crate::pages::ask_to_reset;
use crate::pages::parts::{self, go};
use crate::theme::{self, palette};
use crate::widgets::{Icon, Notice, notice, paint_icon, primary_button};
use crate::{Command, Commands, Page, Tone, View};

/// Of the fold with the details.
const DETAILS_WIDTH: f32 = 460.0;

/// In the middle of the page's place.
pub(super) fn instead(ui: &mut Ui, view: &View, message: &Message, commands: &Commands) {
    let (title, words) = (&message.title, &message.words);
    notice(ui, Notice { icon: icon(message, true), tone: message.tone, title, words }, |ui| {
        let width = buttons_width(ui, message);
        ui.horizontal(|ui| {
            ui.add_space(((ui.available_width() - width) / 2.0).max(0.0));
            for (index, (name, act)) in message.buttons.iter().enumerate() {
                let free = is_free(view, act);
                let clicked = if index == 0 && message.tone != Tone::Busy {
                    primary_button(ui, name, free).clicked()
                } else {
                    ui.add_enabled(free, Button::new(*name)).clicked()
                };
                if clicked {
                    done(ui, act, commands);
                }
            }
        });
        let Some(details) = &message.details else { return };
        ui.add_space(6.0);
        ui.allocate_ui_with_layout(vec2(DETAILS_WIDTH, 0.0), Layout::top_down(Align::Min), |ui| {
            parts::details(ui, "link details", details);
        });
    });
}

/// Above a page; a button that leads to this very page is left out.
pub(super) fn above(ui: &mut Ui, view: &View, message: &Message, page: Page, commands: &Commands) {
    let palette = palette(ui);
    let frame = Frame::new()
        .fill(palette.tone_soft(message.tone))
        .corner_radius(CornerRadius::same(theme::RADIUS + 2))
        .inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(15.0, 18.0), Sense::hover());
            paint_icon(ui.painter(), rect, icon(message, false), palette.tone(message.tone));
            ui.label(RichText::new(&message.title).color(palette.tone(message.tone)));
        });
        ui.add(Label::new(RichText::new(&message.words).color(palette.text)).wrap());
        let buttons: Vec<_> = message.buttons.iter().filter(|(_, act)| leads_away(act, page)).collect();
        if !buttons.is_empty() {
            ui.add_space(3.0);
            ui.horizontal_wrapped(|ui| {
                for (name, act) in buttons {
                    if ui.add_enabled(is_free(view, act), Button::new(*name)).clicked() {
                        done(ui, act, commands);
                    }
                }
            });
        }
        if let Some(details) = &message.details {
            parts::details(ui, &message.title, details);
        }
    });
    ui.add_space(4.0);
}

fn icon(message: &Message, large: bool) -> Icon {
    match message.tone {
        Tone::Busy => Icon::Clock,
        Tone::Bad if large => Icon::Unplugged,
        Tone::Bad | Tone::Warn => Icon::Warning,
        Tone::Good => Icon::Check,
        Tone::Plain => Icon::About,
    }
}

fn is_free(view: &View, act: &Act) -> bool {
    match act {
        Act::Send(command) => !view.is_pending(command),
        Act::Reset => !view.is_pending(&Command::ResetRegistration),
        Act::Go(..) | Act::Copy(_) => true,
    }
}

fn leads_away(act: &Act, page: Page) -> bool {
    match act {
        Act::Go(target, None) => *target != page,
        Act::Go(_, Some(_)) | Act::Send(_) | Act::Reset | Act::Copy(_) => true,
    }
}

fn done(ui: &Ui, act: &Act, commands: &Commands) {
    match act {
        Act::Send(command) => {
            commands.send(command.clone());
        }
        Act::Reset => ask_to_reset(ui),
        Act::Go(page, search) => go(ui.ctx(), *page, *search),
        Act::Copy(text) => ui.ctx().copy_text(text.clone()),
    }
}

/// What the buttons take side by side, so that they stand in the middle.
fn buttons_width(ui: &Ui, message: &Message) -> f32 {
    let font = TextStyle::Button.resolve(ui.style());
    let text =
        |name: &str| ui.painter().layout_no_wrap(name.to_owned(), font.clone(), Color32::WHITE).size().x;
    let padding = 2.0 * ui.spacing().button_padding.x;
    let widths: f32 = message.buttons.iter().map(|(name, _)| text(name) + padding).sum();
    let gaps = message.buttons.len().saturating_sub(1) as f32;
    widths + gaps * ui.spacing().item_spacing.x
}
