//! The lines: one row each, those in sight alone, at the end as long as it is followed.

use std::collections::VecDeque;

use eframe::egui::{
    Align2, CornerRadius, EventFilter, FontId, Id, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};
use worker_local::{LogLine, LogSeverity};

use super::{LogsState, clear_filters, filter, narrowed};
use crate::theme::{self, palette};
use crate::widgets::{Icon, Notice, focus_ring, notice, paint_line};
use crate::{Command, Commands, LogRow, Tone, View, words};

const ROW: f32 = 21.0;
/// What stands where lines are missing.
pub(super) const GAP: &str = "Lines are missing here: there were more than are kept";

/// Where the list is.
#[derive(Debug)]
pub(super) struct ListState {
    /// Stays at the newest line.
    pub(super) follow: bool,
    /// The row that the selection began with, and the one that it goes to.
    selection: Option<(u64, u64)>,
    reveal: bool,
    by_key: bool,
    offset: f32,
    page: usize,
}

impl Default for ListState {
    fn default() -> Self {
        Self { follow: true, selection: None, reveal: false, by_key: false, offset: 0.0, page: 1 }
    }
}

/// Where a key goes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    By(isize),
    First,
    Last,
    All,
    Nowhere,
}

impl ListState {
    /// The rows that are selected, the smaller number first.
    pub(super) fn selected(&self) -> Option<(u64, u64)> {
        self.selection.map(|(from, to)| (from.min(to), from.max(to)))
    }

    /// Nothing any more.
    pub(super) fn unselect(&mut self) {
        self.selection = None;
    }

    /// How far a press of Page Down goes.
    pub(super) fn rows_a_page(&self) -> isize {
        self.page.max(1).cast_signed()
    }

    /// Moves the selection by key.
    pub(super) fn go(&mut self, rows: &VecDeque<u64>, step: Step, extend: bool) {
        let (Some(first), Some(last)) = (rows.front().copied(), rows.back().copied()) else { return };
        let to = match step {
            Step::First => first,
            Step::Last => last,
            Step::Nowhere => {
                self.selection = None;
                return;
            }
            Step::All => {
                self.selection = Some((first, last));
                return;
            }
            Step::By(rest) => match self.selection {
                // From the end, where the newest is.
                None => last,
                Some((_, at)) => {
                    let at = rows.partition_point(|row| *row < at).cast_signed() + rest;
                    let at = at.clamp(0, rows.len().cast_signed() - 1).cast_unsigned();
                    rows[at]
                }
            },
        };
        let from = self.selection.map(|(from, _)| from).filter(|_| extend).unwrap_or(to);
        self.selection = Some((from, to));
        self.reveal = true;
        self.by_key = true;
    }
}

/// Of the list, for the keys.
pub(super) fn list_id() -> Id {
    Id::unique("logs-list")
}

/// Draws the lines, or why there are none.
pub(super) fn list_ui(ui: &mut Ui, view: &View, state: &mut LogsState, commands: &Commands) {
    if state.shown.lines() == 0 {
        empty_ui(ui, view, state, commands);
        return;
    }
    let palette = palette(ui);
    let place = ui.available_rect_before_wrap();
    ui.painter().rect(
        place,
        CornerRadius::same(theme::RADIUS + 2),
        palette.surface,
        Stroke::new(1.0, palette.line),
        StrokeKind::Inside,
    );
    let focus = focus(ui, place, &mut state.list.by_key);
    let inner = place.shrink2(vec2(1.0, 4.0));
    state.list.page = (inner.height() / ROW) as usize;
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| scroll_ui(ui, view, state, inner.height()));
    if focus {
        focus_ring(ui, place);
    }
}

