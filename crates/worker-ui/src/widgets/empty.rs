//! What a page says when it has nothing to show.

use eframe::egui::{RichText, Sense, Ui, vec2};

use super::icons::{Icon, paint_icon};
use crate::Tone;
use crate::theme::{self, palette};

/// Nothing here, and what that means.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// A picture of it.
    pub icon: Icon,
    /// Good or bad.
    pub tone: Tone,
    /// A few words.
    pub title: &'a str,
    /// What to do, or why it is so.
    pub words: &'a str,
}

/// Shows a notice in the middle of what is left of the page; `actions` go below it.
pub fn notice<R>(ui: &mut Ui, notice: Notice<'_>, actions: impl FnOnce(&mut Ui) -> R) -> R {
    let palette = palette(ui);
    let room = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((room * 0.32 - 60.0).max(16.0));
        let (rect, _) = ui.allocate_exact_size(vec2(56.0, 56.0), Sense::hover());
        ui.painter().circle_filled(rect.center(), 28.0, palette.tone_soft(notice.tone));
        paint_icon(ui.painter(), rect.shrink(17.0), notice.icon, palette.tone(notice.tone));
        ui.add_space(6.0);
        ui.label(RichText::new(notice.title).size(theme::HEADING + 1.0).color(palette.text));
        ui.scope(|ui| {
            ui.set_max_width(420.0);
            ui.label(RichText::new(notice.words).color(palette.soft));
        });
        ui.add_space(8.0);
        actions(ui)
    })
    .inner
}
