//! What the rules say about jobs, in plain data.

use std::collections::BTreeSet;

use proptest::prelude::*;
use studio_store::{GiveBack, JobState};

pub const JOBS: usize = 2;
pub const WORKERS: [&str; 3] = ["w-1", "w-2", "w-3"];
/// As the fixture submits them.
const MAX_ATTEMPTS: u32 = 3;

#[derive(Debug, Clone)]
pub enum Step {
    Claim { job: usize, by: usize },
    Accept { job: usize, by: usize, attempt: Option<u32> },
    Complete { job: usize, by: usize, attempt: Option<u32> },
    Fail { job: usize, by: usize, attempt: Option<u32>, retryable: bool },
    Lose { job: usize, by: usize, attempt: Option<u32> },
    GiveBack { job: usize, by: usize, attempt: Option<u32>, how: GiveBack },
    Cancel { job: usize },
    Retry { job: usize },
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (job, by) = (0..JOBS, 0..WORKERS.len());
    let attempt = prop_oneof![3 => Just(None), 1 => (1..6_u32).prop_map(Some)];
    let held = (job.clone(), by.clone(), attempt);
    let how = prop_oneof![
        Just(GiveBack::Rejected),
        Just(GiveBack::Released),
        Just(GiveBack::Unanswered),
        Just(GiveBack::NeverSent)
    ];
    let step = prop_oneof![
        6 => (job.clone(), by).prop_map(|(job, by)| Step::Claim { job, by }),
        3 => held.clone().prop_map(|(job, by, attempt)| Step::Accept { job, by, attempt }),
        2 => held.clone().prop_map(|(job, by, attempt)| Step::Complete { job, by, attempt }),
        3 => (held.clone(), prop::bool::weighted(0.8))
            .prop_map(|((job, by, attempt), retryable)| Step::Fail { job, by, attempt, retryable }),
        4 => held.clone().prop_map(|(job, by, attempt)| Step::Lose { job, by, attempt }),
        3 => (held, how).prop_map(|((job, by, attempt), how)| Step::GiveBack { job, by, attempt, how }),
        1 => job.clone().prop_map(|job| Step::Cancel { job }),
        2 => job.prop_map(|job| Step::Retry { job }),
    ];
    prop::collection::vec(step, 1..60)
}

/// What the store has to answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Expected {
    Claimed(u32),
    Taken,
    Again,
    Stale,
    NeverHeld,
    Requeued,
    Ended,
    Cancelled { was_held: bool },
    Refused,
}

#[derive(Debug)]
pub struct Reference {
    pub jobs: Vec<Life>,
}

#[derive(Debug)]
pub struct Life {
    pub state: JobState,
    /// Who holds it, or had it when it ended.
    pub worker: Option<usize>,
    pub attempt: u32,
    failures: u32,
    /// Workers that vanished with it, since the last retry.
    lost: Vec<usize>,
    /// Workers whose attempts are on record.
    had: BTreeSet<usize>,
}

enum Standing {
    Current,
    Done,
    Past,
    Never,
}

impl Default for Reference {
    fn default() -> Self {
        let fresh = |_| Life {
            state: JobState::Queued,
            worker: None,
            attempt: 0,
            failures: 0,
            lost: Vec::new(),
            had: BTreeSet::new(),
        };
        Self { jobs: (0..JOBS).map(fresh).collect() }
    }
}

impl Reference {
    pub fn apply(&mut self, step: &Step) -> Expected {
        match *step {
            Step::Claim { job, by } => self.jobs[job].claim(by),
            Step::Accept { job, by, attempt } => self.jobs[job].accept(by, attempt),
            Step::Complete { job, by, attempt } => self.jobs[job].complete(by, attempt),
            Step::Fail { job, by, attempt, retryable } => self.jobs[job].fail(by, attempt, retryable),
            Step::Lose { job, by, attempt } => self.jobs[job].lose(by, attempt),
            Step::GiveBack { job, by, attempt, how } => self.jobs[job].give_back(by, attempt, how),
            Step::Cancel { job } => self.jobs[job].cancel(),
            Step::Retry { job } => self.jobs[job].retry(),
        }
    }
}

impl Life {
    fn claim(&mut self, by: usize) -> Expected {
        if self.state != JobState::Queued {
            return Expected::Refused;
        }
        self.state = JobState::Offered;
        self.worker = Some(by);
        self.attempt += 1;
        Expected::Claimed(self.attempt)
    }

    fn accept(&mut self, by: usize, attempt: Option<u32>) -> Expected {
        if !matches!(self.standing(by, attempt), Standing::Current) {
            return Expected::Refused;
        }
        self.state = JobState::Running;
        Expected::Taken
    }

    fn complete(&mut self, by: usize, attempt: Option<u32>) -> Expected {
        match self.standing(by, attempt) {
            Standing::Current => {
                self.state = JobState::Done;
                Expected::Taken
            }
            Standing::Done => Expected::Again,
            Standing::Past => Expected::Stale,
            Standing::Never => Expected::NeverHeld,
        }
    }

    fn fail(&mut self, by: usize, attempt: Option<u32>, retryable: bool) -> Expected {
        match self.standing(by, attempt) {
            Standing::Current => {}
            Standing::Done | Standing::Past => return Expected::Stale,
            Standing::Never => return Expected::NeverHeld,
        }
        self.had.insert(by);
        self.failures += 1;
        if retryable && self.failures < MAX_ATTEMPTS {
            return self.requeue();
        }
        self.state = JobState::Failed;
        Expected::Ended
    }

    fn lose(&mut self, by: usize, attempt: Option<u32>) -> Expected {
        if !matches!(self.standing(by, attempt), Standing::Current) {
            return Expected::Refused;
        }
        self.had.insert(by);
        self.lost.push(by);
        if self.lost.len() >= 5 || self.lost.iter().collect::<BTreeSet<_>>().len() >= 2 {
            self.state = JobState::Quarantined;
            return Expected::Ended;
        }
        self.requeue()
    }

    fn give_back(&mut self, by: usize, attempt: Option<u32>, how: GiveBack) -> Expected {
        if !matches!(self.standing(by, attempt), Standing::Current) {
            return Expected::Refused;
        }
        if matches!(how, GiveBack::Released | GiveBack::Unanswered) {
            self.had.insert(by);
        }
        self.requeue()
    }

    fn cancel(&mut self) -> Expected {
        if !self.state.is_open() {
            return Expected::Refused;
        }
        let was_held = self.state.is_held();
        if let Some(worker) = self.worker {
            self.had.insert(worker);
        }
        self.state = JobState::Cancelled;
        Expected::Cancelled { was_held }
    }

    fn retry(&mut self) -> Expected {
        if self.state.is_open() || self.state == JobState::Done {
            return Expected::Refused;
        }
        self.failures = 0;
        self.lost.clear();
        self.requeue()
    }

    fn requeue(&mut self) -> Expected {
        self.state = JobState::Queued;
        self.worker = None;
        Expected::Requeued
    }

    fn standing(&self, by: usize, attempt: Option<u32>) -> Standing {
        if self.worker != Some(by) {
            return if self.had.contains(&by) { Standing::Past } else { Standing::Never };
        }
        if attempt.is_some_and(|number| number != self.attempt) {
            return Standing::Past;
        }
        match self.state {
            JobState::Offered | JobState::Running => Standing::Current,
            JobState::Done => Standing::Done,
            JobState::Queued | JobState::Failed | JobState::Cancelled | JobState::Quarantined => {
                Standing::Past
            }
        }
    }
}
