//! The history as a list: only the rows that are seen are drawn, however many there are.

use std::sync::Arc;

use eframe::egui::{
    Align2, CornerRadius, EventFilter, FontId, Id, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};
use studio_protocol::TaskKind;
use worker_local::{JobRecord, Origin};

use super::JobsState;
use super::running::title;
use crate::theme::{self, Palette, palette};
use crate::widgets::{Icon, Notice, focus_ring, notice, paint_badge, paint_icon, paint_line};
use crate::{Command, Commands, PictureKey, Tone, View, words};

const ROW: f32 = 42.0;
const DAY: f32 = 30.0;
const THUMB: f32 = 32.0;
/// Older jobs are asked for before the end is seen.
const AHEAD: f32 = 40.0 * ROW;

/// Where each row is: computed when the rows change, and never in between.
#[derive(Debug, Default)]
pub(super) struct Layout {
    generation: Option<u64>,
    items: Vec<Item>,
    height: f32,
    page: usize,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    top: f32,
    row: usize,
    /// The heading of the day of `row`, with how many jobs of it are listed.
    day: Option<usize>,
}

impl Layout {
    /// How far a press of Page Down goes.
    pub(super) fn rows_a_page(&self) -> usize {
        self.page.max(1)
    }

    fn update(&mut self, generation: u64, rows: &[Arc<JobRecord>]) {
        if self.generation == Some(generation) {
            return;
        }
        self.generation = Some(generation);
        self.items.clear();
        self.height = 0.0;
        let mut heading = 0;
        for (index, record) in rows.iter().enumerate() {
            if index == 0 || rows[index - 1].day != record.day {
                heading = self.items.len();
                self.items.push(Item { top: self.height, row: index, day: Some(0) });
                self.height += DAY;
            }
            if let Some(count) = &mut self.items[heading].day {
                *count += 1;
            }
            self.items.push(Item { top: self.height, row: index, day: None });
            self.height += ROW;
        }
    }

    /// What lies between two heights.
    fn between(&self, top: f32, bottom: f32) -> &[Item] {
        let first = self.items.partition_point(|item| item.top <= top).saturating_sub(1);
        let end = self.items.partition_point(|item| item.top < bottom);
        self.items.get(first..end).unwrap_or_default()
    }

    fn top_of(&self, row: usize) -> Option<f32> {
        let at = self.items.partition_point(|item| item.row < row);
        self.items[at..].iter().find(|item| item.day.is_none()).map(|item| item.top)
    }
}

/// Of the list, for the keys.
pub(super) fn list_id() -> Id {
    Id::unique("jobs-list")
}

/// Draws the list, or why there is none.
pub(super) fn list_ui(ui: &mut Ui, view: &View, state: &mut JobsState, commands: &Commands) {
    let history = &view.history;
    if history.rows.is_empty() {
        empty_ui(ui, view, state, commands);
        return;
    }
    state.layout.update(history.generation, &history.rows);
    let palette = palette(ui);
    let place = ui.available_rect_before_wrap();
    ui.painter().rect(
        place,
        CornerRadius::same(theme::RADIUS + 2),
        palette.surface,
        Stroke::new(1.0, palette.line),
        StrokeKind::Inside,
    );
    let focus = focus(ui, place, &mut state.by_key);
    ui.spacing_mut().scroll.floating_allocated_width = 0.0;
    state.layout.page = (place.height() / ROW) as usize;
    // Inside the edge.
    let inside = UiBuilder::new().max_rect(place.shrink(1.0));
    let bottom = ui
        .scope_builder(inside, |ui| {
            ScrollArea::vertical()
                .id_salt("history")
                .auto_shrink([false, false])
                .show_viewport(ui, |ui, seen| rows_ui(ui, view, state, seen))
                .inner
        })
        .inner;
    if focus {
        focus_ring(ui, place);
    }
    if history.more && !history.busy && history.trouble.is_none() && bottom + AHEAD > state.layout.height {
        commands.send(Command::MoreJobs);
    }
    if let Some(trouble) = &history.trouble {
        let line =
            Rect::from_min_max(pos2(place.left() + 1.0, place.bottom() - 30.0), place.max - vec2(1.0, 1.0));
        ui.painter().rect_filled(line, CornerRadius::same(theme::RADIUS), palette.bad_soft);
        let text = format!("Older jobs could not be read. {trouble}");
        paint_line(ui, line.shrink2(vec2(12.0, 0.0)), Align2::LEFT_CENTER, &text, body(), palette.bad);
    }
}

