//! The page Jobs: what runs, and what ran.

use eframe::egui::Ui;

use crate::widgets::page_title;
use crate::{Commands, View};

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct JobsState {}

/// Draws the page.
pub fn jobs_ui(ui: &mut Ui, _view: &View, _state: &mut JobsState, _commands: &Commands) {
    page_title(ui, "Jobs");
}
