//! The jobs that hold a slot.

use std::time::Instant;

use studio_protocol::{JobId, OfferClaim, PROGRESS_INTERVAL, Progress, Stage, TaskKind};

use crate::ProgressReport;
use crate::stream::{Looks, Stream};

/// One accepted job, until its result is stored or it ended otherwise.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) attempt: Option<u32>,
    pub(crate) kind: TaskKind,
    pub(crate) model: String,
    pub(crate) prompt: String,
    /// The connection on which it was accepted last.
    pub(crate) accepted_on: u64,
    accepted_at: Instant,
    /// The studio wants it no more.
    pub(crate) cancelled: bool,
    /// It goes back to the studio once its engine has stopped, for this reason.
    pub(crate) released: Option<String>,
    pub(crate) progress: ProgressReport,
    /// While its text is wanted.
    pub(crate) stream: Option<Stream>,
    /// While looks at it are wanted.
    pub(crate) looks: Option<Looks>,
    unsent: bool,
    /// The furthest stage that was told.
    told_stage: Option<Stage>,
    next_progress: Instant,
}

impl Job {
    pub(crate) fn new(claim: &OfferClaim, attempt: Option<u32>, socket: u64, now: Instant) -> Self {
        Self {
            id: claim.job_id.clone(),
            attempt,
            kind: claim.task.kind(),
            model: claim.model.clone(),
            prompt: claim.task.prompt().to_owned(),
            accepted_on: socket,
            accepted_at: now,
            cancelled: false,
            released: None,
            progress: ProgressReport::default(),
            stream: None,
            looks: None,
            unsent: false,
            told_stage: None,
            next_progress: now,
        }
    }

    pub(crate) fn note(&mut self, report: ProgressReport) {
        self.progress = report;
        self.unsent = true;
    }

    /// When its latest progress may leave.
    pub(crate) fn progress_due(&self) -> Option<Instant> {
        let due = if self.is_at_a_new_stage() { self.accepted_at } else { self.next_progress };
        self.unsent.then_some(due)
    }

    /// A stage that is reached for the first time is told at once: there are only a few of them.
    fn is_at_a_new_stage(&self) -> bool {
        self.progress.stage > self.told_stage
    }

    /// The frame to send, at most one in a [`PROGRESS_INTERVAL`] and one for each stage; newer reports take the place of
    /// unsent ones.
    pub(crate) fn take_progress(&mut self, now: Instant, lease: bool) -> Option<Progress> {
        if !self.unsent || (now < self.next_progress && !self.is_at_a_new_stage()) {
            return None;
        }
        self.unsent = false;
        self.told_stage = self.told_stage.max(self.progress.stage);
        self.next_progress = now + PROGRESS_INTERVAL;
        let report = &self.progress;
        Some(Progress {
            job_id: self.id.clone(),
            step: report.step,
            steps: report.steps,
            eta_ms: report.eta_ms,
            stage: report.stage,
            bytes: report.bytes,
            total_bytes: report.total_bytes,
            attempt: self.attempt.filter(|_| lease),
        })
    }
}

/// In the order of acceptance; a handful at most.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Vec<Job>);

impl Jobs {
    pub(crate) fn insert(&mut self, job: Job) {
        self.0.push(job);
    }

    pub(crate) fn remove(&mut self, id: &JobId) -> Option<Job> {
        let at = self.0.iter().position(|job| job.id == *id)?;
        Some(self.0.remove(at))
    }

    pub(crate) fn get_mut(&mut self, id: &JobId) -> Option<&mut Job> {
        self.0.iter_mut().find(|job| job.id == *id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Job> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Job> {
        self.0.iter_mut()
    }

    pub(crate) fn take_all(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn of_kind(&self, kind: TaskKind) -> usize {
        self.0.iter().filter(|job| job.kind == kind).count()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn job(now: Instant) -> Job {
        let claim = serde_json::json!({"jobId": "j", "gameId": "g", "assetName": "a", "model": "m", "vramGbEstimate": 0.0,
            "task": {"kind": "llm", "messages": []},
            "modelSource": {"engine": "e", "files": [], "cliDefaults": {"cfgScale": 1.0, "steps": 1, "width": 1, "height": 1}}});
        Job::new(&serde_json::from_value(claim).unwrap(), Some(3), 1, now)
    }

    fn step(step: u32) -> ProgressReport {
        ProgressReport { step, steps: 9, ..ProgressReport::default() }
    }

    #[test]
    fn progress_leaves_four_times_a_second_and_the_latest_report_wins() {
        let start = Instant::now();
        let mut job = job(start);
        assert_eq!(job.progress_due(), None);
        job.note(step(1));
        assert_eq!(job.take_progress(start, true).unwrap().step, 1);
        job.note(step(2));
        job.note(step(3));
        assert!(job.take_progress(start + Duration::from_millis(249), true).is_none());
        assert_eq!(job.progress_due(), Some(start + PROGRESS_INTERVAL));
        let sent = job.take_progress(start + PROGRESS_INTERVAL, true).unwrap();
        assert_eq!((sent.step, sent.attempt), (3, Some(3)));
        assert!(
            job.take_progress(start + PROGRESS_INTERVAL * 9, true).is_none(),
            "nothing new, nothing sent"
        );
    }

    #[test]
    fn a_new_stage_is_told_at_once_and_only_once() {
        let start = Instant::now();
        let mut job = job(start);
        let at = |stage, bytes| ProgressReport { stage: Some(stage), bytes, ..ProgressReport::default() };
        job.note(at(Stage::Downloading, Some(1)));
        assert_eq!(job.take_progress(start, true).unwrap().bytes, Some(1));
        job.note(at(Stage::Downloading, Some(2)));
        assert!(job.take_progress(start, true).is_none());
        job.note(at(Stage::Loading, None));
        assert!(job.progress_due().unwrap() <= start);
        assert_eq!(job.take_progress(start, true).unwrap().stage, Some(Stage::Loading));
        job.note(at(Stage::Downloading, Some(3)));
        assert!(job.take_progress(start, true).is_none(), "back and forth is no news");
        job.note(at(Stage::Running, None));
        assert!(job.take_progress(start, true).is_some());
    }

    #[test]
    fn progress_names_the_attempt_only_under_a_lease() {
        let start = Instant::now();
        let mut job = job(start);
        job.note(step(1));
        assert_eq!(job.take_progress(start, false).unwrap().attempt, None);
    }
}