fn focus(ui: &mut Ui, place: Rect, by_key: &mut bool) -> bool {
    let response = ui.interact(place, list_id(), Sense::FOCUSABLE);
    response.widget_info(|| WidgetInfo::labeled(Role::List, true, "History"));
    if response.has_focus() {
        let filter = EventFilter { vertical_arrows: true, escape: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    }
    if response.gained_focus() {
        *by_key = ui.input(|input| !input.pointer.any_released());
    }
    response.has_focus() && *by_key
}

fn rows_ui(ui: &mut Ui, view: &View, state: &mut JobsState, seen: Rect) -> f32 {
    let rows = &view.history.rows;
    let origin = ui.min_rect().min;
    let width = ui.available_width();
    ui.set_height(state.layout.height);
    let at = |top: f32, height: f32| Rect::from_min_size(pos2(origin.x, origin.y + top), vec2(width, height));
    if std::mem::take(&mut state.reveal)
        && let Some(top) = state
            .selected
            .and_then(|seq| rows.iter().position(|row| row.seq == seq))
            .and_then(|row| state.layout.top_of(row))
    {
        ui.scroll_to_rect(at(top - DAY, ROW + 2.0 * DAY), None);
    }
    let items = state.layout.between(seen.top(), seen.bottom()).to_vec();
    for item in items {
        let Some(record) = rows.get(item.row) else { continue };
        match item.day {
            Some(count) => day_ui(ui, view, at(item.top, DAY), record, count),
            None => row_ui(ui, view, state, at(item.top, ROW), record),
        }
    }
    seen.bottom()
}

fn day_ui(ui: &Ui, view: &View, rect: Rect, record: &JobRecord, listed: usize) {
    let palette = palette(ui);
    // Its corners must not cover those of the list's frame.
    ui.painter().rect_filled(rect, CornerRadius::same(theme::RADIUS), palette.background);
    let inner = rect.shrink2(vec2(12.0, 0.0));
    let day = view.clock.day(&record.day);
    paint_line(ui, inner, Align2::LEFT_CENTER, &day, FontId::proportional(theme::SMALL), palette.text);
    let known = view.history.days.iter().find(|day| day.day == record.day);
    let text = match known.filter(|_| view.history.filter == worker_local::JobFilter::default()) {
        Some(day) if day.failed > 0 => {
            format!("{}, {} failed", words::count(day.jobs, "job", "jobs"), words::thousands(day.failed))
        }
        Some(day) => words::count(day.jobs, "job", "jobs"),
        None => words::count(listed as u64, "job", "jobs"),
    };
    paint_line(ui, inner, Align2::RIGHT_CENTER, &text, FontId::proportional(theme::SMALL), palette.soft);
}

fn row_ui(ui: &mut Ui, view: &View, state: &mut JobsState, rect: Rect, record: &JobRecord) {
    let palette = palette(ui);
    let selected = state.selected == Some(record.seq);
    // Not one by one with Tab: the list has the focus, and arrows go through it.
    let response = ui.interact(rect, list_id().with(record.seq), Sense::CLICK);
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, selected, spoken(view, record)));
    if response.clicked() {
        state.open = !(selected && state.open);
        state.selected = Some(record.seq);
        state.by_key = false;
        ui.memory_mut(|memory| memory.request_focus(list_id()));
    }
    if selected {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, palette.accent_soft);
        let mark = Rect::from_min_size(rect.min, vec2(3.0, ROW));
        ui.painter().rect_filled(mark, CornerRadius::ZERO, palette.accent);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, palette.raised);
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.line));
    thumb_ui(ui, view, state, rect, record);
    columns_ui(ui, view, palette, rect, record);
}

fn thumb_ui(ui: &Ui, view: &View, state: &mut JobsState, rect: Rect, record: &JobRecord) {
    let place =
        Rect::from_min_size(pos2(rect.left() + 12.0, rect.center().y - THUMB / 2.0), vec2(THUMB, THUMB));
    if record.has_thumbnail {
        let key = PictureKey::Thumbnail(record.id.clone());
        state.textures.paint(ui, place, &key, view.pictures.get(&key));
        state.wanted.push((key, 0));
        return;
    }
    let palette = palette(ui);
    ui.painter().rect_filled(place, CornerRadius::same(4), palette.raised);
    paint_icon(ui.painter(), place.shrink(9.0), icon_of(record.kind), palette.soft);
}

