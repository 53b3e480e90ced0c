//! What is shown in place of a page while there is no daemon to show, or it is not a worker of its studio.

use eframe::egui::Ui;

use crate::widgets::{Icon, Notice, notice, primary_button};
use crate::{Command, Commands, Link, Page, Tone, View};

/// Whether the page is drawn as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing, or a line above the page.
    Beside,
    /// A message in place of the page.
    Instead,
}

/// Draws what stands in the way of the pages, if anything does.
pub fn link_ui(ui: &mut Ui, view: &View, _page: Page, commands: &Commands) -> Shown {
    let (tone, icon, title, words, action) = match &view.link {
        Link::Up => return Shown::Beside,
        Link::Starting => (
            Tone::Busy,
            Icon::Clock,
            "The worker is starting".to_owned(),
            "This takes a moment".to_owned(),
            None,
        ),
        Link::Unreachable { words } => (
            Tone::Bad,
            Icon::Unplugged,
            "The worker is not running".to_owned(),
            words.clone(),
            Some(("Start the worker", Command::StartDaemon)),
        ),
        Link::OtherVersion { daemon } => (
            Tone::Warn,
            Icon::Warning,
            "The worker is another version".to_owned(),
            format!("It is version {daemon}; this window is version {}", env!("CARGO_PKG_VERSION")),
            Some(("Try again", Command::Reconnect)),
        ),
    };
    notice(ui, Notice { icon, tone, title: &title, words: &words }, |ui| {
        if let Some((name, command)) = action
            && primary_button(ui, name, !view.is_pending(&command)).clicked()
        {
            commands.send(command);
        }
    });
    Shown::Instead
}
