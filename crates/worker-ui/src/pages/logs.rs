//! The page Logs: what the daemon says, as it says it.

mod filter;
mod list;

use eframe::egui::{Align, Key, Label, Layout, Modifiers, Panel, RichText, Ui};
use worker_local::{LogLine, LogSeverity};

use crate::shell::search_id;
use crate::theme::{self, palette};
use crate::widgets::{Icon, choice, confirm, icon_button, link_button, page_title, search_field};
use crate::{Command, Commands, LogRow, Page, View, words};

use filter::Shown;

const SEARCH_WIDTH: f32 = 240.0;

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct LogsState {
    /// Narrower than everything.
    level: Option<LogSeverity>,
    job: Option<String>,
    search: String,
    shown: Shown,
    list: list::ListState,
}

/// Draws the page.
pub fn logs_ui(ui: &mut Ui, view: &View, state: &mut LogsState, commands: &Commands) {
    state.shown.update(&view.logs, state.level, state.job.as_deref(), state.search.trim());
    keys(ui, view, state);
    ui.horizontal(|ui| {
        page_title(ui, "Logs");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            search_field(ui, search_id(Page::Logs), &mut state.search, "Search lines", SEARCH_WIDTH);
        });
    });
    ui.add_space(2.0);
    tools_ui(ui, view, state, commands);
    ui.add_space(2.0);
    if let Some(line) = chosen(view, state) {
        Panel::bottom("log-line")
            .resizable(false)
            .show_separator_line(false)
            .frame(eframe::egui::Frame::new())
            .show(ui, |ui| {
                ui.add_space(8.0);
                line_ui(ui, view, state, &line);
            });
    }
    list::list_ui(ui, view, state, commands);
}

fn tools_ui(ui: &mut Ui, view: &View, state: &mut LogsState, commands: &Commands) {
    let levels = [
        (None, "all".to_owned()),
        (Some(LogSeverity::Debug), "debug and above".to_owned()),
        (Some(LogSeverity::Info), "info and above".to_owned()),
        (Some(LogSeverity::Warn), "warnings and errors".to_owned()),
        (Some(LogSeverity::Error), "errors".to_owned()),
    ];
    ui.horizontal_wrapped(|ui| {
        choice(ui, "Level", &mut state.level, &levels);
        let jobs = filter::jobs(view, state.job.as_deref());
        choice(ui, "Job", &mut state.job, &jobs);
        ui.checkbox(&mut state.list.follow, "Follow").on_hover_text("Stay at the newest line");
        let any = !state.shown.rows().is_empty();
        let name = if state.list.selected().is_some() { "Copy selection" } else { "Copy all shown" };
        if ui.add_enabled(any, eframe::egui::Button::new(name)).clicked() {
            copy(ui, view, state);
        }
        if ui.add_enabled(!view.logs.rows().is_empty(), eframe::egui::Button::new("Clear")).clicked() {
            commands.send(Command::ClearLogs);
        }
        if narrowed(state) && link_button(ui, "Clear filters").clicked() {
            clear_filters(state);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let text = words::count(state.shown.lines(), "line", "lines");
            ui.label(RichText::new(text).color(palette(ui).soft));
        });
    });
}

/// The line that is looked at, whole.
fn line_ui(ui: &mut Ui, view: &View, state: &mut LogsState, line: &LogLine) {
    let palette = palette(ui);
    crate::widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            let (level, tone) = words::severity(line.level);
            crate::widgets::badge(ui, tone, level);
            ui.label(RichText::new(view.clock.milli(line.ts)).color(palette.soft));
            ui.add(Label::new(RichText::new(&line.target).color(palette.soft)).selectable(true));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon_button(ui, Icon::Close, "Close the line").clicked() {
                    state.list.unselect();
                }
                if icon_button(ui, Icon::Copy, "Copy the line").clicked() {
                    ui.ctx().copy_text(as_text(line));
                }
                if let Some(job) = line.job.as_ref().filter(|job| state.job.as_ref() != Some(job))
                    && ui.button("Only this job").clicked()
                {
                    state.job = Some(job.clone());
                }
            });
        });
        let font = eframe::egui::FontId::monospace(theme::SMALL + 0.5);
        ui.add(
            Label::new(RichText::new(&line.message).font(font).color(palette.text)).wrap().selectable(true),
        );
        if let Some(job) = &line.job {
            ui.add(Label::new(RichText::new(format!("Job {job}")).color(palette.soft)).selectable(true));
        }
    });
}

