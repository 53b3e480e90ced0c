//! `studio-worker status`: what the worker of this folder is doing.

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::output;
use crate::engines::{EngineState, LaneSnapshot};
use crate::hardware::GIB;
use crate::lock::{self, Holder, LockState};
use crate::status::Status as Written;
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct Status {
    /// For scripts
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    running: bool,
    holder: Option<Holder>,
    /// Of the running daemon only: what an earlier one wrote says nothing about now.
    status: Option<Written>,
}

impl Status {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        let state = lock::look(&home.lock())
            .with_context(|| format!("could not read `{}`", home.lock().display()))?;
        let written = Written::read(&home.status())
            .with_context(|| format!("could not read `{}`", home.status().display()))?;
        let (running, holder) = match state {
            LockState::Free => (false, None),
            LockState::Held(holder) => (true, holder),
        };
        // Just after its start a daemon has not written yet.
        let status =
            written.filter(|written| holder.as_ref().is_some_and(|holder| holder.pid == written.pid));
        let report = Report { running, holder, status };
        if self.json {
            output::json(&report)?;
        } else {
            tell(home, &report);
        }
        Ok(Exit::Clean)
    }
}

fn tell(home: &Home, report: &Report) {
    if !report.running {
        output::line(format!("not running ({})", home.dir().display()));
        return;
    }
    if let Some(holder) = &report.holder {
        output::line(format!("running, pid {}, since {}", holder.pid, holder.started_at));
    } else {
        output::line("running");
    }
    let Some(status) = &report.status else { return };
    output::line(format!("studio:       {}", status.api_base_url));
    let worker = status.worker_id.as_ref().map(|id| format!(" as {id}")).unwrap_or_default();
    output::line(format!("registration: {}{worker}", status.registration));
    let offers = match (status.ending, status.paused) {
        (true, _) => ", about to end",
        (false, true) => ", paused",
        (false, false) => "",
    };
    output::line(format!("session:      {}{offers}", status.session));
    output::line(format!("engines:      {}", status.engines.join(", ")));
    for lane in status.lanes.iter().filter(|lane| !lane.model.is_empty()) {
        output::line(told_lane(lane));
    }
    if !status.present.is_empty() {
        output::line(format!("on disk:      {}", status.present.join(", ")));
    }
    for job in &status.jobs {
        let steps =
            if job.steps > 0 { format!(", step {} of {}", job.step, job.steps) } else { String::new() };
        output::line(format!("running:      {} ({} on {}{steps})", job.id, job.kind, job.model));
    }
    if status.waiting_results > 0 {
        output::line(format!("results:      {} wait for the studio", status.waiting_results));
    }
    if status.spool_full {
        output::line("results:      the disk is full, no new jobs are taken");
    }
    if let Some(trouble) = &status.last_trouble {
        output::line(format!("trouble:      {trouble}"));
    }
}

fn told_lane(lane: &LaneSnapshot) -> String {
    let process = &lane.process;
    let what = match process.refused.get(&lane.model) {
        Some(reason) => format!("is refused: {reason}"),
        None => match (process.state, &process.model) {
            (EngineState::Stopped, _) => "is not in memory".to_owned(),
            (EngineState::Stopping, _) => "leaves memory".to_owned(),
            (_, None) => "is on its way into memory".to_owned(),
            (_, Some(_)) if process.running > 0 => "is loaded and busy".to_owned(),
            (_, Some(_)) => "is loaded".to_owned(),
        },
    };
    let memory =
        process.memory_bytes.map(|bytes| format!(", {:.1} GiB", bytes as f64 / GIB)).unwrap_or_default();
    let stays = if lane.resident { ", stays there" } else { "" };
    format!("model:        {} ({}) {what}{memory}{stays}", lane.model, lane.engine)
}
