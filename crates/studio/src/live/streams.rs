//! Texts and pictures of running jobs, kept while they grow and read by each watcher at its own pace.
//!
//! Nothing is queued for anybody: a watcher that is slow finds more text the next time, and only the latest
//! picture. It can therefore never hold up the coordinator, and one that comes late gets the text so far.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use studio_protocol::{Delta, JobId, MAX_STREAM_BYTES, Preview};
use tokio::sync::watch;

use super::watcher::Watcher;

/// How long a text is kept after its job has ended, for watchers that have not read its end.
const LINGER: Duration = Duration::from_secs(10);

/// What the running jobs show; clones share.
#[derive(Debug, Clone)]
pub struct Streams {
    state: Arc<Mutex<State>>,
    /// The version of the latest change.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Counts changes.
    pub version: u64,
    pub jobs: HashMap<JobId, Shown>,
    /// Which job changed last at which version.
    pub changed: BTreeMap<u64, JobId>,
    /// Jobs that have ended, in that order.
    ended: VecDeque<(Instant, JobId)>,
}

/// What one job shows.
#[derive(Debug)]
pub(super) struct Shown {
    pub attempt: u32,
    version: u64,
    next_index: u64,
    pub text: Kept,
    pub reasoning: Kept,
    /// The latest picture, and at which version it came.
    pub preview: Option<(u64, Preview)>,
    is_over: bool,
}

/// The end of a text that may be too long to keep whole.
#[derive(Debug, Default)]
pub(super) struct Kept {
    dropped: usize,
    text: String,
}

impl Kept {
    fn push(&mut self, more: &str) {
        self.text.push_str(more);
        if self.text.len() > MAX_STREAM_BYTES / 2 {
            // Half of it at once, so that a long text is not moved for each word.
            let from = self.text.ceil_char_boundary(self.text.len() - MAX_STREAM_BYTES / 4);
            self.text.drain(..from);
            self.dropped += from;
        }
    }

    /// How long the whole text is.
    pub fn end(&self) -> usize {
        self.dropped + self.text.len()
    }

    /// What follows after `from`, and whether something between is gone.
    pub fn since(&self, from: usize) -> (&str, bool) {
        let at = from.saturating_sub(self.dropped);
        (self.text.get(at..).unwrap_or_default(), from < self.dropped)
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self { state: Arc::default(), changes: watch::Sender::new(0) }
    }
}

impl Streams {
    /// Watches from now on; what there is already counts as news.
    pub fn watch(&self) -> Watcher {
        Watcher::new(self.clone(), self.changes.subscribe())
    }

    /// A text grows; pieces that are known already, or that come after a gap, change nothing.
    pub(crate) fn grow(&self, delta: &Delta) {
        let attempt = delta.attempt.unwrap_or_default();
        let mut state = self.state();
        let is_new = state.jobs.get(&delta.job_id).is_none_or(|shown| shown.attempt < attempt);
        if is_new {
            if delta.index > 0 {
                return; // Its beginning was told to a studio that is gone.
            }
            state.begin(&delta.job_id, attempt);
        }
        let Some(shown) = state.jobs.get_mut(&delta.job_id) else { return };
        if shown.is_over || shown.attempt != attempt || shown.next_index != delta.index {
            return;
        }
        shown.next_index += 1;
        shown.text.push(&delta.text);
        shown.reasoning.push(delta.reasoning.as_deref().unwrap_or_default());
        self.tell(state, &delta.job_id);
    }

    /// A picture can be seen, in place of an older one.
    pub(crate) fn look(&self, preview: Preview) {
        let mut state = self.state();
        let job = preview.job_id.clone();
        if !state.jobs.contains_key(&job) {
            state.begin(&job, 0);
        }
        let version = state.version + 1;
        let Some(shown) = state.jobs.get_mut(&job).filter(|shown| !shown.is_over) else { return };
        shown.preview = Some((version, preview));
        self.tell(state, &job);
    }

    /// The job is done or has failed: its text is final, and soon forgotten.
    pub(crate) fn end(&self, job: &JobId) {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(shown) = state.jobs.get_mut(job)
            && !std::mem::replace(&mut shown.is_over, true)
        {
            state.ended.push_back((now, job.clone()));
        }
        while state.ended.front().is_some_and(|(at, _)| now.duration_since(*at) >= LINGER) {
            if let Some((_, old)) = state.ended.pop_front()
                && state.jobs.get(&old).is_some_and(|shown| shown.is_over)
            {
                state.forget(&old);
            }
        }
    }

    /// The job waits again: what its attempt showed counts no more.
    pub(crate) fn forget(&self, job: &JobId) {
        self.state().forget(job);
    }

    fn tell(&self, mut state: MutexGuard<'_, State>, job: &JobId) {
        state.touch(job);
        let version = state.version;
        drop(state);
        self.changes.send_replace(version);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // The maps are whole after every method of the state, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self, job: &JobId, attempt: u32) {
        self.forget(job);
        let shown = Shown {
            attempt,
            version: 0,
            next_index: 0,
            text: Kept::default(),
            reasoning: Kept::default(),
            preview: None,
            is_over: false,
        };
        self.jobs.insert(job.clone(), shown);
    }

    fn touch(&mut self, job: &JobId) {
        let Some(shown) = self.jobs.get_mut(job) else { return };
        self.version += 1;
        self.changed.remove(&shown.version);
        shown.version = self.version;
        self.changed.insert(self.version, job.clone());
    }

    fn forget(&mut self, job: &JobId) {
        if let Some(shown) = self.jobs.remove(job) {
            self.changed.remove(&shown.version);
        }
    }
}

#[cfg(test)]
mod tests;