fn scroll_ui(ui: &mut Ui, view: &View, state: &mut LogsState, height: f32) {
    ui.spacing_mut().scroll.floating_allocated_width = 0.0;
    let whole = state.shown.rows().len() as f32 * ROW;
    let end = (whole - height).max(0.0);
    let gone = state.shown.take_gone() as f32 * ROW;
    let mut area = ScrollArea::vertical().id_salt("lines").auto_shrink([false, false]);
    let mut begin = state.list.offset;
    if std::mem::take(&mut state.list.reveal)
        && let Some((_, to)) = state.list.selection
    {
        let top = state.shown.rows().partition_point(|row| *row < to) as f32 * ROW;
        begin = begin.clamp((top + 2.0 * ROW - height).min(top), (top - ROW).max(0.0));
        state.list.follow = begin >= end - 1.0 || top + 2.0 * ROW > whole;
    }
    if state.list.follow {
        begin = end;
    } else {
        begin = (begin - gone).clamp(0.0, end);
    }
    if (begin - state.list.offset).abs() > 0.1 {
        area = area.vertical_scroll_offset(begin);
    }
    let output = area.show_viewport(ui, |ui, seen| rows_ui(ui, view, state, seen, whole));
    let offset = output.state.clamped_offset().y;
    // Scrolled by hand: up lets the end go, and down to the end follows it again.
    if offset < begin - 1.0 {
        state.list.follow = false;
    } else if offset > begin + 1.0 && offset >= end - 1.0 {
        state.list.follow = true;
    }
    state.list.offset = offset;
}

fn focus(ui: &mut Ui, place: Rect, by_key: &mut bool) -> bool {
    let response = ui.interact(place, list_id(), Sense::FOCUSABLE);
    response.widget_info(|| WidgetInfo::labeled(Role::List, true, "Log lines"));
    if response.has_focus() {
        let filter = EventFilter { vertical_arrows: true, escape: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    }
    if response.gained_focus() {
        *by_key = ui.input(|input| !input.pointer.any_released());
    }
    response.has_focus() && *by_key
}

fn rows_ui(ui: &mut Ui, view: &View, state: &mut LogsState, seen: Rect, whole: f32) {
    let origin = ui.min_rect().min;
    let width = ui.available_width();
    ui.set_height(whole);
    let first = (seen.top() / ROW).floor().max(0.0) as usize;
    let count = (seen.height() / ROW).ceil() as usize + 1;
    for at in first..(first + count).min(state.shown.rows().len()) {
        let number = state.shown.rows()[at];
        let rect = Rect::from_min_size(pos2(origin.x, origin.y + at as f32 * ROW), vec2(width, ROW));
        match filter::row(&view.logs, number) {
            Some(LogRow::Line(line)) => line_ui(ui, view, &mut state.list, rect, number, line),
            Some(LogRow::Gap) => gap_ui(ui, rect),
            None => {}
        }
    }
}

fn line_ui(ui: &mut Ui, view: &View, list: &mut ListState, rect: Rect, number: u64, line: &LogLine) {
    let palette = palette(ui);
    let selected = list.selected().is_some_and(|(first, last)| (first..=last).contains(&number));
    let response = ui.interact(rect, list_id().with(number), Sense::CLICK);
    let (level, tone) = words::severity(line.level);
    response.widget_info(|| {
        let text = format!("{level}, {}, {}", view.clock.second(line.ts), line.message);
        WidgetInfo::selected(Role::ListItem, true, selected, text)
    });
    if response.clicked() {
        let extend = ui.input(|input| input.modifiers.shift);
        list.selection = match list.selection {
            Some((from, _)) if extend => Some((from, number)),
            Some((from, to)) if from == to && from == number => None,
            Some(_) | None => Some((number, number)),
        };
        list.by_key = false;
        // What is looked at must not run away.
        list.follow &= list.selection.is_none();
        ui.memory_mut(|memory| memory.request_focus(list_id()));
    }
    if selected {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, palette.accent_soft);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, palette.raised);
    }
    let grave = matches!(line.level, LogSeverity::Error | LogSeverity::Warn);
    if grave {
        let mark = Rect::from_min_size(rect.min, vec2(3.0, ROW)).shrink2(vec2(0.0, 1.0));
        ui.painter().rect_filled(mark, CornerRadius::ZERO, palette.tone(tone));
    }
    let mono = || FontId::monospace(theme::SMALL);
    let mut left = rect.left() + 12.0;
    let mut column = |width: f32| {
        let place = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width, rect.bottom()));
        left += width + 12.0;
        place
    };
    let quiet = matches!(line.level, LogSeverity::Debug | LogSeverity::Trace);
    let level_color = if grave { palette.tone(tone) } else { palette.soft };
    paint_line(ui, column(88.0), Align2::LEFT_CENTER, &view.clock.milli(line.ts), mono(), palette.soft);
    paint_line(ui, column(52.0), Align2::LEFT_CENTER, level, mono(), level_color);
    if rect.width() > 640.0 {
        paint_line(ui, column(140.0), Align2::LEFT_CENTER, short(&line.target), mono(), palette.soft);
    }
    let message = Rect::from_min_max(pos2(left, rect.top()), rect.max - vec2(12.0, 0.0));
    let color = if quiet { palette.soft } else { palette.text };
    paint_line(
        ui,
        message,
        Align2::LEFT_CENTER,
        &line.message,
        mono(),
        if grave { palette.tone(tone) } else { color },
    );
}

