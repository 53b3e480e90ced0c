//! The pages, down the left edge.

use eframe::egui::{Align2, CornerRadius, FontId, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

use crate::theme::{self, palette};
use crate::widgets::{Icon, paint_icon};
use crate::{Page, View, words};

const HEIGHT: f32 = 32.0;

/// Draws the navigation; a click or Enter goes to the page.
pub(super) fn nav_ui(ui: &mut Ui, view: &View, page: &mut Page) {
    ui.spacing_mut().item_spacing.y = 2.0;
    let palette = palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
    let mark = Align2::LEFT_CENTER.align_size_within_rect(Vec2::splat(18.0), rect.shrink2(vec2(8.0, 0.0)));
    paint_icon(ui.painter(), mark, Icon::Cube, palette.accent);
    let name = mark.right_center() + vec2(9.0, 0.0);
    ui.painter().text(
        name,
        Align2::LEFT_CENTER,
        "Studio worker",
        FontId::proportional(theme::BODY),
        palette.text,
    );
    ui.add_space(8.0);
    for target in Page::ALL {
        if entry(ui, target, *page == target, count(view, target)) {
            *page = target;
        }
    }
}

fn entry(ui: &mut Ui, page: Page, chosen: bool, count: Option<u64>) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, page.name()));
    if ui.is_rect_visible(rect) {
        let palette = palette(ui);
        let corner = CornerRadius::same(theme::RADIUS);
        if chosen {
            ui.painter().rect_filled(rect, corner, palette.accent_soft);
        } else if response.hovered() {
            ui.painter().rect_filled(rect, corner, palette.raised);
        }
        if response.has_focus() {
            crate::widgets::focus_ring(ui, rect);
        }
        let inner = rect.shrink2(vec2(10.0, 0.0));
        let icon = Align2::LEFT_CENTER.align_size_within_rect(Vec2::splat(15.0), inner);
        paint_icon(ui.painter(), icon, icon_of(page), if chosen { palette.accent } else { palette.soft });
        let color = if chosen || response.hovered() { palette.text } else { palette.soft };
        let at = icon.right_center() + vec2(10.0, 0.0);
        ui.painter().text(at, Align2::LEFT_CENTER, page.name(), FontId::proportional(theme::BODY), color);
        if let Some(count) = count {
            let text = words::thousands(count);
            ui.painter().text(
                inner.right_center(),
                Align2::RIGHT_CENTER,
                text,
                FontId::proportional(theme::SMALL),
                palette.soft,
            );
        }
    }
    response.clicked()
}

fn count(view: &View, page: Page) -> Option<u64> {
    let status = view.status.as_deref()?;
    let count = match page {
        Page::Jobs => status.jobs.len(),
        Page::Models => status.lanes.iter().filter(|lane| lane.loaded).count(),
        Page::Worker | Page::Logs | Page::Config | Page::About => 0,
    };
    (count > 0).then_some(count as u64)
}

fn icon_of(page: Page) -> Icon {
    match page {
        Page::Jobs => Icon::Jobs,
        Page::Models => Icon::Models,
        Page::Worker => Icon::Worker,
        Page::Logs => Icon::Logs,
        Page::Config => Icon::Config,
        Page::About => Icon::About,
    }
}
