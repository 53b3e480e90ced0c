//! The page Models: in memory, on the disk, on their way.

mod add;
mod memory;
mod row;

use eframe::egui::{ScrollArea, Ui};
use worker_local::{DiskUse, Download, ModelPlace, ModelView, Models, Status};

use super::parts::{heading, line, rule, small, soft};
use crate::theme::palette;
use crate::widgets::{Icon, MemoryPart, Notice, card, memory_bar, notice, page_title, primary_button};
use crate::{Command, Commands, Tone, View, words};

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub struct ModelsState {
    add: add::AddState,
    /// The model whose files are shown.
    open: Option<String>,
    /// Of the open model: what it needs in memory, GiB, as typed.
    needs: String,
}

/// Draws the page.
pub fn models_ui(ui: &mut Ui, view: &View, state: &mut ModelsState, commands: &Commands) {
    page_title(ui, "Models");
    let (Some(models), Some(status)) = (view.models.value.as_deref(), view.status.as_deref()) else {
        return nothing_yet(ui, view, commands);
    };
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        if let Some(trouble) = &view.models.trouble {
            line(ui, Tone::Bad, trouble);
        }
        card(ui, |ui| memory::memory_ui(ui, status));
        lists(ui, view, models, status, state, commands);
        card(ui, |ui| add::add_ui(ui, view, models, &mut state.add, commands));
        card(ui, |ui| disk(ui, &models.disk));
    });
}

fn nothing_yet(ui: &mut Ui, view: &View, commands: &Commands) {
    let Some(trouble) = &view.models.trouble else {
        let words = "They are read from the worker";
        notice(
            ui,
            Notice { icon: Icon::Clock, tone: Tone::Busy, title: "Looking for models", words },
            |_| {},
        );
        return;
    };
    let title = "The models cannot be read";
    let again = notice(ui, Notice { icon: Icon::Warning, tone: Tone::Bad, title, words: trouble }, |ui| {
        primary_button(ui, "Try again", true).clicked()
    });
    if again {
        commands.send(Command::Refresh);
    }
}

/// A heading for each place, and the models that are there.
fn lists(
    ui: &mut Ui,
    view: &View,
    models: &Models,
    status: &Status,
    state: &mut ModelsState,
    commands: &Commands,
) {
    let of = |places: &[ModelPlace]| -> Vec<&ModelView> {
        models.models.iter().filter(|model| places.contains(&model.place)).collect()
    };
    let groups = [
        ("Downloading", of(&[ModelPlace::Downloading])),
        ("In memory", of(&[ModelPlace::Loaded, ModelPlace::Loading, ModelPlace::Unloading])),
        ("On this disk", of(&[ModelPlace::Present])),
        ("Not here", of(&[ModelPlace::Absent])),
    ];
    if models.models.is_empty() {
        card(ui, |ui| {
            heading(ui, "No models yet", |_| {});
            soft(ui, "The first job that needs a model fetches it, or add one below");
        });
    }
    for (name, members) in groups.into_iter().filter(|(_, members)| !members.is_empty()) {
        card(ui, |ui| {
            heading(ui, name, |ui| {
                small(ui, &words::count(members.len() as u64, "model", "models"));
            });
            for (index, model) in members.into_iter().enumerate() {
                if index > 0 {
                    rule(ui);
                }
                row::row_ui(ui, view, model, status, state, commands);
            }
        });
    }
}

/// The download of a model, if it is on its way.
fn download<'a>(status: &'a Status, model: &str) -> Option<&'a Download> {
    status.downloads.iter().find(|download| download.model == model)
}

fn disk(ui: &mut Ui, disk: &DiskUse) {
    let used = words::bytes(disk.used_bytes);
    let text = match (disk.cap_bytes, disk.free_bytes) {
        (Some(cap), Some(free)) => {
            format!("{used} of at most {}, the disk has {} left", words::bytes(cap), words::bytes(free))
        }
        (Some(cap), None) => format!("{used} of at most {}", words::bytes(cap)),
        (None, Some(free)) => format!("{used}, the disk has {} left", words::bytes(free)),
        (None, None) => used,
    };
    heading(ui, "Disk", |ui| {
        small(ui, &text);
    });
    let total = disk.cap_bytes.or_else(|| disk.free_bytes.map(|free| free + disk.used_bytes));
    if let Some(total) = total.filter(|total| *total > 0) {
        let palette = palette(ui);
        let full = disk.used_bytes as f64 > FULL * total as f64;
        let color = if full { palette.warn } else { palette.accent };
        let part = MemoryPart { name: "Models".to_owned(), amount: disk.used_bytes as f64, color };
        memory_bar(ui, &format!("Disk of the models: {text}"), &[part], total as f64, None);
        if full && disk.cap_bytes.is_some() {
            small(ui, "Nearly full: the models that were not used for the longest time leave first");
        }
    }
    small(ui, &disk.folder);
}

/// From here on the next model pushes another one out.
const FULL: f64 = 0.95;
