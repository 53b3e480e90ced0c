//! The page Models: in memory and on the disk.

use eframe::egui::Ui;

use crate::widgets::page_title;
use crate::{Commands, View};

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct ModelsState {}

/// Draws the page.
pub fn models_ui(ui: &mut Ui, _view: &View, _state: &mut ModelsState, _commands: &Commands) {
    page_title(ui, "Models");
}
