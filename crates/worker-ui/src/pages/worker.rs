//! The page Worker: who this worker is and how it is.

use eframe::egui::Ui;

use crate::widgets::page_title;
use crate::{Commands, View};

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct WorkerState {}

/// Draws the page.
pub fn worker_ui(ui: &mut Ui, _view: &View, _state: &mut WorkerState, _commands: &Commands) {
    page_title(ui, "Worker");
}
