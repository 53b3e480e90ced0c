//! Random lives of a few jobs and workers, against a model of what the rules say.
//!
//! After each step: the outcome is the expected one, every job is where the model has it, attempt numbers only
//! grow, a result is there exactly for what is done, and all counts agree.

#![expect(clippy::unwrap_used, reason = "all of this is a test, its helpers included")]

#[path = "support/fixture.rs"]
mod fixture;
#[path = "support/reference.rs"]
mod reference;

use proptest::prelude::*;
use studio_store::{
    CancelOutcome, ClaimOutcome, CommitOutcome, Db, FailOutcome, GivenBack, JobState, LoseOutcome,
    StateCounts,
};

use fixture::{Fixture, at};
use reference::{Expected, JOBS, Reference, Step, WORKERS, steps};

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn every_life_follows_the_rules(steps in steps()) {
        let mut f = Fixture::new(Db::open_in_memory().unwrap());
        let (batch, jobs) = f.submit_batch("batch-1", "chat", JOBS);
        let mut reference = Reference::default();
        for (number, step) in steps.iter().enumerate() {
            let before: Vec<_> = reference.jobs.iter().map(|job| job.attempt).collect();
            let expected = reference.apply(step);
            let got = apply(&mut f.db, step, &jobs, i64::try_from(number).unwrap() + 10_000);
            prop_assert_eq!(got, expected, "step {}: {:?}", number, step);
            check(&f, &jobs, &reference)?;
            let after: Vec<_> = reference.jobs.iter().map(|job| job.attempt).collect();
            prop_assert!(before.iter().zip(&after).all(|(before, after)| before <= after));
        }
        let counts = count(&reference);
        prop_assert_eq!(f.db.counts().unwrap(), counts);
        let shown = f.db.batch(&batch).unwrap();
        prop_assert_eq!(shown.counts, counts);
        prop_assert_eq!(shown.finished_at.is_some(), counts.open() == 0);
        prop_assert_eq!(f.db.integrity_check().unwrap(), Vec::<String>::new());
    }
}

fn apply(db: &mut Db, step: &Step, jobs: &[studio_protocol::JobId], now: i64) -> Expected {
    let now = at(now);
    let worker = |worker: usize| WORKERS[worker].into();
    match *step {
        Step::Claim { job, by } => match db.claim(&jobs[job], &worker(by), now).unwrap() {
            ClaimOutcome::Claimed(claimed) => Expected::Claimed(claimed.attempt),
            ClaimOutcome::NotQueued => Expected::Refused,
        },
        Step::Accept { job, by, attempt } => {
            if db.accept(&jobs[job], &worker(by), attempt, now).unwrap() {
                Expected::Taken
            } else {
                Expected::Refused
            }
        }
        Step::Complete { job, by, attempt } => {
            match db.complete_json(&jobs[job], &worker(by), attempt, "{}", None, now).unwrap() {
                CommitOutcome::Committed => Expected::Taken,
                CommitOutcome::Again => Expected::Again,
                CommitOutcome::Stale => Expected::Stale,
                CommitOutcome::NeverHeld => Expected::NeverHeld,
            }
        }
        Step::Fail { job, by, attempt, retryable } => {
            match db.fail(&jobs[job], &worker(by), attempt, "no", retryable, now).unwrap() {
                FailOutcome::Requeued(_) => Expected::Requeued,
                FailOutcome::Failed => Expected::Ended,
                FailOutcome::Stale => Expected::Stale,
                FailOutcome::NeverHeld => Expected::NeverHeld,
            }
        }
        Step::Lose { job, by, attempt } => {
            match db.lose(&jobs[job], &worker(by), attempt, "gone", now).unwrap() {
                LoseOutcome::Requeued(_) => Expected::Requeued,
                LoseOutcome::Quarantined => Expected::Ended,
                LoseOutcome::NotHeld => Expected::Refused,
            }
        }
        Step::GiveBack { job, by, attempt, how } => {
            match db.give_back(&jobs[job], &worker(by), attempt, how, "no", now).unwrap() {
                GivenBack::Requeued(_) => Expected::Requeued,
                GivenBack::NotHeld => Expected::Refused,
            }
        }
        Step::Cancel { job } => match db.cancel(&jobs[job], "enough", now).unwrap() {
            CancelOutcome::Cancelled { held } => Expected::Cancelled { was_held: held.is_some() },
            CancelOutcome::AlreadyEnded(_) | CancelOutcome::NotFound => Expected::Refused,
        },
        Step::Retry { job } => match db.retry(&jobs[job], now) {
            Ok(_) => Expected::Requeued,
            Err(_) => Expected::Refused,
        },
    }
}

fn check(f: &Fixture, jobs: &[studio_protocol::JobId], reference: &Reference) -> Result<(), TestCaseError> {
    let (waiting, held) = f.db.open_work().unwrap();
    for (id, expected) in jobs.iter().zip(&reference.jobs) {
        let shown = f.detail(id);
        prop_assert_eq!(shown.job.state, expected.state);
        prop_assert_eq!(shown.result_json.is_some(), expected.state == JobState::Done);
        let claims: Vec<_> = held.iter().filter(|claim| claim.job.id == *id).collect();
        prop_assert_eq!(claims.len(), usize::from(expected.state.is_held()));
        for claim in claims {
            prop_assert_eq!(claim.attempt, expected.attempt);
            prop_assert_eq!(Some(claim.worker.as_str()), expected.worker.map(|worker| WORKERS[worker]));
        }
        let waits = waiting.iter().any(|job| job.id == *id);
        prop_assert_eq!(waits, expected.state == JobState::Queued);
        prop_assert!(shown.history.is_sorted_by(|a, b| a.number < b.number));
        let done = shown.history.iter().filter(|a| a.outcome.is_some_and(|o| o.as_str() == "done")).count();
        prop_assert_eq!(done, usize::from(expected.state == JobState::Done));
    }
    prop_assert_eq!(f.db.counts().unwrap(), count(reference));
    prop_assert_eq!(f.db.project(&"p".into()).unwrap().counts, count(reference));
    Ok(())
}

fn count(reference: &Reference) -> StateCounts {
    let of = |state| reference.jobs.iter().filter(|job| job.state == state).count() as u64;
    StateCounts {
        queued: of(JobState::Queued),
        offered: of(JobState::Offered),
        running: of(JobState::Running),
        done: of(JobState::Done),
        failed: of(JobState::Failed),
        cancelled: of(JobState::Cancelled),
        quarantined: of(JobState::Quarantined),
    }
}
