//! Results and failures.

use studio_store::{AttemptOutcome, CommitOutcome, FailOutcome, GiveBack, JobState, StoreError};

use crate::fixture::{Fixture, W1, W2};

pub fn a_result_is_committed_once(f: &mut Fixture) {
    let job = f.submit("chat");
    let attempt = f.start(&job, W1);
    assert_eq!(f.complete(&job, W1, Some(attempt)), CommitOutcome::Committed);
    let now = f.tick();
    let again = f.db.complete_json(&job, &W1.into(), Some(attempt), r#"{"other":1}"#, None, now).unwrap();
    assert_eq!(again, CommitOutcome::Again);
    assert_eq!(f.complete(&job, W1, None), CommitOutcome::Again);
    let result = f.db.result_json(&job).unwrap().unwrap();
    assert_eq!((result.json.as_str(), result.prompt.as_deref()), (r#"{"ok":true}"#, Some("hi")));
    let shown = f.job(&job);
    assert_eq!((shown.state, shown.attempts, shown.worker), (JobState::Done, 1, Some(W1.into())));
    assert!(shown.finished_at > shown.started_at);
}

pub fn a_result_may_overtake_its_acceptance(f: &mut Fixture) {
    let job = f.submit("chat");
    f.claim(&job, W1);
    assert_eq!(f.complete(&job, W1, Some(1)), CommitOutcome::Committed);
    assert!(f.job(&job).started_at.is_some());
}

pub fn a_late_result_changes_nothing(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    f.give_back(&job, W1, GiveBack::Released);
    assert_eq!(f.complete(&job, W1, Some(1)), CommitOutcome::Stale);
    f.start(&job, W2);
    assert_eq!(f.complete(&job, W1, Some(1)), CommitOutcome::Stale);
    assert_eq!(f.complete(&job, W1, None), CommitOutcome::Stale);
    assert_eq!(f.fail(&job, W1, Some(1), true), FailOutcome::Stale);
    // The same worker, by an attempt that is over.
    assert_eq!(f.complete(&job, W2, Some(1)), CommitOutcome::Stale);
    assert_eq!((f.state(&job), f.db.result_json(&job).unwrap()), (JobState::Running, None));
    assert_eq!(f.complete(&job, W2, Some(2)), CommitOutcome::Committed);
    assert_eq!(f.complete(&job, W1, Some(1)), CommitOutcome::Stale);
}

pub fn a_stranger_never_held_it(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    assert_eq!(f.complete(&job, W2, None), CommitOutcome::NeverHeld);
    assert_eq!(f.complete(&"job-x".into(), W1, None), CommitOutcome::NeverHeld);
    assert_eq!(f.fail(&job, W2, Some(1), false), FailOutcome::NeverHeld);
    assert_eq!(f.state(&job), JobState::Running);
}

pub fn without_an_attempt_the_current_claim_is_meant(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    f.give_back(&job, W1, GiveBack::Released);
    f.start(&job, W1);
    assert_eq!(f.complete(&job, W1, None), CommitOutcome::Committed);
}

pub fn results_come_in_the_form_of_their_kind(f: &mut Fixture) {
    let (picture, chat) = (f.submit("paint"), f.submit("chat"));
    f.start(&picture, W1);
    f.start(&chat, W2);
    let now = f.tick();
    let error = f.db.complete_json(&picture, &W1.into(), None, "{}", None, now).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { field: "result", .. }), "{error:?}");
    let error = f.upload(&chat, W2, None, "art-1").unwrap_err();
    assert!(matches!(error, StoreError::Invalid { field: "image", .. }), "{error:?}");
    assert_eq!((f.state(&picture), f.state(&chat)), (JobState::Running, JobState::Running));
}

pub fn a_retryable_failure_is_tried_again_until_the_attempts_are_spent(f: &mut Fixture) {
    let job = f.submit("chat");
    for number in 1..=2 {
        let attempt = f.start(&job, W1);
        assert_eq!(attempt, number);
        assert!(matches!(f.fail(&job, W1, Some(attempt), true), FailOutcome::Requeued(_)));
        let shown = f.job(&job);
        assert_eq!((shown.state, shown.attempts), (JobState::Queued, number));
        assert_eq!(shown.error.as_deref(), Some("the engine fell over"));
    }
    f.start(&job, W1);
    assert_eq!(f.fail(&job, W1, Some(3), true), FailOutcome::Failed);
    let shown = f.detail(&job);
    assert_eq!((shown.job.state, shown.job.attempts), (JobState::Failed, 3));
    assert!(shown.history.iter().all(|a| a.outcome == Some(AttemptOutcome::Failed) && a.error.is_some()));
}

pub fn a_failure_for_good_ends_at_once(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    assert_eq!(f.fail(&job, W1, None, false), FailOutcome::Failed);
    let shown = f.job(&job);
    assert_eq!((shown.state, shown.attempts, shown.worker), (JobState::Failed, 1, Some(W1.into())));
    assert!(shown.finished_at.is_some());
}

pub fn a_failure_that_is_reported_twice_counts_once(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    f.fail(&job, W1, Some(1), true);
    assert_eq!(f.fail(&job, W1, Some(1), true), FailOutcome::Stale);
    assert_eq!(f.job(&job).attempts, 1);
}

pub fn a_long_error_is_cut(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    let now = f.tick();
    f.db.fail(&job, &W1.into(), None, &"ä".repeat(100_000), false, now).unwrap();
    let error = f.job(&job).error.unwrap();
    assert!(error.ends_with('…') && error.chars().count() < 5_000, "{}", error.len());
}
