//! The page Config: every setting of the owner, changed all at once.

mod draft;
mod editor;

use eframe::egui::{Align, Button, Label, Layout, Panel, RichText, ScrollArea, Ui};
use worker_local::{ConfigView, Setting, ShutdownAsk};

use super::parts::{copy_button, line, small, soft};
use crate::shell::search_id;
use crate::theme::{self, palette};
use crate::widgets::confirm::{self, Confirm};
use crate::widgets::{Icon, Notice, card, notice, page_title, primary_button, search_field, section};
use crate::{Command, Commands, Page, Tone, View, words};
use draft::Drafts;

const SEARCH_WIDTH: f32 = 240.0;

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct ConfigState {
    search: String,
    drafts: Drafts,
    /// Settings that were edited since the daemon refused them: what it said is about an earlier text.
    edited: Vec<String>,
    /// Of the refusal that `edited` is about.
    refused: usize,
    saved: u64,
}

impl ConfigState {
    /// Shows the settings that contain `text`.
    pub fn search(&mut self, text: String) {
        self.search = text;
    }
}

/// Draws the page.
pub fn config_ui(ui: &mut Ui, view: &View, state: &mut ConfigState, commands: &Commands) {
    let Some(config) = view.config.value.as_deref() else {
        page_title(ui, "Config");
        return nothing_yet(ui, view, commands);
    };
    state.follow(view, config);
    head(ui, state);
    Panel::bottom("save")
        .resizable(false)
        .show_separator_line(false)
        .frame(eframe::egui::Frame::new().inner_margin(eframe::egui::Margin { top: 8, ..Default::default() }))
        .show(ui, |ui| foot(ui, view, config, state, commands));
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        restart(ui, view, config);
        let found = list(ui, view, config, state);
        if !found {
            soft(ui, "No setting contains this text");
            if ui.button("Show all settings").clicked() {
                state.search.clear();
            }
        }
    });
}

impl ConfigState {
    /// Takes up what became of the latest change.
    fn follow(&mut self, view: &View, config: &ConfigView) {
        if view.saving.saved != self.saved {
            self.saved = view.saving.saved;
            self.drafts.settle(config);
        }
        let refusal = std::sync::Arc::as_ptr(&view.saving.problems).addr();
        if refusal != self.refused {
            self.refused = refusal;
            self.edited.clear();
        }
    }

    /// What is wrong with a setting: as typed, or as the daemon said of what was sent.
    fn problem(&self, view: &View, setting: &Setting) -> Option<String> {
        let typed = self.drafts.problem(setting);
        typed.or_else(|| {
            let refused = view.saving.problems.iter().find(|problem| problem.key == setting.key)?;
            (!self.edited.contains(&setting.key)).then(|| refused.problem.clone())
        })
    }
}

fn nothing_yet(ui: &mut Ui, view: &View, commands: &Commands) {
    let Some(trouble) = &view.config.trouble else {
        let words = "They are read from the worker";
        notice(
            ui,
            Notice { icon: Icon::Clock, tone: Tone::Busy, title: "Reading the settings", words },
            |_| {},
        );
        return;
    };
    let title = "The settings cannot be read";
    let again = notice(ui, Notice { icon: Icon::Warning, tone: Tone::Bad, title, words: trouble }, |ui| {
        primary_button(ui, "Try again", true).clicked()
    });
    if again {
        commands.send(Command::Refresh);
    }
}

fn head(ui: &mut Ui, state: &mut ConfigState) {
    ui.horizontal(|ui| {
        page_title(ui, "Config");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            search_field(ui, search_id(Page::Config), &mut state.search, "Search settings", SEARCH_WIDTH);
        });
    });
}

/// Says which settings wait for a restart, and offers it.
fn restart(ui: &mut Ui, view: &View, config: &ConfigView) {
    if config.restart_needed.is_empty() {
        return;
    }
    let labels: Vec<&str> = config
        .restart_needed
        .iter()
        .map(|key| {
            config
                .settings
                .iter()
                .find(|setting| setting.key == *key)
                .map_or(&**key, |setting| &*setting.label)
        })
        .collect();
    card(ui, |ui| {
        line(
            ui,
            Tone::Warn,
            &format!("Saved, and in use after a restart of the worker: {}", labels.join(", ")),
        );
        let command = Command::Shutdown(ShutdownAsk { after_jobs: true });
        let free = !view.is_pending(&command) && view.status.as_ref().is_some_and(|status| !status.ending);
        if ui.add_enabled(free, Button::new("End the worker after its jobs")).clicked() {
            confirm::ask(
                ui.ctx(),
                Confirm {
                    title: "End the worker?".to_owned(),
                    words: "It finishes what runs first. Then it is started again by whoever started it, or by you from this window".to_owned(),
                    action: "End after its jobs".to_owned(),
                    danger: false,
                    command,
                },
            );
        }
    });
}

/// Draws the settings that are searched for; says whether there are any.
fn list(ui: &mut Ui, view: &View, config: &ConfigView, state: &mut ConfigState) -> bool {
    let search = state.search.trim().to_lowercase();
    let shown: Vec<&Setting> = config.settings.iter().filter(|setting| matches(setting, &search)).collect();
    // Sections are told by their settings, which stand together.
    for members in shown.chunk_by(|one, other| one.section == other.section) {
        let Some(first) = members.first() else { continue };
        card(ui, |ui| {
            section(ui, &first.section);
            for (index, setting) in members.iter().enumerate() {
                if index > 0 {
                    super::parts::rule(ui);
                }
                let problem = state.problem(view, setting);
                if editor::setting_ui(ui, setting, &mut state.drafts, problem.as_deref()) {
                    state.edited.push(setting.key.clone());
                }
            }
        });
    }
    !shown.is_empty()
}

fn matches(setting: &Setting, search: &str) -> bool {
    search.is_empty()
        || [&setting.key, &setting.label, &setting.help, &setting.section]
            .iter()
            .any(|text| text.to_lowercase().contains(search))
}

/// Save and discard: all drafts at once.
fn foot(ui: &mut Ui, view: &View, config: &ConfigView, state: &mut ConfigState, commands: &Commands) {
    let count = state.drafts.count(config);
    let change = state.drafts.change(config);
    // A refusal without a setting to show it at.
    let elsewhere = view.saving.trouble.as_ref().filter(|_| count > 0 && view.saving.problems.is_empty());
    if let Some(trouble) = elsewhere {
        line(ui, Tone::Bad, trouble);
    }
    ui.horizontal(|ui| {
        let pending =
            change.as_ref().is_some_and(|change| view.is_pending(&Command::ChangeConfig(change.clone())));
        if primary_button(ui, "Save", change.is_some() && !pending).clicked()
            && let Some(change) = change.clone()
        {
            commands.send(Command::ChangeConfig(change));
        }
        if ui.add_enabled(count > 0 && !pending, Button::new("Discard")).clicked() {
            state.drafts.discard();
        }
        let color = palette(ui).soft;
        let wrong = config.settings.iter().filter(|setting| state.problem(view, setting).is_some()).count();
        if count == 0 {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                copy_button(ui, &config.path, "Copy the path of the config file");
                let path = RichText::new(&config.path).size(theme::SMALL).color(color);
                ui.add(Label::new(path).truncate());
            });
        } else if wrong > 0 {
            let text =
                format!("{} to put right before saving", words::count(wrong as u64, "setting", "settings"));
            let color = palette(ui).bad;
            ui.label(RichText::new(text).size(theme::SMALL).color(color));
        } else {
            small(ui, &words::count(count as u64, "change, not saved yet", "changes, not saved yet"));
        }
    });
}
