//! Offers, acceptances, and jobs that come back.

use studio_store::{AttemptOutcome, ClaimOutcome, GiveBack, GivenBack, JobState};

use crate::fixture::{Fixture, W1, W2};

pub fn a_job_is_claimed_once(f: &mut Fixture) {
    let job = f.submit("chat");
    let claimed = f.claim(&job, W1);
    assert_eq!((claimed.attempt, claimed.model.as_str()), (1, "chat"));
    assert_eq!(claimed.task_json, r#"{"kind":"llm"}"#);
    assert!(claimed.source_json.contains("synthetic"), "{}", claimed.source_json);
    let now = f.tick();
    assert_eq!(f.db.claim(&job, &W2.into(), now).unwrap(), ClaimOutcome::NotQueued);
    assert_eq!(f.db.claim(&"job-x".into(), &W2.into(), now).unwrap(), ClaimOutcome::NotQueued);
    assert_eq!(f.state(&job), JobState::Offered);
    assert_eq!(f.job(&job).worker, Some(W1.into()));
}

pub fn accepting_is_repeatable_and_only_for_the_current_claim(f: &mut Fixture) {
    let job = f.submit("chat");
    f.claim(&job, W1);
    let now = f.tick();
    assert!(!f.db.accept(&job, &W2.into(), Some(1), now).unwrap());
    assert!(!f.db.accept(&job, &W1.into(), Some(2), now).unwrap());
    assert_eq!(f.state(&job), JobState::Offered);
    assert!(f.db.accept(&job, &W1.into(), Some(1), now).unwrap());
    assert!(f.db.accept(&job, &W1.into(), None, now).unwrap());
    assert_eq!(f.job(&job).started_at, Some(now));
    f.complete(&job, W1, None);
    assert!(!f.db.accept(&job, &W1.into(), Some(1), now).unwrap());
    assert_eq!(f.state(&job), JobState::Done);
}

pub fn a_job_that_is_given_back_keeps_its_place_and_counts_nothing(f: &mut Fixture) {
    let (first, second) = (f.submit("chat"), f.submit("chat"));
    for how in [GiveBack::Rejected, GiveBack::Unanswered, GiveBack::NeverSent, GiveBack::Released] {
        f.claim(&first, W1);
        let GivenBack::Requeued(job) = f.give_back(&first, W1, how) else { panic!("{how:?}") };
        assert_eq!(job.id, first);
    }
    assert_eq!(f.give_back(&first, W1, GiveBack::Released), GivenBack::NotHeld);
    let shown = f.job(&first);
    assert_eq!((shown.state, shown.attempts, shown.worker), (JobState::Queued, 0, None));
    let waiting: Vec<_> = f.db.open_work().unwrap().0.into_iter().map(|job| job.id).collect();
    assert_eq!(waiting, [first.clone(), second]);
    // Numbers go on, so that a late word for an old claim is never taken for the new one.
    assert_eq!(f.claim(&first, W2).attempt, 5);
}

pub fn only_what_a_worker_may_answer_later_is_kept(f: &mut Fixture) {
    let job = f.submit("chat");
    for (how, worker) in [
        (GiveBack::Rejected, "w-rejects"),
        (GiveBack::NeverSent, "w-unsent"),
        (GiveBack::Released, "w-releases"),
        (GiveBack::Unanswered, "w-silent"),
    ] {
        f.claim(&job, worker);
        f.give_back(&job, worker, how);
    }
    let history: Vec<_> = f.detail(&job).history.into_iter().map(|a| (a.number, a.outcome)).collect();
    let expected = [(3, Some(AttemptOutcome::Released)), (4, Some(AttemptOutcome::Unanswered))];
    assert_eq!(history, expected);
    for (worker, had) in [("w-rejects", false), ("w-unsent", false), ("w-releases", true), ("w-silent", true)]
    {
        assert_eq!(f.db.attempt_of(&job, &worker.into()).unwrap(), had, "{worker}");
    }
}

pub fn open_work_is_what_a_scheduler_starts_with(f: &mut Fixture) {
    let (waits, offered, runs, done) =
        (f.submit("chat"), f.submit("paint"), f.submit("chat"), f.submit("chat"));
    f.claim(&offered, W1);
    f.start(&runs, W2);
    f.start(&done, W1);
    f.complete(&done, W1, None);
    let (waiting, held) = f.db.open_work().unwrap();
    assert_eq!(waiting.iter().map(|job| &job.id).collect::<Vec<_>>(), [&waits]);
    let held: Vec<_> = held.iter().map(|h| (&h.job.id, h.worker.as_str(), h.attempt, h.accepted)).collect();
    assert_eq!(held, [(&offered, W1, 1, false), (&runs, W2, 1, true)]);
}
