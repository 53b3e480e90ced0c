//! Results that the studio has not acknowledged, in the order in which they were made.

use std::sync::Arc;
use std::time::Instant;

use studio_protocol::JobId;

use crate::settings::{MAX_UPLOADS, MAX_WAITING_RESULTS};
use crate::{Output, SpoolEntry, full_jitter};

/// Where a result lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// The shell is at it; nothing is reported before it is done.
    Writing,
    OnDisk,
    /// The disk is full.
    MemoryOnly,
}

#[derive(Debug)]
struct Waiting {
    entry: Arc<SpoolEntry>,
    /// The connection on which the claim was taken; `None` for a result of an earlier process.
    taken_on: Option<u64>,
    stored: Stored,
    /// The connection on which it was sent last.
    sent_on: Option<u64>,
    /// Acknowledgements that are still to come on connection `acks_on`.
    acks_due: u32,
    acks_on: Option<u64>,
    uploading: bool,
    failures: u32,
    /// No upload before.
    retry_at: Option<Instant>,
}

impl Waiting {
    fn new(entry: SpoolEntry, taken_on: Option<u64>, stored: Stored) -> Self {
        Self {
            entry: Arc::new(entry),
            taken_on,
            stored,
            sent_on: None,
            acks_due: 0,
            acks_on: None,
            uploading: false,
            failures: 0,
            retry_at: None,
        }
    }

    fn is_json(&self) -> bool {
        matches!(self.entry.output, Output::Json(_))
    }

    fn in_flight_on(&self, socket: u64) -> bool {
        self.sent_on == Some(socket) && self.acks_due > 0
    }

    /// Whether a studio that forgets claims with their session may refuse it as a violation.
    fn is_doubtful_on(&self, socket: u64) -> bool {
        self.taken_on != Some(socket)
    }
}

/// What a protocol violation says about the results that were sent before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// None was in flight.
    Nothing,
    /// One of several; they have to be sent one by one.
    OneOfMany,
    /// This one, and it was dropped.
    Dropped(JobId),
}

#[derive(Debug, Default)]
pub(crate) struct Outbox(Vec<Waiting>);

impl Outbox {
    /// Results that an earlier process left in the spool.
    pub(crate) fn restored(entries: Vec<SpoolEntry>) -> Self {
        Self(entries.into_iter().map(|entry| Waiting::new(entry, None, Stored::OnDisk)).collect())
    }

    /// A fresh result, to be written before it is reported.
    pub(crate) fn push(&mut self, entry: SpoolEntry, taken_on: u64) -> Arc<SpoolEntry> {
        self.remove(&entry.job_id.clone());
        let waiting = Waiting::new(entry, Some(taken_on), Stored::Writing);
        let entry = Arc::clone(&waiting.entry);
        self.0.push(waiting);
        entry
    }

    pub(crate) fn stored(&mut self, job: &JobId, on_disk: bool) {
        if let Some(waiting) = self.find(job) {
            waiting.stored = if on_disk { Stored::OnDisk } else { Stored::MemoryOnly };
        }
    }

    /// What is in memory alone, to be written now that the disk takes it.
    pub(crate) fn memory_only(&self) -> Vec<Arc<SpoolEntry>> {
        let waiting = self.0.iter().filter(|waiting| waiting.stored == Stored::MemoryOnly);
        waiting.map(|waiting| Arc::clone(&waiting.entry)).collect()
    }

    /// The JSON results to send on connection `socket`.
    ///
    /// `trust` says that the studio keeps claims over connections and answers a stale result with an
    /// acknowledgement. Without it, results whose claim is older than the connection go one by one, so that a
    /// violation tells which of them the studio will never take.
    pub(crate) fn take_json(&mut self, socket: u64, trust: bool) -> Vec<Arc<SpoolEntry>> {
        let mut doubt_in_flight =
            self.0.iter().any(|waiting| waiting.in_flight_on(socket) && waiting.is_doubtful_on(socket));
        let mut out = Vec::new();
        for waiting in &mut self.0 {
            if waiting.stored == Stored::Writing || !waiting.is_json() || waiting.sent_on == Some(socket) {
                continue;
            }
            if !trust && waiting.is_doubtful_on(socket) {
                if doubt_in_flight {
                    continue;
                }
                doubt_in_flight = true;
            }
            if waiting.acks_on != Some(socket) {
                (waiting.acks_on, waiting.acks_due) = (Some(socket), 0);
            }
            waiting.sent_on = Some(socket);
            waiting.acks_due += 1;
            out.push(Arc::clone(&waiting.entry));
        }
        out
    }

