//! The state machine of the whole studio: sessions, claims and the queue, with every decision about them.

mod claims;
mod dispatch;
mod frames;
mod outcomes;
mod rules;
mod sessions;
mod standing;

pub use outcomes::attempt_span;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use studio_protocol::{CloseCode, JobId, ProjectId, StudioFrame, WorkerId};

use crate::queue::Queue;
use crate::session::Session;
use crate::{Effect, GiveBack, HeldClaim, Input, QueuedJob, SessionId, StoreOp, Timing, WorkerLimits};
use rules::Share;
use standing::Standing;

/// Where a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClaimState {
    /// The store is asked to make it.
    Offering,
    /// The offer has left.
    Offered,
    /// The worker took it.
    Running,
    /// A result or failure is on its way to the store; the worker's slot is free already.
    Finishing,
    /// The store is asked to put the job back.
    Returning,
}

/// Why a job goes back.
#[derive(Debug)]
struct Return {
    /// `None`: its worker vanished.
    how: Option<GiveBack>,
    reason: String,
    /// A heartbeat named the job after the store was asked.
    named: bool,
    /// The store could not do it: when it is asked again.
    again_at: Option<Instant>,
}

/// A job that a worker holds.
#[derive(Debug)]
struct Claim {
    job: QueuedJob,
    worker: WorkerId,
    session: Option<SessionId>,
    /// 0 while the store is asked.
    attempt: u32,
    /// Tells the outcome of this claim's `StoreOp::Claim` from those of earlier ones.
    ticket: u64,
    state: ClaimState,
    /// The store could not note that the worker took it: the next heartbeat that names the job tries again.
    unrecorded: bool,
    /// Set while it is on its way back.
    going: Option<Return>,
    /// When the worker last showed that it holds the job.
    confirmed: Instant,
}

impl Claim {
    fn takes_a_slot(&self) -> bool {
        match self.state {
            ClaimState::Offering | ClaimState::Offered | ClaimState::Running => true,
            ClaimState::Finishing | ClaimState::Returning => false,
        }
    }

    /// A result or failure goes to the store; a claim that is on its way back stays so.
    fn finishing(&mut self) {
        if let ClaimState::Offered | ClaimState::Running = self.state {
            self.state = ClaimState::Finishing;
        }
    }

    /// Whether a frame about `attempt` is about this claim; base workers name no attempt.
    fn is_about(&self, attempt: Option<u32>) -> bool {
        attempt.is_none_or(|attempt| attempt == self.attempt)
    }
}

/// A worker that has a session or holds claims.
#[derive(Debug, Default)]
struct Worker {
    session: Option<SessionId>,
    /// When its claims come back, while it has no session.
    keep_until: Option<Instant>,
    claims: BTreeSet<JobId>,
    paused: bool,
}

/// What an operator decided about a worker while this coordinator lives.
#[derive(Debug, Clone, Copy)]
enum Decided {
    Paused(bool),
    Removed,
}

/// Decides which job goes to which worker and when it comes back; see the crate's documentation.
#[derive(Debug)]
pub struct Coordinator {
    timing: Timing,
    queue: Queue,
    sessions: BTreeMap<SessionId, Session>,
    workers: HashMap<WorkerId, Worker>,
    /// Kept for those who were let in before the decision and say hello after it.
    decided: HashMap<WorkerId, Decided>,
    /// What operators let workers have, whether they are there or not.
    limits: HashMap<WorkerId, Arc<WorkerLimits>>,
    claims: HashMap<JobId, Claim>,
    shares: HashMap<ProjectId, Share>,
    /// Projects that were at their limit and have room again.
    unblocked: Vec<ProjectId>,
    /// Nothing is offered.
    is_held: bool,
    standing: Standing,
    frees: u64,
    tickets: u64,
    out: Vec<Effect>,
}

