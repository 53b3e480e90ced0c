//! One watcher of running texts and pictures: what it has seen, and what is news to it.

use std::collections::HashMap;

use studio_protocol::JobId;
use tokio::sync::watch;

use super::streams::{Shown, Streams};
use crate::events::StudioEvent;

/// Jobs whose news are copied at once: a watcher that comes late among thousands must not take their memory again.
const JOBS_AT_ONCE: usize = 16;

/// Reads what running jobs show, at its own pace.
#[derive(Debug)]
pub struct Watcher {
    streams: Streams,
    changes: watch::Receiver<u64>,
    seen: u64,
    told: HashMap<JobId, Told>,
    texts: bool,
    pictures: bool,
}

/// How much of a job was told.
#[derive(Debug, Default)]
struct Told {
    attempt: u32,
    text: usize,
    reasoning: usize,
    preview: u64,
    /// Whether a text was told at all.
    has_text: bool,
}

impl Watcher {
    pub(super) fn new(streams: Streams, changes: watch::Receiver<u64>) -> Self {
        Self { streams, changes, seen: 0, told: HashMap::new(), texts: true, pictures: true }
    }

    /// Leaves out what is not wanted.
    #[must_use]
    pub fn only(self, texts: bool, pictures: bool) -> Self {
        Self { texts, pictures, ..self }
    }

    /// Waits until there may be news.
    pub async fn changed(&mut self) {
        let seen = self.seen;
        // An error cannot be: the other end lives in `streams`.
        let _ = self.changes.wait_for(|version| *version > seen).await;
    }

    /// News of some of the jobs that are wanted; the rest with the next call.
    pub fn take(&mut self, wanted: impl Fn(&JobId) -> bool) -> Vec<StudioEvent> {
        let mut news = Vec::new();
        let mut jobs = 0;
        let streams = self.streams.clone();
        let state = streams.state();
        for (version, job) in state.changed.range(self.seen + 1..) {
            self.seen = *version;
            if !wanted(job) {
                continue;
            }
            if let Some(shown) = state.jobs.get(job) {
                self.tell(job, shown, &mut news);
            }
            jobs += 1;
            if jobs == JOBS_AT_ONCE {
                return news;
            }
        }
        self.seen = state.version;
        news
    }

    /// The news of one job, whatever others there are: its end comes next.
    pub fn take_job(&mut self, job: &JobId) -> Vec<StudioEvent> {
        let mut news = Vec::new();
        let streams = self.streams.clone();
        if let Some(shown) = streams.state().jobs.get(job) {
            self.tell(job, shown, &mut news);
        }
        news
    }

    /// The job has ended, or waits again; whether a text was told that counts no more in the second case.
    pub fn ended(&mut self, job: &JobId) -> bool {
        self.told.remove(job).is_some_and(|told| told.has_text)
    }

    fn tell(&mut self, job: &JobId, shown: &Shown, news: &mut Vec<StudioEvent>) {
        let told = self.told.entry(job.clone()).or_default();
        let is_other = told.attempt != shown.attempt;
        if is_other {
            *told = Told { attempt: shown.attempt, has_text: told.has_text, ..Told::default() };
        }
        let (text, text_gap) = shown.text.since(told.text);
        let (reasoning, reasoning_gap) = shown.reasoning.since(told.reasoning);
        if self.texts && !(text.is_empty() && reasoning.is_empty()) {
            news.push(StudioEvent::Delta {
                job_id: job.clone(),
                attempt: shown.attempt,
                text: text.to_owned(),
                reasoning: Some(reasoning.to_owned()).filter(|reasoning| !reasoning.is_empty()),
                reset: is_other && told.has_text,
                truncated: text_gap || reasoning_gap,
            });
            (told.text, told.reasoning) = (shown.text.end(), shown.reasoning.end());
            told.has_text = true;
        }
        let look = shown.preview.as_ref().filter(|(version, _)| self.pictures && *version > told.preview);
        if let Some((version, preview)) = look {
            told.preview = *version;
            news.push(StudioEvent::Preview(preview.clone()));
        }
    }
}
