//! Text painted into a rectangle, cut with an ellipsis where it is too long.

use std::sync::Arc;

use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{Align2, Color32, FontId, Galley, Rect, TextFormat, Ui};

/// One line that fits `width`.
pub(crate) fn one_line(ui: &Ui, text: &str, font: FontId, color: Color32, width: f32) -> Arc<Galley> {
    // A frame lays out what is seen: of a long text that is its beginning.
    const SEEN: usize = 400;
    let end = text.char_indices().nth(SEEN).map_or(text.len(), |(at, _)| at);
    let line = text[..end].lines().next().unwrap_or_default();
    let mut job = LayoutJob::single_section(line.to_owned(), TextFormat::simple(font, color));
    job.wrap = TextWrapping::truncate_at_width(width);
    ui.painter().layout_job(job)
}

/// Paints one line into `rect`, against the side that `align` names.
pub(crate) fn paint_line(ui: &Ui, rect: Rect, align: Align2, text: &str, font: FontId, color: Color32) {
    if text.is_empty() || rect.width() < 8.0 {
        return;
    }
    let galley = one_line(ui, text, font, color, rect.width());
    let at = align.align_size_within_rect(galley.size(), rect);
    ui.painter().galley(at.min, galley, color);
}