/// From the right: when, how long, how it ended; what is left of the row is for its title, then for the model and the project.
fn columns_ui(ui: &Ui, view: &View, palette: &Palette, rect: Rect, record: &JobRecord) {
    let mut right = rect.right() - 14.0;
    let mut column = |width: f32| {
        let place = Rect::from_min_max(pos2(right - width, rect.top()), pos2(right, rect.bottom()));
        right -= width + 12.0;
        place
    };
    let soft =
        |place: Rect, align: Align2, text: &str| paint_line(ui, place, align, text, body(), palette.soft);
    soft(column(44.0), Align2::RIGHT_CENTER, &view.clock.hour(record.ended_at));
    let wide = rect.width();
    if wide > 420.0 {
        let took = record.ended_at.as_millis() - record.started_at.as_millis();
        soft(column(76.0), Align2::RIGHT_CENTER, &words::duration(took));
    }
    let (end, tone) = words::end(record.end);
    paint_badge(ui, column(86.0), tone, end);
    if wide > 760.0 {
        let project = match record.origin {
            Origin::Studio if !record.project.is_empty() => record.project.as_str(),
            Origin::Studio | Origin::Local => words::origin(record.origin),
        };
        soft(column(124.0), Align2::LEFT_CENTER, project);
    }
    if wide > 580.0 {
        soft(column(124.0), Align2::LEFT_CENTER, &record.model);
    }
    if wide > 880.0 {
        soft(column(76.0), Align2::LEFT_CENTER, words::kind(record.kind));
    }
    let left = rect.left() + 12.0 + THUMB + 12.0;
    let place = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
    let text = title(&record.name, &record.prompt, &record.id);
    paint_line(ui, place, Align2::LEFT_CENTER, text, body(), palette.text);
}

/// What a screen reader says of a row.
fn spoken(view: &View, record: &JobRecord) -> String {
    format!(
        "{}, {}, {}, {}",
        title(&record.name, &record.prompt, &record.id),
        words::kind(record.kind),
        words::end(record.end).0,
        view.clock.moment(record.ended_at),
    )
}

fn empty_ui(ui: &mut Ui, view: &View, state: &mut JobsState, commands: &Commands) {
    let history = &view.history;
    if let Some(trouble) = &history.trouble {
        let failed = Notice {
            icon: Icon::Warning,
            tone: Tone::Bad,
            title: "The history could not be read",
            words: trouble,
        };
        if notice(ui, failed, |ui| ui.button("Try again").clicked()) {
            commands.send(Command::Refresh);
        }
    } else if history.busy {
        ui.label("Reading the history…");
    } else if state.filters.any() {
        let none = Notice {
            icon: Icon::Search,
            tone: Tone::Plain,
            title: "No job matches",
            words: "Another word or fewer filters may find it",
        };
        if notice(ui, none, |ui| ui.button("Show all jobs").clicked()) {
            state.filters.clear();
            ui.ctx().request_repaint();
        }
    } else {
        let none = Notice {
            icon: Icon::Jobs,
            tone: Tone::Plain,
            title: "No jobs yet",
            words: "What this worker has done is listed here",
        };
        notice(ui, none, |_| ());
    }
}

fn body() -> FontId {
    FontId::proportional(theme::BODY)
}

/// A picture of what a job makes.
pub(super) fn icon_of(kind: TaskKind) -> Icon {
    match kind {
        TaskKind::Image => Icon::Picture,
        TaskKind::Llm => Icon::Chat,
        TaskKind::AudioStt | TaskKind::AudioTts => Icon::Sound,
        TaskKind::Video => Icon::Film,
        TaskKind::Mesh => Icon::Cube,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn rows_are_found_by_height_and_every_day_has_a_heading() {
        let history = samples::history(2_000, false);
        let mut layout = Layout::default();
        layout.update(1, &history.rows);
        let days = layout.items.iter().filter(|item| item.day.is_some()).count();
        assert_eq!(days, history.days.len());
        assert_eq!(layout.items.iter().filter_map(|item| item.day).sum::<usize>(), 2_000);
        let height = days as f32 * DAY + 2_000.0 * ROW;
        assert!((layout.height - height).abs() < 1.0);

        let seen = layout.between(10_000.0, 10_400.0);
        assert!(seen.len() < 14);
        assert!(seen[0].top <= 10_000.0 && seen[0].top > 10_000.0 - ROW);
        assert!(seen[seen.len() - 1].top < 10_400.0);
        assert!(layout.between(-5.0, 10.0)[0].top < 1.0);
        assert!((layout.top_of(1_999).unwrap() - (height - ROW)).abs() < 1.0);
        assert!((layout.top_of(0).unwrap() - DAY).abs() < 1.0);
    }
}
