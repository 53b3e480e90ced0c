//! A window without a desktop: a shell, a view that tests change, and the commands that it sent.

use std::sync::Arc;

use eframe::egui::{Key, Modifiers, OutputCommand, Role, Theme, UiBuilder, Vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, Node, SnapshotOptions, SnapshotResults};
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
    let mut harness = Harness::builder()
        .with_size(size)
        .with_theme(theme)
        .with_render_cursor(false)
        .with_context_setup(theme::apply)
        .build_ui_state(
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

/// The one control with this name; the text beside a field may say the same.
pub fn control<'a>(window: &'a Window, name: &'a str) -> Node<'a> {
    let mut controls =
        window.query_all_by_label(name).filter(|node| node.accesskit_node().role() != Role::Label);
    let control = controls.next().unwrap_or_else(|| panic!("no control is called `{name}`"));
    assert!(controls.next().is_none(), "several controls are called `{name}`");
    control
}

/// Whether the control with this name cannot be used now.
pub fn is_disabled(window: &Window, name: &str) -> bool {
    control(window, name).accesskit_node().is_disabled()
}

/// What stands in the field with this name.
pub fn text(window: &Window, name: &str) -> String {
    control(window, name).accesskit_node().value().unwrap_or_default()
}

/// Clicks on what has this name, wherever a scroll area has put it.
pub fn press(window: &mut Window, name: &str) {
    control(window, name).click_accesskit();
    window.run();
}

/// Replaces the text of the field with this name.
pub fn typed(window: &mut Window, name: &str, text: &str) {
    control(window, name).focus();
    window.run();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.key_press(Key::Delete);
    window.run();
    control(window, name).type_text(text);
    window.run();
}

/// Clicks on what has this name, and says what that put where it can be pasted from.
pub fn copied(window: &mut Window, name: &str) -> Option<String> {
    control(window, name).click_accesskit();
    // The click arrives in one of the next frames, and what is copied is told in that one only.
    for _ in 0..3 {
        window.step();
        let commands = &window.output().platform_output.commands;
        let copied = commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            OutputCommand::CopyImage(_)
            | OutputCommand::OpenUrl(_)
            | OutputCommand::TextSelectionSettled(_) => None,
        });
        if copied.is_some() {
            return copied;
        }
    }
    None
}

/// Compares each window with the picture of its name.
pub fn looks<const N: usize>(windows: [(&str, Window); N]) {
    let mut results = SnapshotResults::new();
    for (name, mut window) in windows {
        snapshot(&mut window, name);
        results.extend(window.take_snapshot_results());
    }
}