impl Coordinator {
    /// Nothing waits and nobody is there; hand in [`Input::Restored`] first.
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            queue: Queue::default(),
            sessions: BTreeMap::new(),
            workers: HashMap::new(),
            decided: HashMap::new(),
            limits: HashMap::new(),
            claims: HashMap::new(),
            shares: HashMap::new(),
            unblocked: Vec::new(),
            is_held: false,
            standing: Standing::default(),
            frees: 0,
            tickets: 0,
            out: Vec::new(),
        }
    }

    /// Takes note of `input` at `now`, and returns what to do about it, in order.
    pub fn handle(&mut self, now: Instant, input: Input) -> Vec<Effect> {
        match input {
            Input::Restored { queued, held } => self.restored(now, queued, held),
            Input::Opened { session, worker, capabilities, paused } => {
                self.opened(now, session, worker, capabilities, paused);
            }
            Input::Closed { session } => self.closed(now, session),
            Input::Heartbeat(session, heartbeat, capabilities) => {
                self.heartbeat(now, session, &heartbeat, capabilities);
            }
            Input::Accept(session, frame) => self.accept(now, session, frame),
            Input::Reject(session, frame) => self.reject(now, session, frame),
            Input::CompleteJson(session, frame) => self.complete_json(now, session, frame),
            Input::Fail(session, frame) => self.fail(now, session, frame),
            Input::Release(session, frame) => self.release(now, session, frame),
            Input::Progress(session, frame) => self.progress(now, session, frame),
            Input::Preview(session, frame) => self.preview(now, session, frame),
            Input::Delta(session, frame) => self.delta(now, session, frame),
            Input::Goodbye(session) => self.goodbye(now, session),
            Input::Seen(session) => self.seen(now, session),
            Input::Uploaded { worker, job } => self.uploaded(now, &worker, &job),
            Input::Queued(jobs) => self.queued(now, jobs),
            Input::Cancelled { job, reason } => self.cancelled(now, &job, reason),
            Input::Reprioritised(job) => self.reprioritised(now, job),
            Input::Paused { worker, paused } => self.paused(now, &worker, paused),
            Input::Removed { worker, requeued } => self.removed(now, &worker, requeued),
            Input::Control { worker, control } => self.control(&worker, control),
            Input::Projects(projects) => self.ruled(now, projects),
            Input::Held(is_held) => self.hold(now, is_held),
            Input::Limits { worker, limits } => self.limited(now, &worker, limits),
            Input::Stored(stored) => self.stored(now, stored),
            Input::Tick => self.tick(now),
        }
        self.serve_unblocked(now);
        std::mem::take(&mut self.out)
    }

    /// Jobs that wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Jobs that workers hold.
    pub fn held(&self) -> usize {
        self.claims.len()
    }

    /// Open sessions.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    fn restored(&mut self, now: Instant, queued: Vec<QueuedJob>, held: Vec<HeldClaim>) {
        let keep_until = now + self.timing.keep_after_start;
        for held in held {
            let worker = self.workers.entry(held.worker.clone()).or_default();
            worker.keep_until = Some(keep_until);
            worker.claims.insert(held.job.id.clone());
            let state = if held.accepted { ClaimState::Running } else { ClaimState::Offered };
            let (job, worker, attempt) = (held.job, held.worker, held.attempt);
            self.count_in(&job.project);
            self.claims.insert(
                job.id.clone(),
                Claim {
                    job,
                    worker,
                    session: None,
                    attempt,
                    ticket: 0,
                    state,
                    unrecorded: false,
                    going: None,
                    confirmed: now,
                },
            );
        }
        self.queued(now, queued);
    }

    fn queued(&mut self, now: Instant, jobs: Vec<QueuedJob>) {
        let mut classes = BTreeSet::new();
        for job in jobs {
            if self.claims.contains_key(&job.id) {
                continue; // The store gave it away since; the claim is the newer news.
            }
            classes.insert(self.queue.insert(job));
        }
        for class in classes {
            self.dispatch_class(now, class);
        }
    }

    fn send(&mut self, session: SessionId, frame: StudioFrame) {
        self.out.push(Effect::Send(session, frame));
    }

    fn store(&mut self, op: StoreOp) {
        self.out.push(Effect::Store(op));
    }

    /// Ends a session from this side; its worker's claims are kept as after any other end.
    fn close(&mut self, now: Instant, session: SessionId, code: CloseCode, message: impl Into<String>) {
        self.out.push(Effect::Close { session, code, message: message.into() });
        self.closed(now, session);
    }
}
