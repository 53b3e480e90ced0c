//! The page Jobs: what runs now, and what ran, day by day.

mod detail;
mod filters;
mod list;
mod running;

use eframe::egui::{Align, Frame, Key, Layout, Margin, Modifiers, Panel, Ui};

use crate::shell::search_id;
use crate::widgets::{Textures, confirm, page_title, search_field};
use crate::{Command, Commands, Page, PictureKey, View};

use filters::Filters;
use list::Layout as ListLayout;

const SEARCH_WIDTH: f32 = 240.0;
const DETAIL_WIDTH: f32 = 340.0;
/// In less, the details stand in place of the list.
const BOTH_WIDTH: f32 = 760.0;

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct JobsState {
    filters: Filters,
    /// The number of the record that the keys are at.
    selected: Option<u64>,
    /// Whether its details are shown.
    open: bool,
    /// The selection moved by key: the list follows it.
    reveal: bool,
    /// The list is used by key: its focus is shown.
    by_key: bool,
    layout: ListLayout,
    textures: Textures,
    wanted: Vec<(PictureKey, u64)>,
    asked_pictures: Vec<(PictureKey, u64)>,
    opened: Option<String>,
}

/// Draws the page.
pub fn jobs_ui(ui: &mut Ui, view: &View, state: &mut JobsState, commands: &Commands) {
    state.textures.begin();
    state.wanted.clear();
    keys(ui, view, state);
    ui.horizontal(|ui| {
        page_title(ui, "Jobs");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let id = search_id(Page::Jobs);
            search_field(ui, id, &mut state.filters.search, "Search jobs", SEARCH_WIDTH);
        });
    });
    ui.add_space(2.0);
    if let Some(record) = detail::record(view, state) {
        if ui.available_width() < BOTH_WIDTH {
            detail::detail_ui(ui, view, state, &record);
            tell(ui, view, state, commands);
            return;
        }
        let frame = Frame::new().inner_margin(Margin { left: 12, ..Margin::ZERO });
        Panel::right("job-detail")
            .resizable(false)
            .show_separator_line(false)
            .exact_size(DETAIL_WIDTH)
            .frame(frame)
            .show(ui, |ui| detail::detail_ui(ui, view, state, &record));
    }
    // What the panel leaves.
    ui.scope(|ui| {
        running::running_ui(ui, view, state);
        filters::filters_ui(ui, view, &mut state.filters, commands);
        list::list_ui(ui, view, state, commands);
    });
    tell(ui, view, state, commands);
}

/// Says what changed in this frame: the job that is open, and the pictures in sight.
fn tell(ui: &Ui, view: &View, state: &mut JobsState, commands: &Commands) {
    let open = detail::record(view, state).map(|record| record.id.clone());
    if open != state.opened && commands.send(Command::OpenJob(open.clone())) {
        state.opened = open;
    }
    if state.wanted != state.asked_pictures {
        if commands.send(Command::WantPictures(state.wanted.clone())) {
            state.asked_pictures.clone_from(&state.wanted);
        } else {
            ui.ctx().request_repaint();
        }
    }
}

/// Arrows move through the list, Enter opens, Esc closes; a field that is typed into keeps its keys.
fn keys(ui: &mut Ui, view: &View, state: &mut JobsState) {
    let id = list::list_id();
    let mine = ui.memory(|memory| memory.focused().is_none_or(|focused| focused == id));
    if !mine || confirm::is_open(ui.ctx()) || eframe::egui::Popup::is_any_open(ui.ctx()) {
        return;
    }
    let rows = &view.history.rows;
    let at = state.selected.and_then(|seq| rows.iter().position(|row| row.seq == seq));
    let last = rows.len().saturating_sub(1);
    let page = state.layout.rows_a_page();
    let mut to = None;
    ui.input_mut(|input| {
        let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
        if pressed(Key::ArrowDown) {
            to = Some(at.map_or(0, |at| at + 1));
        }
        if pressed(Key::ArrowUp) {
            to = Some(at.map_or(0, |at| at.saturating_sub(1)));
        }
        if pressed(Key::PageDown) {
            to = Some(at.map_or(0, |at| at + page));
        }
        if pressed(Key::PageUp) {
            to = Some(at.map_or(0, |at| at.saturating_sub(page)));
        }
        if pressed(Key::Home) {
            to = Some(0);
        }
        if pressed(Key::End) {
            to = Some(last);
        }
        if pressed(Key::Enter) && at.is_some() {
            state.open = true;
        }
        if state.open && pressed(Key::Escape) {
            state.open = false;
        }
    });
    if let Some(row) = to.and_then(|to| rows.get(to.min(last))) {
        state.selected = Some(row.seq);
        state.reveal = true;
        state.by_key = true;
    }
}
