//! Rules about time: nothing is taken back too early, nothing is left lying, nobody waits for work that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use studio_protocol::{JobId, TaskKind, WorkerId};
use studio_scheduler::{GiveBack, StoreOp};
use studio_store::JobState;

use super::Checker;
use super::ledger::Entry;

/// A claim is kept for this long without a word of its worker; half a second below the protocol's 30 s.
const KEEP: Duration = Duration::from_secs(29);
/// The same after a start of the studio.
const KEEP_AFTER_START: Duration = Duration::from_millis(59_500);
/// A claim of a worker that is gone is back after at most this long.
const GONE_BACK: Duration = Duration::from_millis(30_500);
/// The same after a start of the studio.
const GONE_BACK_AFTER_START: Duration = Duration::from_secs(61);
/// A claim that a worker is there but does not have is back after at most this long.
const UNNAMED_BACK: Duration = Duration::from_secs(76);
/// A healthy worker that is idle gets work that is there within this.
const IDLE_LIMIT: Duration = Duration::from_secs(12);
/// A job that was refused, or taken from a worker that may still run it, is not offered to it for a minute.
const BARRED: Duration = Duration::from_millis(61_500);
/// The scheduler has heard of a commit within this.
const NEWS_LIMIT: Duration = Duration::from_millis(20);
/// A job that failed goes elsewhere first.
const BARRED_AFTER_FAILURE: Duration = Duration::from_millis(2_500);

/// A worker that could take a job now, as far as anybody can see.
#[derive(Debug)]
pub(crate) struct Look {
    pub worker: WorkerId,
    pub conn: u64,
    pub kinds: Vec<TaskKind>,
    pub engines: Vec<&'static str>,
    pub vram_gb: f64,
    pub knows_options: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Since when the studio runs.
    pub studio_since: Option<Duration>,
    /// Until when the store was in trouble.
    pub store_trouble: Duration,
    /// Workers with a session, since when.
    sessions: BTreeMap<WorkerId, Duration>,
    /// Workers without, since when, if they had one in this life of the studio.
    gone: BTreeMap<WorkerId, Duration>,
    /// The last frame in this life of the studio: when it was heard, and when it was said.
    heard: BTreeMap<WorkerId, (Duration, Duration)>,
    barred: BTreeMap<(JobId, WorkerId), Duration>,
    /// Workers that operators paused or removed, since when.
    out: BTreeMap<WorkerId, Duration>,
    idle: BTreeMap<WorkerId, (u64, Duration)>,
    /// Claims that a heartbeat named because of an earlier attempt: they come back like those that none names.
    misnamed: BTreeSet<(JobId, u32)>,
    unnamed: BTreeMap<(JobId, u32), Duration>,
}

impl Watch {
    pub fn studio_started(&mut self, now: Duration) {
        self.studio_stopped();
        self.studio_since = Some(now);
    }

    pub fn studio_stopped(&mut self) {
        let (barred, out) = (std::mem::take(&mut self.barred), std::mem::take(&mut self.out));
        *self = Self { barred, out, store_trouble: self.store_trouble, ..Self::default() };
    }

    pub fn session_opened(&mut self, now: Duration, worker: &WorkerId) {
        self.gone.remove(worker);
        self.sessions.insert(worker.clone(), now);
    }

    pub fn session_closed(&mut self, now: Duration, worker: &WorkerId) {
        self.sessions.remove(worker);
        self.gone.insert(worker.clone(), now);
    }

    pub fn heard(&mut self, now: Duration, worker: &WorkerId, said: Duration) {
        self.heard.insert(worker.clone(), (now, said));
    }

    pub fn operator_decided(&mut self, now: Duration, worker: &WorkerId, is_out: bool) {
        if is_out {
            self.out.entry(worker.clone()).or_insert(now);
        } else {
            self.out.remove(worker);
        }
    }

    /// Whether a worker must not be offered anything.
    pub fn is_barred_worker(&self, now: Duration, worker: &WorkerId) -> bool {
        self.out.get(worker).is_some_and(|since| now > *since + NEWS_LIMIT)
    }

    pub fn offered(&mut self, worker: &WorkerId) {
        self.idle.remove(worker);
    }

    pub fn rejected_without_reason(&mut self, now: Duration, worker: &WorkerId, job: &JobId) {
        self.barred.insert((job.clone(), worker.clone()), now + BARRED);
    }

    pub fn failed_here(&mut self, now: Duration, worker: &WorkerId, job: &JobId) {
        let until = self.barred.entry((job.clone(), worker.clone())).or_default();
        *until = (*until).max(now + BARRED_AFTER_FAILURE);
    }

