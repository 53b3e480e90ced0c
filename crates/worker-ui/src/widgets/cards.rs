//! Frames and headings.

use eframe::egui::{CornerRadius, Frame, Grid, InnerResponse, Label, Margin, RichText, Stroke, Ui};

use crate::theme::{self, palette};

/// A surface with an edge, as wide as its place.
pub fn card<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    let palette = palette(ui);
    Frame::new()
        .fill(palette.surface)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(CornerRadius::same(theme::RADIUS + 2))
        .inner_margin(Margin::symmetric(14, 12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            content(ui)
        })
}

/// The heading of a page.
pub fn page_title(ui: &mut Ui, text: &str) {
    let color = palette(ui).text;
    ui.add(Label::new(RichText::new(text).size(theme::TITLE).color(color)));
}

/// A heading inside a page.
pub fn section(ui: &mut Ui, text: &str) {
    let color = palette(ui).text;
    ui.add(Label::new(RichText::new(text).size(theme::HEADING).color(color)));
}

/// Names and values below each other, names in the soft colour; values can be selected.
pub fn facts<'a>(ui: &mut Ui, id: &str, rows: impl IntoIterator<Item = (&'a str, String)>) {
    let palette = palette(ui);
    Grid::new(id).num_columns(2).spacing([18.0, 5.0]).show(ui, |ui| {
        for (name, value) in rows {
            ui.label(RichText::new(name).color(palette.soft));
            ui.add(Label::new(RichText::new(value).color(palette.text)).wrap().selectable(true));
            ui.end_row();
        }
    });
}
