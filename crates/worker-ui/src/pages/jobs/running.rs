//! The jobs that run: how far each is, a look at it, and the way to give it back.

use eframe::egui::{Align, Label, Layout, RichText, ScrollArea, Sense, Ui, vec2};
use worker_local::{Origin, RunningJob};

use super::JobsState;
use crate::theme::palette;
use crate::widgets::{card, confirm, paint_icon, progress_bar};
use crate::{Clock, Command, PictureKey, Tone, View, words};

const LOOK: f32 = 58.0;
/// The history keeps the rest of the page.
const MAX_HEIGHT: f32 = 260.0;

/// Draws what runs.
pub(super) fn running_ui(ui: &mut Ui, view: &View, state: &mut JobsState) {
    let Some(status) = &view.status else { return };
    card(ui, |ui| {
        if status.jobs.is_empty() {
            ui.label(RichText::new("No job runs now").color(palette(ui).soft));
            return;
        }
        ScrollArea::vertical().id_salt("running").max_height(MAX_HEIGHT).auto_shrink([false, true]).show(
            ui,
            |ui| {
                for (index, job) in status.jobs.iter().enumerate() {
                    if index > 0 {
                        ui.separator();
                    }
                    job_ui(ui, view, state, job);
                }
            },
        );
    });
    ui.add_space(6.0);
}

fn job_ui(ui: &mut Ui, view: &View, state: &mut JobsState, job: &RunningJob) {
    let palette = palette(ui);
    ui.horizontal(|ui| {
        look_ui(ui, view, state, job);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    release_ui(ui, view, job);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.label(RichText::new(words::kind(job.kind)).color(palette.soft));
                        let title = title(&job.name, &job.prompt, &job.id);
                        ui.add(Label::new(RichText::new(title).color(palette.text)).truncate());
                    });
                });
            });
            let name = format!("Progress of {}", title(&job.name, &job.prompt, &job.id));
            progress_bar(ui, &name, fraction(job), Tone::Plain);
            ui.horizontal(|ui| {
                ui.label(RichText::new(doing(job)).color(palette.text).small());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.add(
                        Label::new(RichText::new(about(job, &view.clock)).color(palette.soft).small())
                            .truncate(),
                    );
                });
            });
        });
    });
}

fn look_ui(ui: &mut Ui, view: &View, state: &mut JobsState, job: &RunningJob) {
    let (rect, _) = ui.allocate_exact_size(vec2(LOOK, LOOK), Sense::hover());
    let key = PictureKey::Preview(job.id.clone());
    let picture = view.pictures.get(&key);
    state.textures.paint(ui, rect, &key, picture);
    if picture.is_none() {
        paint_icon(ui.painter(), rect.shrink(20.0), super::list::icon_of(job.kind), palette(ui).soft);
    }
    if job.preview > 0 {
        state.wanted.push((key, job.preview));
    }
}

fn release_ui(ui: &mut Ui, view: &View, job: &RunningJob) {
    let command = Command::Release { id: job.id.clone() };
    let (name, title, words) = match job.origin {
        Origin::Studio => (
            "Give back",
            "Give this job back?",
            "It goes back to the studio, which gives it to another worker.",
        ),
        Origin::Local => ("Call off", "Call this job off?", "The program that asked for it gets no result."),
    };
    let button = ui.add_enabled(!view.is_pending(&command), eframe::egui::Button::new(name));
    if button.clicked() {
        confirm::ask(
            ui.ctx(),
            confirm::Confirm {
                title: title.into(),
                words: words.into(),
                action: name.into(),
                danger: true,
                command,
            },
        );
    }
}

/// How far it is, from what it counts.
fn fraction(job: &RunningJob) -> Option<f32> {
    if let (Some(bytes), Some(total)) = (job.bytes, job.total_bytes.filter(|total| *total > 0)) {
        return Some(bytes as f32 / total as f32);
    }
    (job.steps > 0).then(|| job.step as f32 / job.steps as f32)
}

fn doing(job: &RunningJob) -> String {
    let mut text = job.stage.map_or("Beginning", words::stage).to_owned();
    if let (Some(bytes), Some(total)) = (job.bytes, job.total_bytes.filter(|total| *total > 0)) {
        text = format!("{text}, {} of {}", words::bytes(bytes), words::bytes(total));
    } else if job.steps > 0 {
        text = format!("{text}, step {} of {}", job.step, job.steps);
    }
    match job.eta_ms {
        Some(eta) => format!("{text}, {}", words::left(eta)),
        None => text,
    }
}

fn about(job: &RunningJob, clock: &Clock) -> String {
    let from = match job.origin {
        Origin::Studio if !job.project.is_empty() => job.project.as_str(),
        Origin::Studio | Origin::Local => words::origin(job.origin),
    };
    format!("{} · {from} · since {}", job.model, clock.hour(job.started_at))
}

/// What a job is called: its name, else what it was asked for, else its id.
pub(super) fn title<'a>(name: &'a str, prompt: &'a str, id: &'a str) -> &'a str {
    [name, prompt].into_iter().map(str::trim).find(|text| !text.is_empty()).unwrap_or(id)
}
