//! The page About: versions, update, where things are, and the end.

use eframe::egui::{Align, Button, Label, Layout, RichText, ScrollArea, Ui, vec2};
use worker_local::{ShutdownAsk, Status, UpdateState, UpdateView};

use super::parts::{copy_button, heading, line, named_button, small, soft};
use crate::theme::palette;
use crate::widgets::confirm::{self, Confirm};
use crate::widgets::{card, facts, page_title, primary_button};
use crate::{Command, Commands, Link, Tone, View, words};

/// Of this window's program.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const LICENCE: &str = env!("CARGO_PKG_LICENSE");
const PATH_NAME_WIDTH: f32 = 110.0;
const PATH_BUTTONS_WIDTH: f32 = 110.0;

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct AboutState {
    /// Somebody asked to close the window for good.
    pub quit: bool,
}

/// Draws the page; it has something to say without a daemon too.
pub fn about_ui(ui: &mut Ui, view: &View, state: &mut AboutState, commands: &Commands) {
    page_title(ui, "About");
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        card(ui, |ui| versions(ui, view));
        if let Some(status) = view.status.as_deref() {
            card(ui, |ui| update(ui, view, &status.update, commands));
            card(ui, |ui| paths(ui, status, commands));
        }
        card(ui, |ui| end(ui, view, state, commands));
    });
}

fn versions(ui: &mut Ui, view: &View) {
    heading(ui, "Studio worker", |_| {});
    let mut rows = vec![("Window", VERSION.to_owned())];
    match (&view.link, view.status.as_deref()) {
        (Link::OtherVersion { daemon }, _) => rows.push(("Worker", daemon.clone())),
        (_, Some(status)) => {
            rows.push(("Worker", format!("{}, process {}", status.version, status.pid)));
            rows.push(("Running since", view.clock.moment(status.started_at)));
        }
        (Link::Starting | Link::Unreachable { .. } | Link::Up, None) => {
            rows.push(("Worker", "not running".to_owned()));
        }
    }
    rows.push(("Licence", LICENCE.to_owned()));
    facts(ui, "versions", rows);
}

fn update(ui: &mut Ui, view: &View, update: &UpdateView, commands: &Commands) {
    heading(ui, "Update", |_| {});
    match update.state {
        UpdateState::Current => line(ui, Tone::Good, "This is the newest version"),
        UpdateState::Available => {
            let newer = update.latest.as_deref().unwrap_or("a newer version");
            line(ui, Tone::Busy, &format!("Version {newer} is there"));
        }
        UpdateState::Unknown => {
            soft(ui, "Nobody has looked for a newer version yet");
        }
    }
    if let Some(trouble) = &update.trouble {
        line(ui, Tone::Bad, trouble);
    }
    let free = matches!(view.link, Link::Up) && !view.is_pending(&Command::CheckUpdate);
    ui.horizontal(|ui| {
        if let (UpdateState::Available, Some(latest)) = (update.state, &update.latest)
            && primary_button(ui, &format!("Install {latest}"), free).clicked()
        {
            confirm::ask(
                ui.ctx(),
                Confirm {
                    title: format!("Install version {latest}?"),
                    words: "The worker finishes what runs, and starts again as the new version".to_owned(),
                    action: "Install".to_owned(),
                    danger: false,
                    command: Command::ApplyUpdate,
                },
            );
        }
        if ui.add_enabled(free, Button::new("Check now")).clicked() {
            commands.send(Command::CheckUpdate);
        }
        if let Some(checked) = update.checked_at {
            small(ui, &format!("Last looked {}", view.clock.moment(checked)));
        }
    });
}

fn paths(ui: &mut Ui, status: &Status, commands: &Commands) {
    heading(ui, "Where things are", |_| {});
    let folder = folder_of(&status.config_path);
    let history = format!("{folder}{}history.db", separator(&status.config_path));
    for (name, path, opens) in [
        ("Config", &status.config_path, &status.config_path),
        ("Logs", &status.log_dir, &status.log_dir),
        // A database is nothing to look at: its folder is.
        ("History", &history, &folder),
    ] {
        path_row(ui, name, path, opens, commands);
    }
}

fn path_row(ui: &mut Ui, name: &str, path: &str, opens: &str, commands: &Commands) {
    let palette = palette(ui);
    ui.horizontal(|ui| {
        // As high as the buttons, so that the words stand in their middle.
        let height = ui.spacing().interact_size.y;
        let middle = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(vec2(PATH_NAME_WIDTH, height), middle, |ui| {
            ui.set_width(PATH_NAME_WIDTH);
            ui.label(RichText::new(name).color(palette.soft));
        });
        let width = (ui.available_width() - PATH_BUTTONS_WIDTH).max(80.0);
        ui.allocate_ui_with_layout(vec2(width, height), middle, |ui| {
            ui.set_width(width);
            ui.add(Label::new(RichText::new(path).color(palette.text)).truncate().selectable(true));
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if named_button(ui, "Open", &format!("Open {}", lower(name)), true).clicked() {
                commands.send(Command::OpenPath(opens.to_owned()));
            }
            copy_button(ui, path, &format!("Copy the path of {}", lower(name)));
        });
    });
}

fn lower(name: &str) -> String {
    format!("the {}", name.to_lowercase())
}

/// The worker may be on another kind of machine than this was built for, so the path itself says what parts it.
fn separator(path: &str) -> char {
    if path.contains('/') { '/' } else { std::path::MAIN_SEPARATOR }
}

fn folder_of(path: &str) -> String {
    path.rsplit_once(separator(path)).map_or_else(String::new, |(folder, _)| folder.to_owned())
}

fn end(ui: &mut Ui, view: &View, state: &mut AboutState, commands: &Commands) {
    heading(ui, "Quit", |_| {});
    soft(
        ui,
        "A worker that this window started ends with it, and its jobs go back to the studio; a worker that a service started goes on",
    );
    ui.horizontal(|ui| {
        if ui.button("Quit").clicked() {
            state.quit = true;
        }
        let ask = |after_jobs| Command::Shutdown(ShutdownAsk { after_jobs });
        let running =
            matches!(view.link, Link::Up) && view.status.as_ref().is_some_and(|status| !status.ending);
        let free = running && !view.is_pending(&ask(true));
        if ui.add_enabled(free, Button::new("End the worker after its jobs")).clicked() {
            commands.send(ask(true));
        }
        if ui.add_enabled(free, Button::new("End the worker now")).clicked() {
            let jobs = view.status.as_ref().map_or(0, |status| status.jobs.len()) as u64;
            if jobs == 0 {
                commands.send(ask(false));
            } else {
                let words = format!(
                    "{} here: what is not done in a few seconds goes back to the studio",
                    words::count(jobs, "job", "jobs")
                );
                confirm::ask(
                    ui.ctx(),
                    Confirm {
                        title: "End the worker now?".to_owned(),
                        words,
                        action: "End now".to_owned(),
                        danger: true,
                        command: ask(false),
                    },
                );
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_both_worlds() {
        assert_eq!(folder_of("/home/ada/.config/worker/config.toml"), "/home/ada/.config/worker");
        assert_eq!(folder_of("config.toml"), "");
    }
}