fn chosen(view: &View, state: &LogsState) -> Option<std::sync::Arc<LogLine>> {
    let (first, last) = state.list.selected()?;
    if first != last {
        return None;
    }
    match filter::row(&view.logs, first)? {
        LogRow::Line(line) => Some(std::sync::Arc::clone(line)),
        LogRow::Gap => None,
    }
}

/// The selection, or everything that is shown.
fn copy(ui: &Ui, view: &View, state: &LogsState) {
    let selected = state.list.selected();
    let inside = |row: u64| selected.is_none_or(|(first, last)| (first..=last).contains(&row));
    let mut text = String::new();
    for row in state.shown.rows().iter().copied().filter(|row| inside(*row)) {
        match filter::row(&view.logs, row) {
            Some(LogRow::Line(line)) => text.push_str(&as_text(line)),
            Some(LogRow::Gap) => text.push_str(list::GAP),
            None => continue,
        }
        text.push('\n');
    }
    ui.ctx().copy_text(text);
}

fn as_text(line: &LogLine) -> String {
    let level = words::severity(line.level).0.to_uppercase();
    match &line.job {
        Some(job) => format!("{} {level} {}: {} job={job}", line.ts, line.target, line.message),
        None => format!("{} {level} {}: {}", line.ts, line.target, line.message),
    }
}

fn narrowed(state: &LogsState) -> bool {
    state.level.is_some() || state.job.is_some() || !state.search.trim().is_empty()
}

fn clear_filters(state: &mut LogsState) {
    state.level = None;
    state.job = None;
    state.search.clear();
}

/// Arrows select, Shift extends, Ctrl+C copies, Esc lets go; a field that is typed into keeps its keys.
fn keys(ui: &mut Ui, view: &View, state: &mut LogsState) {
    let id = list::list_id();
    let mine = ui.memory(|memory| memory.focused().is_none_or(|focused| focused == id));
    if !mine || confirm::is_open(ui.ctx()) || eframe::egui::Popup::is_any_open(ui.ctx()) {
        return;
    }
    let page = state.list.rows_a_page();
    let (step, extend, copied) = ui.input_mut(|input| {
        let mut step = None;
        let mut extend = false;
        let keys = [
            (Key::ArrowUp, list::Step::By(-1)),
            (Key::ArrowDown, list::Step::By(1)),
            (Key::PageUp, list::Step::By(-page)),
            (Key::PageDown, list::Step::By(page)),
            (Key::Home, list::Step::First),
            (Key::End, list::Step::Last),
            (Key::Escape, list::Step::Nowhere),
        ];
        for (key, to) in keys {
            if input.consume_key(Modifiers::SHIFT, key) {
                (step, extend) = (Some(to), true);
            } else if input.consume_key(Modifiers::NONE, key) {
                (step, extend) = (Some(to), false);
            }
        }
        if input.consume_key(Modifiers::COMMAND, Key::A) {
            (step, extend) = (Some(list::Step::All), true);
        }
        let copied = input.events.iter().any(|event| matches!(event, eframe::egui::Event::Copy));
        (step, extend, copied)
    });
    if let Some(step) = step {
        state.list.go(state.shown.rows(), step, extend);
    }
    if copied && state.list.selected().is_some() {
        copy(ui, view, state);
    }
}
