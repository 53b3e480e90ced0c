//! The page About: version and update.

use eframe::egui::Ui;

use crate::widgets::page_title;
use crate::{Commands, View};

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct AboutState {}

/// Draws the page.
pub fn about_ui(ui: &mut Ui, _view: &View, _state: &mut AboutState, _commands: &Commands) {
    page_title(ui, "About");
}
