//! The page Logs: what the daemon says.

use eframe::egui::Ui;

use crate::widgets::page_title;
use crate::{Commands, View};

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct LogsState {}

/// Draws the page.
pub fn logs_ui(ui: &mut Ui, _view: &View, _state: &mut LogsState, _commands: &Commands) {
    page_title(ui, "Logs");
}
