//! One job of the history: its picture, what is known of it, and its log.

use std::sync::Arc;

use eframe::egui::{Align, FontId, Image, Label, Layout, RichText, ScrollArea, Ui, vec2};
use worker_local::{JobLine, JobRecord, Origin};

use super::JobsState;
use super::running::title;
use crate::theme::{self, palette};
use crate::widgets::{Icon, badge, card, facts, icon_button, section};
use crate::{PictureKey, Tone, View, words};

const MAX_PICTURE: f32 = 220.0;

/// The job whose details are shown.
pub(super) fn record(view: &View, state: &JobsState) -> Option<Arc<JobRecord>> {
    let seq = state.selected.filter(|_| state.open)?;
    // Newest first.
    let at = view.history.rows.binary_search_by(|row| seq.cmp(&row.seq)).ok()?;
    view.history.rows.get(at).cloned()
}

/// Draws the details.
pub(super) fn detail_ui(ui: &mut Ui, view: &View, state: &mut JobsState, record: &JobRecord) {
    let palette = palette(ui);
    card(ui, |ui| {
        ui.set_min_height(ui.available_height());
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon_button(ui, Icon::Close, "Close the details").clicked() {
                    state.open = false;
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let text = RichText::new(title(&record.name, &record.prompt, &record.id));
                    ui.add(Label::new(text.size(theme::HEADING).color(palette.text)).truncate());
                });
            });
        });
        ScrollArea::vertical().id_salt("detail").auto_shrink([false, false]).show(ui, |ui| {
            picture_ui(ui, view, state, record);
            ui.horizontal_wrapped(|ui| {
                let (end, tone) = words::end(record.end);
                badge(ui, tone, end);
                if let Some(reason) = &record.reason {
                    ui.add(
                        Label::new(RichText::new(sentence(reason)).color(palette.soft))
                            .wrap()
                            .selectable(true),
                    );
                }
            });
            ui.add_space(2.0);
            facts_ui(ui, view, record);
            if !record.prompt.is_empty() {
                ui.add_space(4.0);
                section(ui, "Prompt");
                ui.add(Label::new(RichText::new(&record.prompt).color(palette.text)).wrap().selectable(true));
            }
            ui.add_space(4.0);
            log_ui(ui, view, record);
        });
    });
}

fn picture_ui(ui: &mut Ui, view: &View, state: &mut JobsState, record: &JobRecord) {
    if !record.has_thumbnail {
        return;
    }
    let key = PictureKey::Thumbnail(record.id.clone());
    state.wanted.push((key.clone(), 0));
    let Some(picture) = view.pictures.get(&key) else { return };
    let Some(texture) = state.textures.texture(ui, &key, picture) else { return };
    let size = texture.size_vec2();
    let scale = (ui.available_width() / size.x).min(MAX_PICTURE / size.y);
    let name = format!("Picture of {}", title(&record.name, &record.prompt, &record.id));
    ui.add(Image::new((texture.id(), size * scale)).corner_radius(theme::RADIUS).alt_text(name));
    ui.add_space(4.0);
}

fn facts_ui(ui: &mut Ui, view: &View, record: &JobRecord) {
    let took = record.ended_at.as_millis() - record.started_at.as_millis();
    let clock = &view.clock;
    let mut rows = vec![("Kind", words::kind(record.kind).to_owned()), ("Model", record.model.clone())];
    if !record.project.is_empty() {
        rows.push(("Project", record.project.clone()));
    }
    if record.origin == Origin::Local {
        rows.push(("Asked by", words::origin(record.origin).to_owned()));
    }
    rows.push(("Began", clock.moment(record.started_at)));
    rows.push(("Ended", format!("{}, after {}", clock.moment(record.ended_at), words::duration(took))));
    facts(ui, "job-facts", rows);
    ui.horizontal(|ui| {
        let palette = palette(ui);
        ui.spacing_mut().item_spacing = vec2(6.0, 0.0);
        if icon_button(ui, Icon::Copy, "Copy the job's id").clicked() {
            ui.ctx().copy_text(record.id.clone());
        }
        let id = RichText::new(&record.id).font(FontId::monospace(theme::SMALL)).color(palette.soft);
        ui.add(Label::new(id).truncate().selectable(true));
    });
}

fn log_ui(ui: &mut Ui, view: &View, record: &JobRecord) {
    let palette = palette(ui);
    let Some(detail) = view.job.as_ref().filter(|detail| detail.id == record.id) else { return };
    ui.horizontal(|ui| {
        section(ui, "Log");
        if !detail.lines.is_empty() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon_button(ui, Icon::Copy, "Copy the job's log").clicked() {
                    let lines: Vec<_> = detail.lines.iter().map(as_text).collect();
                    ui.ctx().copy_text(lines.join("\n"));
                }
            });
        }
    });
    if let Some(trouble) = &detail.trouble {
        ui.label(RichText::new(trouble).color(palette.bad));
    } else if detail.busy && detail.lines.is_empty() {
        ui.label(RichText::new("Reading the log…").color(palette.soft));
    } else if detail.lines.is_empty() {
        ui.label(RichText::new("Nothing was logged about this job").color(palette.soft));
    }
    for line in &detail.lines {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            let mono = |text: String| RichText::new(text).font(FontId::monospace(theme::SMALL - 0.5));
            ui.label(mono(view.clock.second(line.ts)).color(palette.soft));
            ui.add(Label::new(mono(line.message.clone()).color(color(ui, line))).wrap().selectable(true));
        });
    }
}

fn color(ui: &Ui, line: &JobLine) -> eframe::egui::Color32 {
    let palette = palette(ui);
    match line.level.as_str() {
        "error" => palette.tone(Tone::Bad),
        "warn" => palette.tone(Tone::Warn),
        _ => palette.text,
    }
}

fn as_text(line: &JobLine) -> String {
    format!("{} {} {} {}", line.ts, line.level, line.category, line.message)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