    /// A claim was taken from a worker.
    pub fn came_back(&mut self, now: Duration, op: &StoreOp) {
        match op {
            StoreOp::Lose { job, worker, .. }
            | StoreOp::GiveBack { job, worker, how: GiveBack::Unanswered, .. } => {
                self.barred.insert((job.clone(), worker.clone()), now + BARRED);
            }
            StoreOp::GiveBack { .. }
            | StoreOp::Claim { .. }
            | StoreOp::Accept { .. }
            | StoreOp::CompleteJson { .. }
            | StoreOp::Fail { .. }
            | StoreOp::WasHeld { .. } => {}
        }
    }

    /// Why it is too early to take a job from a worker that has it since `since`.
    pub fn is_too_early(&self, now: Duration, worker: &WorkerId, since: Duration) -> Option<String> {
        let Some((heard, said)) = self.heard.get(worker) else {
            let start = self.studio_since?;
            return (now < start + KEEP_AFTER_START)
                .then(|| format!("the studio started only {:?} ago", now.saturating_sub(start)));
        };
        (*said > since && now < *heard + KEEP)
            .then(|| format!("was heard {:?} ago, with a frame sent after that", now.saturating_sub(*heard)))
    }
}

impl Checker {
    /// Looks at everything once a second.
    pub fn look(&mut self, now: Duration, idle: Vec<Look>) {
        let Some(start) = self.watch.studio_since else {
            self.watch.idle.clear();
            return;
        };
        self.look_at_claims(now, start);
        self.look_at_idle(now, start, idle);
    }

    fn look_at_claims(&mut self, now: Duration, start: Duration) {
        let mut problems = Vec::new();
        let mut unnamed = BTreeMap::new();
        for (job, entry) in self.ledger.0.iter().filter(|(_, entry)| entry.state.is_held()) {
            let Some(worker) = &entry.worker else { continue };
            if self.watch.sessions.contains_key(worker) {
                if self.holds.find(worker, job, entry.attempt).is_none() && !self.twins.contains(worker) {
                    let key = (job.clone(), entry.attempt);
                    let since =
                        self.watch.unnamed.get(&key).copied().unwrap_or(now).max(self.watch.store_trouble);
                    if now > since + UNNAMED_BACK {
                        problems.push(format!(
                            "{job}#{} is held by {worker}, which does not have it since {since:?}",
                            entry.attempt
                        ));
                    }
                    unnamed.insert(key, since);
                }
                continue;
            }
            let due = match self.watch.gone.get(worker) {
                Some(gone) => *gone + GONE_BACK,
                None => start + GONE_BACK_AFTER_START,
            };
            if now > due.max(self.watch.store_trouble + GONE_BACK) {
                problems.push(format!("{job}#{} was due back from {worker} at {due:?}", entry.attempt));
            }
        }
        self.watch.unnamed = unnamed;
        for problem in problems {
            self.broken(problem);
        }
    }

    fn look_at_idle(&mut self, now: Duration, start: Duration, looks: Vec<Look>) {
        let mut idle = BTreeMap::new();
        let troubled = self.watch.store_trouble.max(start);
        for look in looks {
            let job = self.ledger.0.iter().find(|(job, entry)| self.suits(now, &look, job, entry));
            let Some((job, _)) = job.filter(|_| !self.is_excused(&look.worker)) else { continue };
            let since = match self.watch.idle.get(&look.worker) {
                Some((conn, since)) if *conn == look.conn => (*since).max(troubled),
                _ => now,
            };
            if now > since + IDLE_LIMIT {
                let problem = format!("{} is idle since {since:?} although {job} waits", look.worker);
                self.broken(problem);
                return;
            }
            idle.insert(look.worker, (look.conn, since));
        }
        self.watch.idle = idle;
    }

    /// A heartbeat names jobs; it cannot say which attempt it means.
    pub fn named(&mut self, worker: &WorkerId, job: &JobId) {
        let Some(entry) = self.ledger.0.get(job) else { return };
        let is_its = entry.state.is_held() && entry.worker.as_ref() == Some(worker);
        if is_its && self.holds.find(worker, job, entry.attempt).is_none() {
            self.watch.misnamed.insert((job.clone(), entry.attempt));
        }
    }

    fn is_excused(&self, worker: &WorkerId) -> bool {
        let is_misnamed = |(job, entry): (&JobId, &Entry)| {
            entry.state.is_held()
                && entry.worker.as_ref() == Some(worker)
                && self.watch.misnamed.contains(&(job.clone(), entry.attempt))
        };
        self.twins.contains(worker) || self.ledger.0.iter().any(is_misnamed)
    }

    fn suits(&self, now: Duration, look: &Look, job: &JobId, entry: &Entry) -> bool {
        let is_barred = || {
            let until = self.watch.barred.get(&(job.clone(), look.worker.clone()));
            until.is_some_and(|until| now < *until)
        };
        entry.state == JobState::Queued
            && look.kinds.contains(&entry.spec.kind)
            && look.engines.contains(&entry.spec.engine)
            && entry.spec.vram_gb <= look.vram_gb
            && (look.knows_options || !entry.spec.needs_options)
            && !is_barred()
            && !self.is_at_its_limit(&entry.project)
    }
}
