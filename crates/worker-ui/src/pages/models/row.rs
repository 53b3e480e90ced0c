//! One model of the list, and what can be done with it.

use eframe::egui::{Align, Grid, Label, Layout, RichText, Ui};
use worker_local::{Download, LoadModel, ModelPlace, ModelView, Status};

use super::ModelsState;
use crate::pages::parts::{copy_button, field, line, named, named_button, small};
use crate::theme::{self, palette};
use crate::widgets::confirm::{self, Confirm};
use crate::widgets::{badge, link_button, progress_bar};
use crate::{Command, Commands, Tone, View, words};

/// Of a file's hash: enough to compare by eye, the whole of it is copied.
const HASH_SHOWN: usize = 12;

/// Draws a model.
pub(super) fn row_ui(
    ui: &mut Ui,
    view: &View,
    model: &ModelView,
    status: &Status,
    state: &mut ModelsState,
    commands: &Commands,
) {
    let open = state.open.as_deref() == Some(&*model.model);
    let lane = status.lanes.iter().find(|lane| lane.model == model.model);
    ui.push_id(&model.model, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(36.0);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                actions(ui, view, model, open, state, commands);
                ui.with_layout(Layout::top_down(Align::Min), |ui| summary(ui, view, model));
            });
        });
        if let Some(download) = super::download(status, &model.model) {
            progress(ui, download);
        }
        if let Some(trouble) = &model.trouble {
            line(ui, Tone::Bad, trouble);
        }
        if let Some(refused) = lane.and_then(|lane| lane.refused.as_deref()) {
            line(ui, Tone::Bad, &format!("Refused until the worker restarts: {refused}"));
        }
        if open {
            detail(ui, view, model, state, commands);
        }
    });
}

fn summary(ui: &mut Ui, view: &View, model: &ModelView) {
    let palette = palette(ui);
    ui.spacing_mut().item_spacing.y = 1.0;
    ui.horizontal(|ui| {
        ui.add(Label::new(RichText::new(&model.model).color(palette.text)).truncate());
        for (tone, word) in marks(model) {
            badge(ui, tone, word);
        }
    });
    let mut facts = Vec::new();
    if !model.engine.is_empty() {
        facts.push(model.engine.clone());
    }
    if model.file_bytes > 0 {
        facts.push(format!("{} on the disk", words::bytes(model.file_bytes)));
    }
    if let Some(bytes) = model.memory_bytes {
        facts.push(format!("{} in memory", words::bytes(bytes)));
    }
    if let Some(used) = model.used_at {
        facts.push(format!("used {}", view.clock.moment(used)));
    }
    let text = RichText::new(facts.join("  ·  ")).size(theme::SMALL).color(palette.soft);
    ui.add(Label::new(text).truncate());
}

fn marks(model: &ModelView) -> Vec<(Tone, &'static str)> {
    let mut marks = Vec::new();
    match model.place {
        ModelPlace::Loading => marks.push((Tone::Busy, "Loading")),
        ModelPlace::Unloading => marks.push((Tone::Busy, "Unloading")),
        ModelPlace::Absent | ModelPlace::Downloading | ModelPlace::Present | ModelPlace::Loaded => {}
    }
    if model.in_use {
        marks.push((Tone::Busy, "In use"));
    }
    if model.resident {
        marks.push((Tone::Plain, "Kept in memory"));
    }
    marks
}

/// From the right edge.
fn actions(
    ui: &mut Ui,
    view: &View,
    model: &ModelView,
    open: bool,
    state: &mut ModelsState,
    commands: &Commands,
) {
    let name = &model.model;
    let free = !view.is_pending(&Command::UnloadModel { model: name.clone() });
    match model.place {
        ModelPlace::Downloading => {
            if named_button(ui, "Stop", &format!("Stop the download of {name}"), free).clicked() {
                ask_to_stop(ui, model);
            }
        }
        ModelPlace::Present => {
            remove(ui, model, free);
            if named_button(ui, "Load", &format!("Load {name}"), free).clicked() {
                commands.send(Command::LoadModel { model: name.clone(), load: LoadModel::default() });
            }
        }
        ModelPlace::Loaded => {
            remove(ui, model, free);
            let unload = named_button(ui, "Unload", &format!("Unload {name}"), free);
            let unload = if model.in_use { unload.on_hover_text("Once its job has ended") } else { unload };
            if unload.clicked() {
                commands.send(Command::UnloadModel { model: name.clone() });
            }
        }
        ModelPlace::Absent => {
            if named_button(ui, "Add again", &format!("Add {name} again"), free).clicked() {
                state.add.again(ui.ctx(), name);
            }
        }
        ModelPlace::Loading | ModelPlace::Unloading => {}
    }
    if !model.files.is_empty() {
        let word = if open { "Less" } else { "Files" };
        if named(link_button(ui, word), &format!("{word} of {name}")).clicked() {
            state.open = (!open).then(|| name.clone());
            state.needs.clear();
        }
    }
}

fn remove(ui: &mut Ui, model: &ModelView, free: bool) {
    let name = format!("Remove {}", model.model);
    let button = named_button(ui, "Remove", &name, free && !model.in_use);
    if button.on_disabled_hover_text("A job uses it").clicked() {
        let words = format!(
            "Its files, {}, are deleted; a job that needs it fetches them again",
            words::bytes(model.file_bytes)
        );
        confirm::ask(
            ui.ctx(),
            Confirm {
                title: format!("Remove {}?", model.model),
                words,
                action: "Remove its files".to_owned(),
                danger: true,
                command: Command::RemoveModel { model: model.model.clone() },
            },
        );
    }
}

