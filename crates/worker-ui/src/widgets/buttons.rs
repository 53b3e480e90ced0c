//! Buttons and the search field.

use eframe::egui::{
    Align2, Button, CornerRadius, Id, Key, Margin, Response, RichText, Role, Sense, Stroke, StrokeKind,
    TextEdit, Ui, Vec2, WidgetInfo,
};

use super::icons::{Icon, paint_icon};
use crate::theme::{self, palette};

/// The one that is most likely wanted: at most one on a page.
pub fn primary_button(ui: &mut Ui, text: &str, enabled: bool) -> Response {
    let palette = palette(ui);
    let (fill, color) =
        if enabled { (palette.accent, palette.on_accent) } else { (palette.raised, palette.soft) };
    ui.add_enabled(enabled, Button::new(RichText::new(text).color(color)).fill(fill).stroke(Stroke::NONE))
}

/// Loses something.
pub fn danger_button(ui: &mut Ui, text: &str, enabled: bool) -> Response {
    let palette = palette(ui);
    let button = Button::new(RichText::new(text).color(palette.bad)).fill(palette.bad_soft);
    ui.add_enabled(enabled, button.stroke(Stroke::new(1.0, palette.bad)))
}

/// Leads somewhere, or is one of little weight.
pub fn link_button(ui: &mut Ui, text: &str) -> Response {
    let color = palette(ui).accent;
    ui.add(
        Button::new(RichText::new(text).color(color))
            .fill(eframe::egui::Color32::TRANSPARENT)
            .stroke(Stroke::NONE),
    )
}

/// A picture in place of a word; the name is shown when the pointer rests on it.
pub fn icon_button(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    let size = Vec2::splat(ui.spacing().interact_size.y);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        let palette = palette(ui);
        let visuals = ui.style().interact(&response);
        if response.hovered() || response.has_focus() {
            ui.painter().rect_filled(rect, visuals.corner_radius, palette.hover);
        }
        if response.has_focus() {
            ui.painter().rect_stroke(
                rect,
                visuals.corner_radius,
                Stroke::new(2.0, palette.accent),
                StrokeKind::Inside,
            );
        }
        let color = if response.hovered() || response.has_focus() { palette.text } else { palette.soft };
        paint_icon(
            ui.painter(),
            Align2::CENTER_CENTER.align_size_within_rect(Vec2::splat(16.0), rect),
            icon,
            color,
        );
    }
    response.on_hover_text(name)
}

/// A field that narrows a list down; Ctrl+F brings the cursor here, Esc empties it.
pub fn search_field(ui: &mut Ui, id: Id, text: &mut String, name: &str, width: f32) -> Response {
    let palette = palette(ui);
    let field = TextEdit::singleline(text)
        .id(id)
        .hint_text(name)
        .desired_width(width - 34.0)
        .margin(Margin { left: 28, right: 6, top: 4, bottom: 4 });
    let response = ui.add(field);
    response.widget_info(|| WidgetInfo {
        label: Some(name.to_owned()),
        ..WidgetInfo::text_edit(ui.is_enabled(), "", text.as_str(), name)
    });
    let icon = Align2::LEFT_CENTER
        .align_size_within_rect(Vec2::splat(14.0), response.rect.shrink2(Vec2::new(8.0, 0.0)));
    paint_icon(ui.painter(), icon, Icon::Search, palette.soft);
    if response.has_focus() && ui.input(|input| input.key_pressed(Key::Escape)) {
        text.clear();
    }
    response
}

/// The focus ring of what is painted by hand.
pub(crate) fn focus_ring(ui: &Ui, rect: eframe::egui::Rect) {
    ui.painter().rect_stroke(
        rect,
        CornerRadius::same(theme::RADIUS),
        Stroke::new(2.0, palette(ui).accent),
        StrokeKind::Inside,
    );
}
