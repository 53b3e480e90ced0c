//! What a running daemon shows to `studio-worker status`: a file, written at most once a second.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use studio_protocol::{JobId, TaskKind, Timestamp, WorkerId};
use tokio::time::Instant;
use worker_core::Snapshot;

use crate::engines::LaneSnapshot;
use crate::spool;

/// Changes within it are written together.
const INTERVAL: Duration = Duration::from_secs(1);

/// The content of `status.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The daemon's process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When this was written.
    pub updated_at: Timestamp,
    /// Where its studio is.
    pub api_base_url: String,
    /// `pristine`, `pending`, `approved` or `rejected`.
    pub registration: String,
    /// Once approved.
    pub worker_id: Option<WorkerId>,
    /// `off`, `waiting`, `connecting`, `greeting` or `open`.
    pub session: String,
    /// Takes no offers.
    pub paused: bool,
    /// About to end.
    pub ending: bool,
    /// What runs.
    pub jobs: Vec<RunningJob>,
    /// Results that the studio has not acknowledged.
    pub waiting_results: usize,
    /// Whether the disk under the spool is full.
    pub spool_full: bool,
    /// The engines that have said what they can do.
    pub engines: Vec<String>,
    /// The models that have, or had, an engine process.
    #[serde(default)]
    pub lanes: Vec<LaneSnapshot>,
    /// Models whose files are complete on this disk.
    #[serde(default)]
    pub present: Vec<String>,
    /// Why there is no session.
    pub last_trouble: Option<String>,
}

/// One running job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunningJob {
    /// Which.
    pub id: JobId,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// With which model.
    pub model: String,
    /// Steps done.
    pub step: u32,
    /// Steps in all, 0 when unknown.
    pub steps: u32,
}

impl Status {
    /// Takes up what the core shows.
    pub fn update(&mut self, snapshot: Snapshot) {
        snapshot.registration.clone_into(&mut self.registration);
        self.worker_id = snapshot.worker_id;
        snapshot.link.clone_into(&mut self.session);
        self.paused = snapshot.pause.is_some() || !snapshot.holds.is_empty();
        self.ending = snapshot.ending;
        self.waiting_results = snapshot.waiting_results;
        self.spool_full = snapshot.spool_full;
        self.last_trouble = snapshot.last_trouble;
        let job = |(id, kind, model, report): (_, _, _, worker_core::ProgressReport)| RunningJob {
            id,
            kind,
            model,
            step: report.step,
            steps: report.steps,
        };
        self.jobs = snapshot.jobs.into_iter().map(job).collect();
    }

    /// What a daemon wrote last; `None` when none ever did.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Writes the file when something changed and the interval is over.
#[derive(Debug)]
pub struct StatusFile {
    path: PathBuf,
    written: Status,
    next: Instant,
    changed: bool,
}

impl StatusFile {
    /// At `path`, starting from `status`, which is due at once.
    pub fn new(path: PathBuf, status: Status) -> Self {
        Self { path, written: status, next: Instant::now(), changed: true }
    }

    /// Something may have changed.
    pub fn touch(&mut self) {
        self.changed = true;
    }

    /// When [`StatusFile::write`] is to be called.
    pub fn due(&self) -> Option<Instant> {
        self.changed.then_some(self.next)
    }

    /// Writes what `fill` makes of the last status, if that is anything new.
    pub fn write(&mut self, fill: impl FnOnce(&mut Status)) {
        self.changed = false;
        let first = self.written.updated_at == Timestamp::from_millis(0);
        let mut status = self.written.clone();
        fill(&mut status);
        if status == self.written && !first {
            return;
        }
        self.next = Instant::now() + INTERVAL;
        status.updated_at = Timestamp::now();
        let written = serde_json::to_vec_pretty(&status)
            .map_err(io::Error::other)
            .and_then(|bytes| spool::replace(&self.path, &bytes));
        if let Err(error) = written {
            // It is a convenience: a full disk must not fill the log as well.
            tracing::debug!("could not write `{}`: {error}", self.path.display());
        }
        self.written = status;
    }
}