fn ask_to_stop(ui: &Ui, model: &ModelView) {
    confirm::ask(
        ui.ctx(),
        Confirm {
            title: format!("Stop the download of {}?", model.model),
            words: "What has arrived so far is deleted".to_owned(),
            action: "Stop the download".to_owned(),
            danger: true,
            command: Command::RemoveModel { model: model.model.clone() },
        },
    );
}

fn progress(ui: &mut Ui, download: &Download) {
    let fraction = (download.total_bytes > 0).then(|| download.bytes as f32 / download.total_bytes as f32);
    progress_bar(ui, &format!("Download of {}", download.model), fraction, Tone::Plain);
    small(ui, &told(download));
}

/// `2.0 GiB of 7.0 GiB, 24.0 MiB a second, about 4 min left`.
fn told(download: &Download) -> String {
    let mut text = words::bytes(download.bytes);
    if download.total_bytes > 0 {
        text = format!("{text} of {}", words::bytes(download.total_bytes));
    }
    if let Some(speed) = download.bytes_per_second {
        text = format!("{text}  ·  {} a second", words::bytes(speed));
        let rest = download.total_bytes.saturating_sub(download.bytes);
        if let Some(seconds) = rest.checked_div(speed).filter(|_| rest > 0) {
            text = format!("{text}  ·  {}", words::left(seconds.saturating_mul(1_000)));
        }
    }
    if download.file.is_empty() { text } else { format!("{text}  ·  {}", download.file) }
}

fn detail(ui: &mut Ui, view: &View, model: &ModelView, state: &mut ModelsState, commands: &Commands) {
    let palette = palette(ui);
    Grid::new("files").num_columns(4).spacing([18.0, 3.0]).show(ui, |ui| {
        for file in &model.files {
            ui.label(RichText::new(&file.name).monospace().color(palette.text));
            ui.label(RichText::new(&file.role).size(theme::SMALL).color(palette.soft));
            ui.label(RichText::new(words::bytes(file.bytes)).size(theme::SMALL).color(palette.soft));
            if let Some(hash) = &file.sha256 {
                ui.horizontal(|ui| {
                    let short: String = hash.chars().take(HASH_SHOWN).collect();
                    ui.label(RichText::new(format!("sha256 {short}…")).monospace().color(palette.soft));
                    copy_button(ui, hash, &format!("Copy the hash of {}", file.name));
                });
            }
            ui.end_row();
        }
    });
    let name = &model.model;
    let free = !view.is_pending(&Command::UnloadModel { model: name.clone() });
    match model.place {
        ModelPlace::Loaded if !model.resident => {
            if named_button(ui, "Keep in memory", &format!("Keep {name} in memory"), free).clicked() {
                let load = LoadModel { resident: true, ..LoadModel::default() };
                commands.send(Command::LoadModel { model: name.clone(), load });
            }
        }
        ModelPlace::Present => {
            ui.horizontal(|ui| {
                ui.label("Load with");
                field(ui, &mut state.needs, &format!("Memory that {name} needs, GiB"), "as it says", 70.0);
                ui.label("GiB");
                let needs = gib(&state.needs);
                let right = free && needs.is_ok();
                let mut load = LoadModel { vram_gb: needs.ok().flatten(), resident: false };
                if named_button(ui, "Load", &format!("Load {name} with this memory"), right).clicked() {
                    commands.send(Command::LoadModel { model: name.clone(), load: load.clone() });
                }
                if named_button(ui, "Load and keep", &format!("Load {name} and keep it in memory"), right)
                    .clicked()
                {
                    load.resident = true;
                    commands.send(Command::LoadModel { model: name.clone(), load });
                }
            });
        }
        ModelPlace::Downloading
        | ModelPlace::Loaded
        | ModelPlace::Absent
        | ModelPlace::Loading
        | ModelPlace::Unloading => {}
    }
}

/// Nothing typed is fine: the engine says what the model needs.
fn gib(text: &str) -> Result<Option<f64>, ()> {
    match text.trim() {
        "" => Ok(None),
        text => match text.parse::<f64>() {
            Ok(gib) if gib > 0.0 && gib.is_finite() => Ok(Some(gib)),
            Ok(_) | Err(_) => Err(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_told_as_far_as_it_is_known() {
        let mut download = Download {
            model: "m".into(),
            file: String::new(),
            bytes: 2 << 30,
            total_bytes: 7 << 30,
            bytes_per_second: Some(24 << 20),
        };
        assert_eq!(told(&download), "2.0 GiB of 7.0 GiB  ·  24.0 MiB a second  ·  about 4 min left");
        download.bytes_per_second = Some(0);
        assert_eq!(told(&download), "2.0 GiB of 7.0 GiB  ·  0 B a second");
        download = Download { total_bytes: 0, bytes_per_second: None, file: "a.gguf".into(), ..download };
        assert_eq!(told(&download), "2.0 GiB  ·  a.gguf");
    }

    #[test]
    fn memory_is_a_positive_number_or_nothing() {
        assert_eq!(gib(" "), Ok(None));
        assert_eq!(gib("6.5"), Ok(Some(6.5)));
        for wrong in ["0", "-1", "much", "inf", "NaN"] {
            assert_eq!(gib(wrong), Err(()), "{wrong}");
        }
    }
}
