//! What operators do to jobs.

use studio_store::{AttemptOutcome, CancelOutcome, CommitOutcome, FailOutcome, JobState, StoreError};

use crate::fixture::{Fixture, W1, at};

pub fn a_waiting_job_is_cancelled(f: &mut Fixture) {
    let job = f.submit("chat");
    let now = f.tick();
    assert_eq!(f.db.cancel(&job, "not needed", now).unwrap(), CancelOutcome::Cancelled { held: None });
    let shown = f.detail(&job);
    assert_eq!((shown.job.state, shown.job.error.as_deref()), (JobState::Cancelled, Some("not needed")));
    assert_eq!(shown.history, []);
    assert_eq!(f.db.cancel(&"job-x".into(), "", now).unwrap(), CancelOutcome::NotFound);
}

pub fn a_held_job_tells_who_must_stop(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    let now = f.tick();
    let outcome = f.db.cancel(&job, "not needed", now).unwrap();
    assert_eq!(outcome, CancelOutcome::Cancelled { held: Some((W1.into(), 1)) });
    assert_eq!(f.detail(&job).history[0].outcome, Some(AttemptOutcome::Cancelled));
    // The worker's late word is known as such.
    assert_eq!(f.complete(&job, W1, Some(1)), CommitOutcome::Stale);
    assert_eq!(f.fail(&job, W1, None, false), FailOutcome::Stale);
    assert_eq!(f.state(&job), JobState::Cancelled);
}

pub fn what_ended_stays_ended(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    f.complete(&job, W1, None);
    let now = f.tick();
    assert_eq!(f.db.cancel(&job, "", now).unwrap(), CancelOutcome::AlreadyEnded(JobState::Done));
    assert_eq!(f.state(&job), JobState::Done);
}

pub fn only_jobs_without_a_result_are_retried(f: &mut Fixture) {
    let (waits, done, cancelled) = (f.submit("chat"), f.submit("chat"), f.submit("chat"));
    f.start(&done, W1);
    f.complete(&done, W1, None);
    let now = f.tick();
    f.db.cancel(&cancelled, "", now).unwrap();
    for job in [&waits, &done] {
        assert!(matches!(f.db.retry(job, now), Err(StoreError::Conflict { .. })), "{job}");
    }
    assert!(matches!(f.db.retry(&"job-x".into(), now), Err(StoreError::NotFound { what: "job", .. })));
    f.db.retry(&cancelled, now).unwrap();
    f.start(&cancelled, W1);
    assert_eq!(f.complete(&cancelled, W1, Some(1)), CommitOutcome::Committed);
}

pub fn a_retry_needs_its_model(f: &mut Fixture) {
    let job = f.submit("chat");
    let now = f.tick();
    f.db.cancel(&job, "", now).unwrap();
    f.db.set_model_enabled("chat", false, at(1)).unwrap();
    let error = f.db.retry(&job, now).unwrap_err();
    assert!(error.to_string().contains("chat"), "{error}");
    f.db.remove_model("chat").unwrap();
    assert!(matches!(f.db.retry(&job, now), Err(StoreError::Conflict { .. })));
    assert_eq!(f.state(&job), JobState::Cancelled);
}

pub fn priority_changes_while_a_job_is_open(f: &mut Fixture) {
    let (waits, runs, done) = (f.submit("chat"), f.submit("chat"), f.submit("chat"));
    f.start(&runs, W1);
    f.start(&done, W1);
    f.complete(&done, W1, None);
    assert_eq!(f.db.set_priority(&waits, 7).unwrap().unwrap().priority, 7);
    assert_eq!(f.db.set_priority(&runs, 8).unwrap(), None);
    assert_eq!((f.job(&waits).priority, f.job(&runs).priority), (7, 8));
    assert!(matches!(f.db.set_priority(&done, 1), Err(StoreError::Conflict { .. })));
    assert!(matches!(f.db.set_priority(&"job-x".into(), 1), Err(StoreError::NotFound { .. })));
}
