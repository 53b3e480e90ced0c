//! What becomes of a job: its end, its result on disk, its result with the studio.

use std::time::Instant;

use studio_protocol::{JobId, LogLevel, WorkerId};

use crate::{Effect, EngineEvent, JobEnd, Output, SpoolEntry, SpoolOutcome, UploadOutcome, Worker};

/// A JSON result: a frame less the room for its other fields and the prompt.
const MAX_RESULT_BYTES: usize = studio_protocol::MAX_FRAME_BYTES / 2;

impl Worker {
    pub(crate) fn engine_event(&mut self, now: Instant, event: EngineEvent) {
        if let Some(id) = event.ended()
            && self.winding_down.remove(id)
        {
            // It was given back: whatever its engine left is nobody's.
            let id = id.clone();
            return self.push(Effect::Forget(id));
        }
        match event {
            EngineEvent::Progress { job, report } => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.note(report);
                }
            }
            EngineEvent::Delta { job, text, reasoning } => self.note_delta(&job, &text, reasoning.as_deref()),
            EngineEvent::Preview { job, mime, data } => self.note_preview(&job, mime, data),
            EngineEvent::Finished { job, output } => {
                self.show_last(now, &job);
                self.finished(job, output);
            }
            EngineEvent::OutOfMemory { job, error } => {
                self.fail_job(&job, error, true);
            }
            EngineEvent::Failed { job, error, retryable } => self.failed(&job, error, retryable),
            EngineEvent::Stopped { job } => {
                self.failed(&job, "the engine was stopped".to_owned(), true);
            }
        }
    }

    fn finished(&mut self, id: JobId, output: Output) {
        let Some(job) = self.jobs.get_mut(&id) else {
            self.push(Effect::Forget(id));
            return;
        };
        let problem = match &output {
            _ if job.cancelled => Some("cancelled".to_owned()),
            Output::Json(_) if !job.kind.result_is_json() => {
                Some(format!("the engine answered an {} job with JSON instead of a file", job.kind))
            }
            Output::File { .. } if job.kind.result_is_json() => {
                Some(format!("the engine answered an {} job with a file instead of JSON", job.kind))
            }
            Output::Json(json) if json.get().len() > MAX_RESULT_BYTES => Some(format!(
                "the result of {} bytes does not fit a frame ({MAX_RESULT_BYTES} bytes)",
                json.get().len()
            )),
            Output::Json(_) | Output::File { .. } => None,
        };
        if let Some(problem) = problem {
            self.failed(&id, problem, false);
            return;
        }
        let entry = SpoolEntry {
            job_id: id,
            worker_id: self.identity.worker_id().cloned().unwrap_or_else(|| WorkerId::from("")),
            attempt: job.attempt,
            kind: job.kind,
            prompt: job.prompt.clone(),
            output,
        };
        let taken_on = job.accepted_on;
        let entry = self.outbox.push(entry, taken_on);
        self.push(Effect::Spool(entry));
    }

    /// Ends a running job without a result.
    fn failed(&mut self, id: &JobId, error: String, retryable: bool) {
        // An engine fails like this when the disk is full, and so would every job that is taken next.
        if self.fail_job(id, error, retryable) && self.spool_check.is_none() {
            self.push(Effect::CheckSpool);
        }
    }

    /// Whether another try may succeed.
    fn fail_job(&mut self, id: &JobId, error: String, retryable: bool) -> bool {
        // A result that is being written has the last word.
        if self.outbox.get(id).is_some() {
            return false;
        }
        let Some(job) = self.jobs.remove(id) else { return false };
        if let Some(reason) = job.released.as_deref().filter(|_| !job.cancelled) {
            self.hand_back(&job, reason);
            return false;
        }
        let (error, retryable) =
            if job.cancelled { ("cancelled".to_owned(), false) } else { (error, retryable) };
        if !job.cancelled {
            self.log(LogLevel::Warn, format!("failed: {error}"), Some(id));
        }
        let end = if job.cancelled { JobEnd::Cancelled } else { JobEnd::Failed(error.clone()) };
        self.push(Effect::Ended { job: id.clone(), end });
        self.fail(id, job.attempt, error, retryable, job.accepted_on);
        self.push(Effect::Forget(id.clone()));
        retryable
    }

    pub(crate) fn spooled(&mut self, now: Instant, id: &JobId, outcome: SpoolOutcome) {
        self.outbox.stored(id, outcome == SpoolOutcome::Written);
        if let SpoolOutcome::NotWritten(reason) = outcome {
            let message = format!("the result stays in memory, no new jobs are taken: {reason}");
            self.log(LogLevel::Error, message, Some(id));
            self.spool_check.get_or_insert(now + crate::SPOOL_RETRY);
        }
        let Some(job) = self.jobs.remove(id) else { return };
        if job.cancelled {
            self.push(Effect::Ended { job: id.clone(), end: JobEnd::Cancelled });
            self.drop_cancelled(id);
        } else if let Some(entry) = self.outbox.get(id).cloned() {
            self.push(Effect::Ended { job: id.clone(), end: JobEnd::Done(entry) });
        }
    }

    pub(crate) fn spool_checked(&mut self, now: Instant, writable: bool) {
        if !writable {
            if self.spool_check.is_none() {
                let message = "the disk under the spool takes no results, no new jobs are taken";
                self.log(LogLevel::Error, message.to_owned(), None);
                self.spool_check = Some(now + crate::SPOOL_RETRY);
            }
            return;
        }
        if self.spool_check.take().is_none() {
            return;
        }
        self.log(LogLevel::Info, "the disk under the spool takes results again".to_owned(), None);
        for entry in self.outbox.memory_only() {
            self.push(Effect::Spool(entry));
        }
    }

    pub(crate) fn uploaded(
        &mut self,
        now: Instant,
        id: &JobId,
        attempt: Option<u32>,
        outcome: UploadOutcome,
    ) {
        let Some(entry) = self.outbox.get(id).filter(|entry| entry.attempt == attempt).cloned() else {
            return;
        };
        match outcome {
            UploadOutcome::Taken => self.forget_result(id),
            UploadOutcome::TryAgain(reason) => {
                let jitter = self.draw.jitter();
                let failures = self.outbox.upload_failed(id, now, jitter);
                // One line a result is enough: the reason rarely changes while a studio is away.
                if failures == 1 {
                    self.log(LogLevel::Warn, format!("the upload is tried again: {reason}"), Some(id));
                }
            }
            UploadOutcome::Refused { status, body } => {
                self.log(
                    LogLevel::Warn,
                    format!("the studio refused the result for good: {status} {body}"),
                    Some(id),
                );
                self.forget_result(id);
                // 401, 404 and 409 say that the claim is not ours (any more).
                if !matches!(status, 401 | 404 | 409) {
                    let error = format!("the studio refused the upload: {status} {body}");
                    self.fail(id, entry.attempt, error, status != 413, self.sockets);
                }
            }
            UploadOutcome::PayloadLost(reason) => {
                self.log(LogLevel::Error, format!("the result's bytes are lost: {reason}"), Some(id));
                self.forget_result(id);
                self.fail(
                    id,
                    entry.attempt,
                    format!("the result's bytes are lost: {reason}"),
                    true,
                    self.sockets,
                );
            }
        }
    }

    pub(crate) fn forget_result(&mut self, id: &JobId) {
        self.outbox.remove(id);
        self.push(Effect::Forget(id.clone()));
    }
}
