//! Workers.

use studio_store::{AttemptOutcome, CommitOutcome, JobState, StoreError};

use crate::fixture::{Fixture, W1, W2, at};

pub fn a_removed_worker_gives_its_jobs_back(f: &mut Fixture) {
    let worker = f.join(W1);
    let (offered, runs, elsewhere) = (f.submit("chat"), f.submit("chat"), f.submit("chat"));
    f.claim(&offered, W1);
    f.start(&runs, W1);
    f.start(&elsewhere, W2);
    let now = f.tick();
    f.db.touch_workers(&[(worker.clone(), None)], now).unwrap();
    let requeued: Vec<_> = f.db.remove_worker(&worker, now).unwrap().into_iter().map(|job| job.id).collect();
    assert_eq!(requeued, [offered, runs.clone()]);
    assert_eq!(f.db.worker(&worker).unwrap(), None);
    assert_eq!((f.job(&runs).attempts, f.state(&elsewhere)), (0, JobState::Running));
    assert_eq!(f.detail(&runs).history[0].outcome, Some(AttemptOutcome::Released));
    assert_eq!(f.complete(&runs, W1, Some(1)), CommitOutcome::Stale);
    let error = f.db.remove_worker(&worker, now).unwrap_err();
    assert!(matches!(error, StoreError::NotFound { what: "worker", .. }), "{error:?}");
}

pub fn what_is_heard_of_a_worker_is_kept(f: &mut Fixture) {
    let (first, second) = (f.join(W1), f.join(W2));
    assert_eq!(f.db.worker(&first).unwrap().unwrap().last_seen_at, None);
    let seen = [(first.clone(), None), (second.clone(), Some("{\"a\":1}".to_owned())), ("w-x".into(), None)];
    f.db.touch_workers(&seen, at(5_000)).unwrap();
    f.db.touch_workers(&seen[..1], at(6_000)).unwrap();
    let workers = f.db.workers().unwrap();
    assert_eq!(workers.len(), 2);
    let of = |id| workers.iter().find(|worker| worker.id == id).unwrap();
    assert_eq!(of(first).last_seen_at, Some(at(6_000)));
    let second = of(second);
    assert_eq!((second.last_seen_at, second.capabilities_json.as_str()), (Some(at(5_000)), "{\"a\":1}"));
}

pub fn a_worker_is_renamed_and_paused(f: &mut Fixture) {
    let worker = f.join(W1);
    assert_eq!(f.db.worker(&worker).unwrap().unwrap().name, "attic");
    assert_eq!(f.db.rename_worker(&worker, " cellar ").unwrap().name, "cellar");
    assert!(matches!(f.db.rename_worker(&worker, " "), Err(StoreError::Invalid { field: "name", .. })));
    assert!(f.db.set_worker_paused(&worker, true).unwrap().paused);
    assert!(!f.db.set_worker_paused(&worker, false).unwrap().paused);
    assert!(matches!(f.db.set_worker_paused(&"w-x".into(), true), Err(StoreError::NotFound { .. })));
    assert!(matches!(f.db.rename_worker(&"w-x".into(), "y"), Err(StoreError::NotFound { .. })));
}
