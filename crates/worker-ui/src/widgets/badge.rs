//! A word with a colour that says what it means; the word alone says it too.

use std::sync::Arc;

use eframe::egui::{
    Align2, CornerRadius, FontId, Galley, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2,
};

use crate::Tone;
use crate::theme::{self, palette};

const PADDING: Vec2 = Vec2::new(8.0, 2.5);
const DOT: f32 = 3.0;
const GAP: f32 = 6.0;

/// A state: a dot and a word on a soft ground.
pub fn badge(ui: &mut Ui, tone: Tone, text: &str) -> Response {
    let galley = layout(ui, tone, text);
    let (rect, response) = ui.allocate_exact_size(size(&galley), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    if ui.is_rect_visible(rect) {
        paint(ui, rect, tone, galley);
    }
    response
}

/// The same at the left of `place`, as part of a row that says the word itself.
pub fn paint_badge(ui: &Ui, place: Rect, tone: Tone, text: &str) {
    let galley = layout(ui, tone, text);
    let rect = Align2::LEFT_CENTER.align_size_within_rect(size(&galley), place);
    paint(ui, rect, tone, galley);
}

fn layout(ui: &Ui, tone: Tone, text: &str) -> Arc<Galley> {
    let color = palette(ui).tone(tone);
    ui.painter().layout_no_wrap(text.to_owned(), FontId::proportional(theme::SMALL), color)
}

fn size(galley: &Galley) -> Vec2 {
    galley.size() + 2.0 * PADDING + vec2(2.0 * DOT + GAP, 0.0)
}

fn paint(ui: &Ui, rect: Rect, tone: Tone, galley: Arc<Galley>) {
    let palette = palette(ui);
    let color = palette.tone(tone);
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same((rect.height() / 2.0) as u8), palette.tone_soft(tone));
    painter.circle_filled(rect.left_center() + vec2(PADDING.x + DOT, 0.0), DOT, color);
    let place = rect.translate(vec2(PADDING.x + 2.0 * DOT + GAP, 0.0));
    painter.galley(Align2::LEFT_CENTER.align_size_within_rect(galley.size(), place).min, galley, color);
}
