//! What the worker runs on: the machine and the engines.

use eframe::egui::{Label, RichText, Ui};
use worker_local::{LaneState, LaneView, Status};

use crate::pages::parts::{go, heading, line, rule, small, soft};
use crate::theme::{self, palette};
use crate::widgets::{badge, facts, link_button};
use crate::{Page, Tone, words};

/// Draws what the machine is and what is free of it.
pub(super) fn hardware_ui(ui: &mut Ui, status: &Status) {
    heading(ui, "Hardware", |_| {});
    let machine = &status.machine;
    let of = |free: Option<f64>, total: Option<f64>| match (free, total) {
        (Some(free), Some(total)) => Some(format!("{free:.1} of {} free", words::gib(total))),
        (None, Some(total)) => Some(words::gib(total)),
        (Some(free), None) => Some(format!("{} free", words::gib(free))),
        (None, None) => None,
    };
    let mut rows = vec![
        ("Machine", machine.name.clone()),
        ("Platform", machine.platform.clone()),
        ("Graphics", machine.gpu.clone().unwrap_or_else(|| "none found".to_owned())),
    ];
    let rest = [
        ("Graphics memory", of(machine.vram_free_gb, machine.vram_total_gb)),
        ("Memory", of(machine.ram_free_gb, machine.ram_total_gb)),
        ("Disk of the models", of(machine.disk_free_gb, machine.disk_total_gb)),
    ];
    rows.extend(rest.into_iter().filter_map(|(name, value)| Some((name, value?))));
    if machine.processors > 0 {
        rows.push(("Processors", machine.processors.to_string()));
    }
    facts(ui, "hardware", rows);
}

/// Draws the engines, and what became of their models.
pub(super) fn engines_ui(ui: &mut Ui, status: &Status) {
    heading(ui, "Engines", |_| {});
    if status.engines.is_empty() {
        line(ui, Tone::Warn, "No engine was found, so no job can run here");
        soft(ui, "Install an engine, or say in which folder engines lie");
        if link_button(ui, "Set the folder").clicked() {
            go(ui.ctx(), Page::Config, Some("engines_dir"));
        }
        return;
    }
    let palette = palette(ui);
    for (index, engine) in status.engines.iter().enumerate() {
        if index > 0 {
            rule(ui);
        }
        ui.horizontal(|ui| {
            ui.label(RichText::new(&engine.name).color(palette.text));
            let makes: Vec<String> = engine.kinds.iter().map(|kind| kind.replace('_', " ")).collect();
            let said = [engine.version.clone().unwrap_or_default(), makes.join(", ")];
            for text in said.iter().filter(|text| !text.is_empty()) {
                ui.label(RichText::new(text).size(theme::SMALL).color(palette.soft));
            }
        });
        let path = RichText::new(&engine.path).size(theme::SMALL).color(palette.soft);
        ui.add(Label::new(path).truncate().selectable(true));
        for lane in status.lanes.iter().filter(|lane| lane.engine == engine.name) {
            lane_ui(ui, lane);
        }
    }
}

fn lane_ui(ui: &mut Ui, lane: &LaneView) {
    let (tone, word) = match lane.state {
        LaneState::Stopped => (Tone::Plain, "Stopped"),
        LaneState::Stopping => (Tone::Busy, "Stopping"),
        LaneState::Ready => (Tone::Good, "Ready"),
        LaneState::Starting => (Tone::Busy, "Starting"),
        LaneState::Busy => (Tone::Busy, "Busy"),
    };
    ui.horizontal(|ui| {
        badge(ui, tone, word);
        ui.label(&lane.model);
        let mut facts = Vec::new();
        if let Some(pid) = lane.pid {
            facts.push(format!("process {pid}"));
        }
        if lane.running > 0 {
            facts.push(words::count(lane.running as u64, "job", "jobs"));
        }
        if lane.waiting > 0 {
            facts.push(words::count(lane.waiting as u64, "waits", "wait"));
        }
        small(ui, &facts.join(", "));
    });
    if let Some(refused) = &lane.refused {
        line(ui, Tone::Bad, &format!("Refused until the worker restarts: {refused}"));
    }
}
