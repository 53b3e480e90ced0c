//! The page Config: the owner's settings.

use eframe::egui::Ui;

use crate::widgets::page_title;
use crate::{Commands, View};

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct ConfigState {}

/// Draws the page.
pub fn config_ui(ui: &mut Ui, _view: &View, _state: &mut ConfigState, _commands: &Commands) {
    page_title(ui, "Config");
}
