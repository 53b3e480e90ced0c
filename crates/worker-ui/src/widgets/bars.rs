//! Bars that show how much of something there is.

use eframe::egui::{Color32, CornerRadius, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::Tone;
use crate::theme::palette;

const HEIGHT: f32 = 6.0;
const MEMORY_HEIGHT: f32 = 14.0;
/// Less is not seen.
const LEAST: f32 = 2.0;

/// How far something is, from 0 to 1; `None`: nobody knows, which is shown as a half-tone and never moves.
pub fn progress_bar(ui: &mut Ui, name: &str, fraction: Option<f32>, tone: Tone) -> Response {
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
        info.value = fraction.map(|fraction| f64::from((fraction * 100.0).round()));
        info
    });
    let palette = palette(ui);
    let corner = CornerRadius::same((HEIGHT / 2.0) as u8);
    ui.painter().rect_filled(rect, corner, palette.line);
    let color = if tone == Tone::Plain { palette.accent } else { palette.tone(tone) };
    match fraction {
        Some(fraction) if fraction > 0.0 => {
            let width = (rect.width() * fraction.clamp(0.0, 1.0)).max(HEIGHT);
            ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(width, HEIGHT)), corner, color);
        }
        Some(_) => {}
        None => {
            ui.painter().rect_filled(rect, corner, color.gamma_multiply(0.35));
        }
    }
    response
}

/// One part of a [`memory_bar`].
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryPart {
    /// What takes it, for people.
    pub name: String,
    /// How much, in the bar's unit.
    pub amount: f64,
    /// As which colour.
    pub color: Color32,
}

/// What parts take of a whole; a tick stands at `limit`.
pub fn memory_bar(ui: &mut Ui, name: &str, parts: &[MemoryPart], total: f64, limit: Option<f64>) -> Response {
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, MEMORY_HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, name));
    let palette = palette(ui);
    let corner = CornerRadius::same(4);
    ui.painter().rect_filled(rect, corner, palette.line);
    if total <= 0.0 {
        return response;
    }
    let at = |amount: f64| rect.left() + rect.width() * (amount / total).clamp(0.0, 1.0) as f32;
    let mut from = 0.0;
    let count = parts.len();
    for (index, part) in parts.iter().enumerate() {
        let (left, right) = (at(from), at(from + part.amount));
        from += part.amount;
        if right - left < LEAST / 2.0 {
            continue;
        }
        let piece =
            Rect::from_min_max(pos2(left, rect.top()), pos2((right - 1.0).max(left + LEAST), rect.bottom()));
        let round = CornerRadius {
            nw: if index == 0 { 4 } else { 0 },
            sw: if index == 0 { 4 } else { 0 },
            ne: if index + 1 == count && from >= total { 4 } else { 0 },
            se: if index + 1 == count && from >= total { 4 } else { 0 },
        };
        ui.painter().rect_filled(piece, round, part.color);
        ui.interact(piece, response.id.with(index), Sense::hover()).on_hover_text(&part.name);
    }
    if let Some(limit) = limit.filter(|limit| *limit < total) {
        let x = at(limit);
        let tick = Rect::from_center_size(pos2(x, rect.center().y), Vec2::new(2.0, MEMORY_HEIGHT + 6.0));
        ui.painter().rect_filled(tick, CornerRadius::ZERO, palette.text);
    }
    response
}