fn gap_ui(ui: &mut Ui, rect: Rect) {
    let palette = palette(ui);
    let response = ui.interact(rect, list_id().with(("gap", rect.top().to_bits())), Sense::HOVER);
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, GAP));
    ui.painter().rect_filled(rect, CornerRadius::ZERO, palette.warn_soft);
    let inner = rect.shrink2(vec2(12.0, 0.0));
    paint_line(
        ui,
        inner,
        Align2::LEFT_CENTER,
        GAP,
        FontId::proportional(theme::SMALL),
        palette.tone(Tone::Warn),
    );
}

/// A module's path without its crate, and no more than two parts of it.
fn short(target: &str) -> &str {
    let inside = target.split_once("::").map_or(target, |(_, inside)| inside);
    inside.rmatch_indices("::").nth(1).map_or(inside, |(at, _)| &inside[at + 2..])
}

fn empty_ui(ui: &mut Ui, view: &View, state: &mut LogsState, commands: &Commands) {
    if let Some(trouble) = &view.logs.trouble {
        let failed = Notice {
            icon: Icon::Warning,
            tone: Tone::Bad,
            title: "The log could not be read",
            words: trouble,
        };
        if notice(ui, failed, |ui| ui.button("Try again").clicked()) {
            commands.send(Command::Refresh);
        }
    } else if narrowed(state) && !view.logs.rows().is_empty() {
        let none = Notice {
            icon: Icon::Search,
            tone: Tone::Plain,
            title: "No line matches",
            words: "Another word or fewer filters may find one",
        };
        if notice(ui, none, |ui| ui.button("Show all lines").clicked()) {
            clear_filters(state);
            ui.ctx().request_repaint();
        }
    } else {
        let none = Notice {
            icon: Icon::Logs,
            tone: Tone::Plain,
            title: "No lines yet",
            words: "What the worker says from now on appears here",
        };
        notice(ui, none, |_| ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_told_by_its_last_parts() {
        assert_eq!(short("studio_worker::daemon::beat"), "daemon::beat");
        assert_eq!(short("studio_worker::daemon"), "daemon");
        assert_eq!(short("a::b::c::d::e"), "d::e");
        assert_eq!(short("hyper"), "hyper");
    }

    #[test]
    fn keys_move_extend_and_stay_inside() {
        let rows = VecDeque::from([3, 5, 9]);
        let mut list = ListState::default();
        list.go(&rows, Step::By(-1), false);
        assert_eq!(list.selected(), Some((9, 9)));
        list.go(&rows, Step::By(-1), true);
        assert_eq!(list.selected(), Some((5, 9)));
        list.go(&rows, Step::By(-20), false);
        assert_eq!(list.selected(), Some((3, 3)));
        list.go(&rows, Step::All, true);
        assert_eq!(list.selected(), Some((3, 9)));
        list.go(&rows, Step::Nowhere, false);
        assert_eq!(list.selected(), None);
    }
}
