//! The jobs that run, as their owner sees them, and what is written down when they end.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use studio_protocol::{JobId, LogEntry, LogLevel, OfferClaim, TaskKind, Timestamp};
use worker_core::{JobEnd as CoreEnd, ProgressReport, SpoolEntry};
use worker_local::{EndedJob, JobEnd, JobLine, Origin, RunningJob};

use super::Daemon;
use crate::history::{self, History, Over};
use crate::local::Running;

/// Characters of a prompt that are shown and kept.
const PROMPT_CHARS: usize = 200;
/// Lines of one job that are kept; an engine that says more is heard of in the log.
const MOST_LINES: usize = 500;
/// Ended jobs that are shown: more than end between two looks of a window.
const ENDED: usize = 16;

/// Who runs, in the order of their start.
#[derive(Debug)]
pub(super) struct Ledger {
    jobs: Vec<RunningJob>,
    /// The studio's latest.
    ended: VecDeque<EndedJob>,
    /// What handlers may look at.
    running: Arc<Running>,
    history: History,
}

impl Ledger {
    pub(super) fn new(history: History) -> Self {
        Self { jobs: Vec::new(), ended: VecDeque::new(), running: Arc::default(), history }
    }

    pub(super) fn running(&self) -> Arc<Running> {
        Arc::clone(&self.running)
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// Oldest first.
    pub(super) fn jobs(&self) -> &[RunningJob] {
        &self.jobs
    }

    /// Those of the studio that ended last, oldest first.
    pub(super) fn ended(&self) -> Vec<EndedJob> {
        self.ended.iter().cloned().collect()
    }

    /// Who asked for a job that runs.
    pub(super) fn origin(&self, id: &str) -> Option<Origin> {
        self.jobs.iter().find(|job| job.id == id).map(|job| job.origin)
    }

    /// A job of the studio begins.
    pub(super) fn begin(&mut self, claim: &OfferClaim) {
        let (id, kind, model) = (claim.job_id.to_string(), claim.task.kind(), claim.model.clone());
        let mut job = running_job(id, Origin::Studio, kind, model, claim.task.prompt());
        job.project = claim.project.to_string();
        job.name.clone_from(&claim.asset_name);
        self.add(job);
    }

    /// Any job begins; one of the same id is over.
    pub(super) fn add(&mut self, job: RunningJob) {
        self.jobs.retain(|other| other.id != job.id);
        self.running.begin(&job.id);
        self.jobs.push(job);
    }

    /// How far it is.
    pub(super) fn progress(&mut self, id: &JobId, report: &ProgressReport) {
        let Some(job) = self.jobs.iter_mut().find(|job| job.id == id.as_str()) else { return };
        (job.step, job.steps, job.eta_ms, job.stage) =
            (report.step, report.steps, report.eta_ms, report.stage);
        (job.bytes, job.total_bytes) = (report.bytes, report.total_bytes);
    }

    /// What it looks like so far: base64.
    pub(super) fn look(&mut self, id: &JobId, mime: &str, data: &str) {
        let Some(job) = self.jobs.iter_mut().find(|job| job.id == id.as_str()) else { return };
        job.preview += 1;
        self.running.look(&job.id, mime, data);
    }

    /// What was logged about a job.
    pub(super) fn line(&self, entry: &LogEntry) {
        let Some(id) = entry.job_id.as_ref().map(JobId::as_str) else { return };
        let line = JobLine {
            ts: entry.ts,
            level: match entry.level {
                LogLevel::Info => "info",
                LogLevel::Warn => "warn",
                LogLevel::Error => "error",
            }
            .to_owned(),
            category: entry.category.clone(),
            message: entry.message.clone(),
        };
        if let Some(late) = self.running.line(id, line, MOST_LINES) {
            self.history.late(id.to_owned(), late);
        }
    }

    /// It is over, and is written down.
    pub(super) fn end(&mut self, id: &str, end: JobEnd, reason: Option<String>, picture: Option<File>) {
        let Some(at) = self.jobs.iter().position(|job| job.id == id) else { return };
        let job = self.jobs.remove(at);
        let lines = self.running.end(id);
        if job.origin == Origin::Studio {
            self.remember(&job, end);
        }
        self.history.record(Over { job, ended_at: Timestamp::now(), end, reason, lines, picture });
    }

    fn remember(&mut self, job: &RunningJob, end: JobEnd) {
        let number = self.ended.back().map_or(0, |last| last.number) + 1;
        if self.ended.len() == ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(EndedJob {
            number,
            id: job.id.clone(),
            name: job.name.clone(),
            kind: job.kind,
            model: job.model.clone(),
            end,
        });
    }
}

/// A job at its start.
pub(super) fn running_job(
    id: String,
    origin: Origin,
    kind: TaskKind,
    model: String,
    prompt: &str,
) -> RunningJob {
    RunningJob {
        id,
        origin,
        kind,
        model,
        project: String::new(),
        name: String::new(),
        prompt: prompt.chars().take(PROMPT_CHARS).collect(),
        started_at: Timestamp::now(),
        stage: None,
        step: 0,
        steps: 0,
        eta_ms: None,
        bytes: None,
        total_bytes: None,
        preview: 0,
    }
}

impl Daemon {
    /// A job of the studio is over.
    pub(super) fn record(&mut self, job: &JobId, end: CoreEnd) {
        let (end, reason, picture) = match end {
            CoreEnd::Done(entry) => (JobEnd::Done, None, self.picture(&entry)),
            CoreEnd::Failed(error) => (JobEnd::Failed, Some(error), None),
            CoreEnd::Cancelled => (JobEnd::Cancelled, None, None),
            CoreEnd::Released(reason) => (JobEnd::Released, Some(reason), None),
        };
        self.ledger.end(job.as_str(), end, reason, picture);
    }

    /// Opened now: the studio may acknowledge the result, and the file go, at any moment.
    fn picture(&self, entry: &SpoolEntry) -> Option<File> {
        picture_at(&self.spool.payload_of(entry)?)
    }
}

/// A file that a small picture may be made of.
pub(super) fn picture_at(path: &Path) -> Option<File> {
    let ext = path.extension()?.to_str()?;
    history::shows(ext).then(|| File::open(path).ok()).flatten()
}
