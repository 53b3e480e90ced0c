//! A word with a colour that says what it means; the word alone says it too.

use eframe::egui::{Align2, CornerRadius, FontId, Response, Role, Sense, Ui, Vec2, WidgetInfo};

use crate::Tone;
use crate::theme::{self, palette};

const PADDING: Vec2 = Vec2::new(8.0, 2.5);
const DOT: f32 = 3.0;
const GAP: f32 = 6.0;

/// A state: a dot and a word on a soft ground.
pub fn badge(ui: &mut Ui, tone: Tone, text: &str) -> Response {
    let palette = palette(ui);
    let color = palette.tone(tone);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), FontId::proportional(theme::SMALL), color);
    let size = galley.size() + 2.0 * PADDING + Vec2::new(2.0 * DOT + GAP, 0.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        painter.rect_filled(rect, CornerRadius::same((size.y / 2.0) as u8), palette.tone_soft(tone));
        let left = rect.left_center() + Vec2::new(PADDING.x + DOT, 0.0);
        painter.circle_filled(left, DOT, color);
        let at = Align2::LEFT_CENTER.align_size_within_rect(
            galley.size(),
            rect.translate(Vec2::new(PADDING.x + 2.0 * DOT + GAP, 0.0)),
        );
        painter.galley(at.min, galley, color);
    }
    response
}
