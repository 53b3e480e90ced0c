//! Pieces that several pages share and that know what they say.

use eframe::egui::{
    Align, Button, CollapsingHeader, Context, Id, Label, Layout, Response, RichText, Role, TextEdit, Ui,
    WidgetInfo,
};

use crate::theme::{self, palette};
use crate::widgets::{Icon, icon_button, paint_icon};
use crate::{Page, Tone};

/// A button whose name says more than its word, because there are several with the same word.
pub fn named_button(ui: &mut Ui, text: &str, name: &str, enabled: bool) -> Response {
    named(ui.add_enabled(enabled, Button::new(text)), name)
}

/// What a screen reader says of a button, in place of its word.
pub fn named(response: Response, name: &str) -> Response {
    response.widget_info(|| WidgetInfo::labeled(Role::Button, response.enabled(), name));
    response
}

/// A field for one line; `hint` is an example.
pub fn field(ui: &mut Ui, text: &mut String, name: &str, hint: &str, width: f32) -> Response {
    let response = ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(width));
    response.widget_info(|| WidgetInfo {
        label: Some(name.to_owned()),
        ..WidgetInfo::text_edit(response.enabled(), "", text.as_str(), hint)
    });
    response
}

/// A small button that puts `text` where it can be pasted from.
pub fn copy_button(ui: &mut Ui, text: &str, name: &str) -> Response {
    let response = icon_button(ui, Icon::Copy, name);
    if response.clicked() {
        ui.ctx().copy_text(text.to_owned());
    }
    response
}

/// One sentence with a mark before it.
pub fn line(ui: &mut Ui, tone: Tone, text: &str) {
    let palette = palette(ui);
    let color = palette.tone(tone);
    let icon = match tone {
        Tone::Good => Icon::Check,
        Tone::Busy => Icon::Clock,
        Tone::Warn | Tone::Bad => Icon::Warning,
        Tone::Plain => Icon::About,
    };
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(eframe::egui::vec2(13.0, 18.0), eframe::egui::Sense::hover());
        paint_icon(ui.painter(), rect, icon, color);
        ui.add(Label::new(RichText::new(text).color(color)).wrap());
    });
}

/// A sentence that is told beside.
pub fn soft(ui: &mut Ui, text: &str) -> Response {
    let color = palette(ui).soft;
    ui.add(Label::new(RichText::new(text).color(color)).wrap())
}

/// A small remark.
pub fn small(ui: &mut Ui, text: &str) -> Response {
    let color = palette(ui).soft;
    ui.add(Label::new(RichText::new(text).size(theme::SMALL).color(color)).wrap())
}

/// The heading of a card, with what belongs to it at the right edge.
pub fn heading(ui: &mut Ui, text: &str, right: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        crate::widgets::section(ui, text);
        ui.with_layout(Layout::right_to_left(Align::Center), right);
    });
}

/// What only those want to read who look for a fault.
pub fn details(ui: &mut Ui, id: &str, text: &str) {
    let color = palette(ui).soft;
    CollapsingHeader::new(RichText::new("Details").size(theme::SMALL).color(color)).id_salt(id).show(
        ui,
        |ui| {
            ui.horizontal_top(|ui| {
                copy_button(ui, text, "Copy the details");
                ui.add(Label::new(RichText::new(text).monospace().color(color)).wrap().selectable(true));
            });
        },
    );
}

/// A thin line across a card.
pub fn rule(ui: &mut Ui) {
    let color = palette(ui).line;
    let (rect, _) =
        ui.allocate_exact_size(eframe::egui::vec2(ui.available_width(), 1.0), eframe::egui::Sense::hover());
    ui.painter().rect_filled(rect, 0.0, color);
}

/// Where the window is asked to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Which page.
    pub page: Page,
    /// What its search begins with.
    pub search: Option<String>,
}

/// Goes to another page with the next frame.
pub fn go(ctx: &Context, page: Page, search: Option<&str>) {
    let target = Target { page, search: search.map(str::to_owned) };
    ctx.data_mut(|data| data.insert_temp(target_id(), target));
    ctx.request_repaint();
}

/// Where a page asked to go in this frame.
pub fn asked(ctx: &Context) -> Option<Target> {
    ctx.data_mut(|data| data.remove_temp(target_id()))
}

fn target_id() -> Id {
    Id::unique("target page")
}
