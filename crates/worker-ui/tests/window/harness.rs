//! A window without a desktop: a shell, a view that tests change, and the commands that it sent.

use std::sync::Arc;

use eframe::egui::{Theme, UiBuilder, Vec2};
use egui_kittest::{Harness, SnapshotOptions};
use tokio::sync::mpsc;
use worker_ui::{Command, Commands, Page, Shell, View, theme};

/// What a frame is drawn from.
pub struct Bench {
    pub shell: Shell,
    pub view: Arc<View>,
    pub commands: Commands,
    sent: mpsc::Receiver<Command>,
}

impl Bench {
    /// What was sent since the last call, without what each frame says of itself.
    pub fn sent(&mut self) -> Vec<Command> {
        let mut sent = Vec::new();
        while let Ok(command) = self.sent.try_recv() {
            if !matches!(command, Command::Look(_) | Command::WantPictures(_)) {
                sent.push(command);
            }
        }
        sent
    }
}

pub type Window = Harness<'static, Bench>;

/// A window of the usual size, by night.
pub fn window(page: Page, view: View) -> Window {
    sized(page, view, Theme::Dark, Vec2::new(1120.0, 740.0))
}

/// A window of any size and theme, after its first frames.
pub fn sized(page: Page, view: View, theme: Theme, size: Vec2) -> Window {
    let (commands, sent) = Commands::channel();
    let mut shell = Shell::default();
    shell.page = page;
    let bench = Bench { shell, view: Arc::new(view), commands, sent };
    let mut harness =
        Harness::builder().with_size(size).with_theme(theme).with_context_setup(theme::apply).build_ui_state(
            |ui, bench: &mut Bench| {
                let view = Arc::clone(&bench.view);
                // To the edges, as in a real window; the harness leaves a margin.
                let whole = ui.ctx().content_rect();
                ui.set_clip_rect(whole);
                ui.scope_builder(UiBuilder::new().max_rect(whole), |ui| {
                    bench.shell.ui(ui, &view, &bench.commands);
                });
            },
            bench,
        );
    harness.run();
    harness
}

/// Another view, and the frames that it takes.
pub fn show(window: &mut Window, view: View) {
    window.state_mut().view = Arc::new(view);
    window.run();
}

/// Compares with the picture of this name; a few pixels of text may differ between machines.
pub fn snapshot(window: &mut Window, name: &str) {
    window.snapshot_options(name, &SnapshotOptions::new().threshold(1.2).max_failed_pixels(40));
}
