//! Nothing more is taken because the owner, an operator or a rule says so: what runs is finished or goes back, and the
//! memory with it.

use std::time::Instant;

use studio_protocol::{Fail, Feature, JobId, LogLevel, Release, UserPresence, WorkerFrame};

use crate::jobs::Job;
use crate::link::Link;
use crate::owner::Change;
use crate::{Effect, JobEnd, Rules, Seen, Worker};

/// Why a job goes back when nobody says more.
const PAUSED: &str = "the worker is paused";

/// A pause that the owner or an operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pause {
    /// When it ends by itself.
    pub until: Option<Instant>,
    /// It ends once nobody uses the machine.
    pub until_idle: bool,
    /// What runs goes back at once, instead of being finished.
    pub release: bool,
    /// The memory of all models is wanted back: at once with `release`, else after what runs.
    pub free_memory: bool,
}

/// How far memory was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Memory {
    /// Models come and go with jobs; resident ones are there.
    InUse,
    /// Nothing was loaded yet.
    #[default]
    Untouched,
    /// Every model was asked to leave once it has nothing to do.
    Leaving,
    /// Every engine was ended.
    Free,
}

impl Worker {
    pub(crate) fn pause_for(&mut self, now: Instant, pause: Pause) {
        let was_held = self.is_held();
        if self.pause.replace(pause).is_none() {
            self.log(LogLevel::Info, "paused".to_owned(), None);
        }
        self.holds_changed(now, was_held, pause.release, PAUSED);
        self.end_pause_when_over(now);
    }

    pub(crate) fn resume(&mut self, now: Instant) {
        let was_held = self.is_held();
        if self.pause.take().is_some() {
            self.log(LogLevel::Info, "taking jobs again".to_owned(), None);
        }
        self.holds_changed(now, was_held, false, PAUSED);
    }

    pub(crate) fn rules_changed(&mut self, now: Instant, rules: Rules) {
        self.owner.set_rules(rules);
        self.holds_due(now);
    }

    pub(crate) fn looked(&mut self, now: Instant, seen: Seen) {
        self.owner.seen = Some(seen);
        self.holds_due(now);
    }

    /// Begins and ends what the time, or a look, begins and ends.
    pub(crate) fn holds_due(&mut self, now: Instant) {
        let was_held = self.is_held();
        let Change { turned, urgent } = self.owner.update(now);
        let reason = self.owner.first_reason().map(str::to_owned);
        if turned {
            let message = match &reason {
                Some(reason) => format!("taking no jobs: {reason}"),
                None => "the owner's rules let jobs in again".to_owned(),
            };
            self.log(LogLevel::Info, message, None);
        }
        self.holds_changed(now, was_held, urgent, reason.as_deref().unwrap_or(PAUSED));
        self.end_pause_when_over(now);
    }

    /// When a pause or a hold ends by itself.
    pub(crate) fn hold_due(&self) -> Option<Instant> {
        self.pause.and_then(|pause| pause.until).into_iter().chain(self.owner.due()).min()
    }

    fn end_pause_when_over(&mut self, now: Instant) {
        let is_idle = self.presence() == Some(UserPresence::Idle);
        let is_over = |pause: Pause| pause.until.is_some_and(|at| at <= now) || (pause.until_idle && is_idle);
        if self.pause.is_some_and(is_over) {
            self.resume(now);
            self.push(Effect::SavePaused(false));
        }
    }

    /// The studio hears at once, and before jobs go back: it would offer them to this very worker.
    fn holds_changed(&mut self, now: Instant, was_held: bool, release: bool, reason: &str) {
        let changed = was_held != self.is_held();
        if changed && self.link.open().is_some() {
            if release {
                self.heartbeat(now);
            } else if let Link::Open(open) = &mut self.link {
                open.next_heartbeat = now;
            }
        }
        if release {
            self.give_back(reason);
        }
    }

    /// Whether no jobs are taken, by anybody's word but that of a shutdown.
    pub(crate) fn is_held(&self) -> bool {
        self.pause.is_some() || self.owner.is_held()
    }

    /// Whether somebody uses the machine; by a look, or as the shell said.
    pub(crate) fn presence(&self) -> Option<UserPresence> {
        self.owner.presence().or(self.machine.capabilities.user_presence)
    }

    /// Whether the memory of all models is wanted back, and whether at once.
    pub fn wants_memory(&self) -> Option<bool> {
        let pause = self.pause.filter(|pause| pause.free_memory).map(|pause| pause.release);
        pause.max(self.owner.wants_memory())
    }

    /// Gives memory back as soon as the jobs are out of it, and takes it again when jobs are taken again.
    pub(crate) fn settle_memory(&mut self, _: Instant) {
        if self.is_ending() {
            return;
        }
        match self.wants_memory() {
            Some(at_once) => {
                // Their results are out of the engine.
                let in_engine = |job: &Job| self.outbox.get(&job.id).is_none();
                // Who was called off has no time to lose.
                let keeps = |job: &Job| in_engine(job) && !(at_once && job.cancelled);
                let is_busy = self.jobs.iter().any(keeps);
                let wanted = if at_once { Memory::Free } else { Memory::Leaving };
                if !is_busy && self.memory < wanted {
                    self.memory = wanted;
                    self.push(Effect::FreeMemory { at_once });
                }
            }
            None if self.memory != Memory::InUse && !self.is_held() => {
                self.memory = Memory::InUse;
                self.push(Effect::LoadResidents);
            }
            None => {}
        }
    }

    /// What runs goes to another worker; what has a result already is kept.
    pub(crate) fn give_back(&mut self, reason: &str) {
        let open = self.link.open().map(|open| open.socket);
        let resume = self.link.uses(Feature::Resume);
        let going: Vec<JobId> = self
            .jobs
            .iter()
            .filter(|job| !job.cancelled && self.outbox.get(&job.id).is_none())
            .map(|job| job.id.clone())
            .collect();
        for id in going {
            let Some(job) = self.jobs.remove(&id) else { continue };
            if job.released.is_none() {
                self.push(Effect::Stop(id.clone()));
            }
            self.push(Effect::Ended { job: id.clone(), end: JobEnd::Released(reason.to_owned()) });
            self.push(Effect::Forget(id.clone()));
            self.log(LogLevel::Info, format!("given back: {reason}"), Some(&id));
            self.winding_down.insert(id.clone());
            let release = Release { job_id: id, reason: reason.to_owned(), attempt: job.attempt };
            match open {
                // A studio that keeps no claims over connections has given it away with the former one.
                Some(socket) if resume || job.accepted_on == socket => self.say_release(release),
                Some(_) => {}
                None => self.unsaid.push(release),
            }
        }
    }

    /// What was given back while there was no session; without `resume` the studio has given it away already.
    pub(crate) fn say_releases(&mut self) {
        let is_known = self.link.uses(Feature::Resume);
        for release in std::mem::take(&mut self.unsaid) {
            if is_known {
                self.say_release(release);
            }
        }
    }

    fn say_release(&mut self, release: Release) {
        let lease = self.link.uses(Feature::Lease);
        let Release { job_id, reason, attempt } = release;
        let attempt = attempt.filter(|_| lease);
        self.send(if self.link.uses(Feature::Release) {
            WorkerFrame::Release(Release { job_id, reason, attempt })
        } else {
            WorkerFrame::Fail(Fail { job_id, error: reason, retryable: true, attempt })
        });
    }
}
