//! Workers that vanish with a job.

use studio_store::{AttemptOutcome, CommitOutcome, JobState, LoseOutcome};

use crate::fixture::{Fixture, W1, W2};

pub fn a_lost_job_waits_again(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    assert_eq!(f.lose(&job, W2, 1), LoseOutcome::NotHeld);
    assert_eq!(f.lose(&job, W1, 2), LoseOutcome::NotHeld);
    assert!(matches!(f.lose(&job, W1, 1), LoseOutcome::Requeued(_)));
    assert_eq!(f.lose(&job, W1, 1), LoseOutcome::NotHeld);
    let shown = f.detail(&job);
    // A loss is not the job's failure.
    assert_eq!((shown.job.state, shown.job.attempts), (JobState::Queued, 0));
    assert_eq!(shown.history[0].outcome, Some(AttemptOutcome::Lost));
    assert_eq!(f.complete(&job, W1, Some(1)), CommitOutcome::Stale);
}

pub fn two_lost_workers_quarantine_it_with_both_reasons(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    f.lose(&job, W1, 1);
    f.start(&job, W2);
    assert_eq!(f.lose(&job, W2, 2), LoseOutcome::Quarantined);
    let shown = f.job(&job);
    assert_eq!(shown.state, JobState::Quarantined);
    let error = shown.error.unwrap();
    assert!(error.contains("w-1 vanished") && error.contains("w-2 vanished"), "{error}");
    assert!(shown.finished_at.is_some());
}

pub fn one_worker_may_lose_it_a_few_times(f: &mut Fixture) {
    let job = f.submit("chat");
    for number in 1..5 {
        f.start(&job, W1);
        assert!(matches!(f.lose(&job, W1, number), LoseOutcome::Requeued(_)), "{number}");
    }
    f.start(&job, W1);
    assert_eq!(f.lose(&job, W1, 5), LoseOutcome::Quarantined);
}

pub fn a_retry_wipes_the_slate(f: &mut Fixture) {
    let job = f.submit("chat");
    for (worker, number) in [(W1, 1), (W2, 2)] {
        f.start(&job, worker);
        f.lose(&job, worker, number);
    }
    let now = f.tick();
    assert_eq!(f.db.retry(&job, now).unwrap().id, job);
    let shown = f.job(&job);
    assert_eq!((shown.state, shown.error, shown.finished_at), (JobState::Queued, None, None));
    assert_eq!(f.start(&job, W1), 3);
    assert!(matches!(f.lose(&job, W1, 3), LoseOutcome::Requeued(_)));
    assert_eq!(f.detail(&job).history.len(), 3);
}
