//! The spans of jobs: job, wait, attempt, offer, and what the worker said that it did.
//!
//! ```text
//! request ─▶ job ─┬▶ wait
//!                 └▶ attempt ─┬▶ offer
//!                             └▶ downloading, loading, running, uploading
//! ```
//!
//! Their ids follow from the names of job and attempt, so that nothing has to be remembered between two starts.

use std::time::{Duration, SystemTime};

use studio_protocol::{JobId, Stage, Timestamp, TraceParent, WorkerId};
use studio_runtime::{Span, Traces, Work};
use studio_scheduler::attempt_span;

/// One try, as far as it is known.
#[derive(Debug)]
pub struct Try<'a> {
    pub job: &'a JobId,
    pub worker: &'a WorkerId,
    pub attempt: u32,
    pub request: TraceParent,
    pub created_at: Timestamp,
    /// Absent of a try that began before the studio did.
    pub claimed: Option<SystemTime>,
    pub accepted: Option<SystemTime>,
    /// What the worker said that it does, and since when.
    pub stages: &'a [(Stage, SystemTime)],
}

impl Try<'_> {
    fn job_span(&self) -> TraceParent {
        self.request.child(self.job.as_str())
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("studio.job", self.job.to_string()),
            ("studio.attempt", self.attempt.to_string()),
            ("studio.worker", self.worker.to_string()),
        ]
    }

    /// Hands over the try with its parts.
    pub fn attempt_ended(&self, traces: &Traces, outcome: &'static str) {
        let (Some(claimed), true) = (self.claimed, self.request.sampled) else { return };
        let now = SystemTime::now();
        let name = attempt_span(self.job, self.attempt);
        let (job, span) = (self.job_span(), self.request.child(&name));
        let part = |part: &'static str, began: SystemTime, ended: SystemTime, parent: TraceParent| {
            traces.record(Span {
                name: part,
                trace: span.trace,
                id: span.child(&format!("{name}/{part}")).span,
                parent: parent.span,
                work: Work::Part,
                began,
                ended,
                attributes: self.attributes(),
                error: None,
            });
        };
        if self.attempt == 1 {
            part("wait", time(self.created_at), claimed, job);
        }
        part("offer", claimed, self.accepted.unwrap_or(now), span);
        for (at, (stage, began)) in self.stages.iter().enumerate() {
            let ended = self.stages.get(at + 1).map_or(now, |(_, next)| *next);
            part(stage_name(*stage), *began, ended, span);
        }
        let mut attributes = self.attributes();
        attributes.push(("studio.outcome", outcome.to_owned()));
        traces.record(Span {
            name: "attempt",
            trace: span.trace,
            id: span.span,
            parent: job.span,
            work: Work::Part,
            began: claimed,
            ended: now,
            attributes,
            error: (outcome != "done").then(|| outcome.to_owned()),
        });
    }

    /// Hands over the job.
    pub fn job_ended(&self, traces: &Traces, outcome: &'static str) {
        if !self.request.sampled {
            return;
        }
        let span = self.job_span();
        let attributes = vec![("studio.job", self.job.to_string()), ("studio.outcome", outcome.to_owned())];
        traces.record(Span {
            name: "job",
            trace: span.trace,
            id: span.span,
            parent: self.request.span,
            work: Work::Queued,
            began: time(self.created_at),
            ended: SystemTime::now(),
            attributes,
            error: (outcome != "done").then(|| outcome.to_owned()),
        });
    }
}

fn time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(at.as_millis().max(0).unsigned_abs())
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Queued => "queued on the worker",
        Stage::Downloading => "download",
        Stage::Loading => "load",
        Stage::Running => "engine run",
        Stage::Uploading => "upload",
    }
}
