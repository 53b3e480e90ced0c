//! `studio-worker status`: what the worker of this folder is doing.

mod written;

use std::io::IsTerminal;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use worker_local::{LaneState, LaneView, Status as Shown, UpdateState};

use super::{daemon, output, table};
use crate::hardware::GIB;
use crate::lock::{Holder, LockState};
use crate::status::Status as Written;
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct Status {
    /// For scripts
    #[arg(long)]
    json: bool,
    /// Go on and show every change, until Ctrl-C or the worker's end
    #[arg(long)]
    watch: bool,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    running: bool,
    holder: Option<Holder>,
    /// What the running daemon wrote last, within a second; what an earlier one wrote says nothing about now.
    status: Option<Written>,
    /// What it says of itself now.
    live: Option<Shown>,
}

impl Status {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        let report = report(home)?;
        self.show(home, &report)?;
        if self.watch {
            self.watch(home, report)?;
        }
        Ok(Exit::Clean)
    }

    fn show(&self, home: &Home, report: &Report) -> anyhow::Result<()> {
        match (self.json, self.watch) {
            (true, false) => output::json(report)?,
            (true, true) => output::line(serde_json::to_string(&report.live)?),
            (false, _) => tell(home, report),
        }
        Ok(())
    }

    fn watch(&self, home: &Home, mut report: Report) -> anyhow::Result<()> {
        let daemon = daemon::required(home)?;
        loop {
            let after = report.live.as_ref().map(|status| status.generation);
            let asked = super::join::block_on(async { Ok(daemon.client.status(after).await) })?;
            let status = match asked {
                Ok(status) => status,
                Err(_) if daemon::look(home)? == LockState::Free => {
                    return self.show(home, &Report::default());
                }
                Err(error) => return Err(daemon.told(error)),
            };
            if after == Some(status.generation) {
                continue;
            }
            report.live = Some(status);
            if !self.json {
                // A person sees one picture that changes, a file gets them one after the other.
                output::line(if std::io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "" });
            }
            self.show(home, &report)?;
        }
    }
}

fn report(home: &Home) -> anyhow::Result<Report> {
    let LockState::Held(holder) = daemon::look(home)? else { return Ok(Report::default()) };
    let asked = match daemon::find(home) {
        Ok(Some(daemon)) => daemon.ask(async |client| client.status(None).await),
        Ok(None) => return Ok(Report::default()),
        Err(error) => Err(error),
    };
    let live = match asked {
        Ok(status) => Some(status),
        Err(error) => {
            output::note(format!("note: {error:#}"));
            None
        }
    };
    let written = Written::read(&home.status())
        .with_context(|| format!("could not read `{}`", home.status().display()))?;
    // Just after its start a daemon has not written yet.
    let status = written.filter(|written| holder.as_ref().is_some_and(|holder| holder.pid == written.pid));
    Ok(Report { running: true, holder, status, live })
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
    let written = || report.status.clone().map(|written| written::shown(home, written));
    let Some(status) = report.live.clone().or_else(written) else { return };
    told(&status);
}

fn told(status: &Shown) {
    output::line(format!("studio:       {}", status.api_base_url));
    output::line(format!("registration: {}", told_registration(status)));
    output::line(format!("session:      {}{}", table::word(&status.session), told_offers(status)));
    for hold in &status.holds {
        output::line(format!("takes no jobs: {} ({})", hold.reason, hold.rule));
    }
    let engines: Vec<&str> = status.engines.iter().map(|engine| engine.name.as_str()).collect();
    output::line(format!("engines:      {}", engines.join(", ")));
    for lane in &status.lanes {
        output::line(told_lane(lane));
    }
    for download in &status.downloads {
        let of = if download.total_bytes > 0 {
            format!(" of {}", table::size(download.total_bytes))
        } else {
            String::new()
        };
        let speed = download.bytes_per_second.map(|speed| format!(", {}/s", table::size(speed)));
        output::line(format!(
            "downloading:  {} ({}{of}{})",
            download.model,
            table::size(download.bytes),
            speed.unwrap_or_default()
        ));
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
    if let (UpdateState::Available, Some(latest)) = (status.update.state, &status.update.latest) {
        output::line(format!("update:       version {latest} is there"));
    }
    if let Some(trouble) = &status.last_trouble {
        output::line(format!("trouble:      {trouble}"));
    }
}

fn told_registration(status: &Shown) -> String {
    let registration = &status.registration;
    let more = if let Some(worker) = &registration.worker_id {
        format!(" as {worker}")
    } else if let Some(request) = &registration.request_id {
        format!(", request {request} waits for an operator")
    } else if let Some(reason) = registration.reason.as_ref().filter(|reason| !reason.is_empty()) {
        format!(" ({reason})")
    } else {
        String::new()
    };
    format!("{}{more}", table::word(&registration.state))
}

fn told_offers(status: &Shown) -> String {
    match (status.ending, &status.pause) {
        (true, _) => ", about to end".to_owned(),
        (false, Some(pause)) => match pause.until {
            _ if pause.until_idle => ", paused until nobody uses the machine".to_owned(),
            Some(until) => format!(", paused until {until}"),
            None => ", paused".to_owned(),
        },
        (false, None) => String::new(),
    }
}

fn told_lane(lane: &LaneView) -> String {
    let what = match (&lane.refused, lane.state) {
        (Some(reason), _) => format!("is refused: {reason}"),
        (None, LaneState::Stopped) => "is not in memory".to_owned(),
        (None, LaneState::Stopping) => "leaves memory".to_owned(),
        (None, _) if !lane.loaded => "is on its way into memory".to_owned(),
        (None, _) if lane.running > 0 => "is loaded and busy".to_owned(),
        (None, _) => "is loaded".to_owned(),
    };
    let memory =
        lane.memory_bytes.map(|bytes| format!(", {:.1} GiB", bytes as f64 / GIB)).unwrap_or_default();
    let stays = if lane.resident { ", stays there" } else { "" };
    format!("model:        {} ({}) {what}{memory}{stays}", lane.model, lane.engine)
}