    /// The uploads to start.
    pub(crate) fn take_uploads(&mut self, now: Instant) -> Vec<Arc<SpoolEntry>> {
        let free = MAX_UPLOADS.saturating_sub(self.uploads());
        let ready = self.0.iter_mut().filter(|waiting| {
            waiting.stored != Stored::Writing
                && !waiting.is_json()
                && !waiting.uploading
                && waiting.retry_at.is_none_or(|at| at <= now)
        });
        ready
            .take(free)
            .map(|waiting| {
                waiting.uploading = true;
                Arc::clone(&waiting.entry)
            })
            .collect()
    }

    /// When the next upload may be tried again.
    pub(crate) fn upload_due(&self) -> Option<Instant> {
        if self.uploads() >= MAX_UPLOADS {
            return None;
        }
        self.0.iter().filter(|waiting| !waiting.uploading).filter_map(|waiting| waiting.retry_at).min()
    }

    /// An upload did not get through; returns how often in a row.
    pub(crate) fn upload_failed(&mut self, job: &JobId, now: Instant, jitter: f64) -> u32 {
        self.find(job).map_or(0, |waiting| {
            waiting.uploading = false;
            waiting.failures += 1;
            waiting.retry_at = Some(now + full_jitter(waiting.failures, jitter));
            waiting.failures
        })
    }

    /// The studio is back: no need to wait with the uploads.
    pub(crate) fn session_opened(&mut self) {
        for waiting in &mut self.0 {
            waiting.failures = 0;
            waiting.retry_at = None;
        }
    }

    /// The studio offers a job whose result is here: the result counts for the new claim.
    pub(crate) fn adopt(
        &mut self,
        job: &JobId,
        attempt: Option<u32>,
        socket: u64,
    ) -> Option<Arc<SpoolEntry>> {
        let waiting = self.find(job)?;
        let entry = SpoolEntry { attempt, ..(*waiting.entry).clone() };
        waiting.entry = Arc::new(entry);
        waiting.taken_on = Some(socket);
        waiting.stored = Stored::Writing;
        waiting.uploading = false;
        // What was sent for the former claim may still be acknowledged: `acks_due` stays.
        waiting.sent_on = None;
        Some(Arc::clone(&waiting.entry))
    }

    /// Counts an acknowledgement; `true` when the result is done with.
    pub(crate) fn acknowledged(&mut self, job: &JobId, stale: bool) -> bool {
        let Some(waiting) = self.find(job) else { return false };
        waiting.acks_due = waiting.acks_due.saturating_sub(1);
        // After an adoption a stale acknowledgement may be that of the former claim.
        if stale && (waiting.acks_due > 0 || waiting.sent_on.is_none()) {
            return false;
        }
        self.remove(job)
    }

    /// The studio called something on connection `socket` a violation.
    pub(crate) fn blame(&mut self, socket: u64, trust: bool) -> Blame {
        let suspect = self
            .0
            .iter()
            .find(|waiting| waiting.in_flight_on(socket) && (trust || waiting.is_doubtful_on(socket)));
        match suspect.map(|waiting| waiting.entry.job_id.clone()) {
            None => Blame::Nothing,
            Some(_) if trust => Blame::OneOfMany,
            Some(job) => {
                self.remove(&job);
                Blame::Dropped(job)
            }
        }
    }

    /// Whether the result of `job` was sent on connection `socket` and its acknowledgement is under way.
    pub(crate) fn in_flight(&self, job: &JobId, socket: u64) -> bool {
        self.0.iter().any(|waiting| waiting.entry.job_id == *job && waiting.in_flight_on(socket))
    }

    pub(crate) fn get(&self, job: &JobId) -> Option<&Arc<SpoolEntry>> {
        self.0.iter().map(|waiting| &waiting.entry).find(|entry| entry.job_id == *job)
    }

    pub(crate) fn remove(&mut self, job: &JobId) -> bool {
        let before = self.0.len();
        self.0.retain(|waiting| waiting.entry.job_id != *job);
        self.0.len() < before
    }

    pub(crate) fn take_all(&mut self) -> Vec<JobId> {
        self.0.drain(..).map(|waiting| waiting.entry.job_id.clone()).collect()
    }

    pub(crate) fn job_ids(&self) -> impl Iterator<Item = &JobId> {
        self.0.iter().map(|waiting| &waiting.entry.job_id)
    }

    /// The first result whose bytes are not with the studio yet.
    pub(crate) fn first_upload(&self) -> Option<&JobId> {
        self.0.iter().find(|waiting| !waiting.is_json()).map(|waiting| &waiting.entry.job_id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MAX_WAITING_RESULTS
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn uploads(&self) -> usize {
        self.0.iter().filter(|waiting| waiting.uploading).count()
    }

    fn find(&mut self, job: &JobId) -> Option<&mut Waiting> {
        self.0.iter_mut().find(|waiting| waiting.entry.job_id == *job)
    }
}

#[cfg(test)]
mod tests;
