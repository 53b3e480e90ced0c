//! Messages in the corner that go away by themselves.

use std::time::Duration;

use eframe::egui::{Align2, Area, CornerRadius, Frame, Id, Margin, Order, Stroke, Ui, vec2};

use super::buttons::icon_button;
use super::icons::{Icon, paint_icon};
use crate::theme::{self, palette};
use crate::{Toast, Tone};

/// Long enough to read one sentence twice.
const GOOD_SECONDS: f64 = 4.0;
/// What went wrong may have to be written down.
const BAD_SECONDS: f64 = 12.0;
/// More would cover the page.
const MAX_SHOWN: usize = 4;

/// Which messages are on the screen, and until when.
#[derive(Debug, Default)]
pub struct Toasts {
    seen: u64,
    shown: Vec<(Toast, f64)>,
}

impl Toasts {
    /// Shows messages that are new, and lets old ones go.
    pub fn show(&mut self, ui: &mut Ui, latest: &[Toast]) {
        let now = ui.input(|input| input.time);
        for toast in latest.iter().filter(|toast| toast.id > self.seen) {
            let seconds =
                if matches!(toast.tone, Tone::Bad | Tone::Warn) { BAD_SECONDS } else { GOOD_SECONDS };
            self.shown.push((toast.clone(), now + seconds));
        }
        self.seen = latest.last().map_or(self.seen, |toast| toast.id.max(self.seen));
        self.shown.retain(|(_, until)| *until > now);
        let too_many = self.shown.len().saturating_sub(MAX_SHOWN);
        self.shown.drain(..too_many);
        let Some(next) = self.shown.iter().map(|(_, until)| until - now).reduce(f64::min) else { return };
        ui.ctx().request_repaint_after(Duration::from_secs_f64(next));
        self.draw(ui);
    }

    fn draw(&mut self, ui: &mut Ui) {
        let palette = palette(ui);
        let mut closed = None;
        Area::new(Id::unique("toasts"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -16.0))
            .show(ui.ctx(), |ui| {
                for (toast, _) in &self.shown {
                    Frame::new()
                        .fill(palette.surface)
                        .stroke(Stroke::new(1.0, palette.tone(toast.tone)))
                        .corner_radius(CornerRadius::same(theme::RADIUS))
                        .inner_margin(Margin::symmetric(12, 8))
                        .shadow(ui.visuals().popup_shadow)
                        .show(ui, |ui| {
                            ui.horizontal(|ui| {
                                let (rect, _) =
                                    ui.allocate_exact_size(vec2(14.0, 14.0), eframe::egui::Sense::hover());
                                let icon = match toast.tone {
                                    Tone::Bad | Tone::Warn => Icon::Warning,
                                    Tone::Good | Tone::Busy | Tone::Plain => Icon::Check,
                                };
                                paint_icon(ui.painter(), rect, icon, palette.tone(toast.tone));
                                ui.scope(|ui| {
                                    ui.set_max_width(320.0);
                                    ui.label(&toast.text);
                                });
                                if icon_button(ui, Icon::Close, "Dismiss").clicked() {
                                    closed = Some(toast.id);
                                }
                            });
                        });
                }
            });
        if let Some(closed) = closed {
            self.shown.retain(|(toast, _)| toast.id != closed);
        }
    }
}
