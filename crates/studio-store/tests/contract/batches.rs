//! Batches.

use studio_store::{CancelOutcome, StateCounts, StoreError};

use crate::fixture::{Fixture, W1, W2};

pub fn counts_follow_the_jobs(f: &mut Fixture) {
    let (batch, jobs) = f.submit_batch("batch-1", "chat", 7);
    f.submit("chat");
    f.claim(&jobs[1], W1);
    f.start(&jobs[2], W1);
    f.start(&jobs[3], W1);
    f.complete(&jobs[3], W1, None);
    f.start(&jobs[4], W1);
    f.fail(&jobs[4], W1, None, false);
    let now = f.tick();
    f.db.cancel(&jobs[5], "", now).unwrap();
    f.start(&jobs[6], W1);
    f.lose(&jobs[6], W1, 1);
    f.start(&jobs[6], W2);
    f.lose(&jobs[6], W2, 2);
    let one_each =
        StateCounts { queued: 1, offered: 1, running: 1, done: 1, failed: 1, cancelled: 1, quarantined: 1 };
    let shown = f.db.batch(&batch).unwrap();
    assert_eq!((shown.counts, shown.total, shown.finished_at), (one_each, 7, None));
    assert_eq!(shown.name.as_deref(), Some("the batch-1"));
    assert_eq!(f.db.counts().unwrap(), StateCounts { queued: 2, ..one_each });
}

pub fn the_end_of_a_batch_is_the_end_of_its_last_job(f: &mut Fixture) {
    let (batch, jobs) = f.submit_batch("batch-1", "chat", 2);
    for job in &jobs {
        assert_eq!(f.db.batch(&batch).unwrap().finished_at, None);
        f.start(job, W1);
        f.fail(job, W1, None, false);
    }
    assert_eq!(f.db.batch(&batch).unwrap().finished_at, f.job(&jobs[1]).finished_at);
    let now = f.tick();
    f.db.retry(&jobs[0], now).unwrap();
    assert_eq!(f.db.batch(&batch).unwrap().finished_at, None);
}

pub fn a_batch_is_cancelled_and_retried_as_a_whole(f: &mut Fixture) {
    let (batch, jobs) = f.submit_batch("batch-1", "chat", 3);
    f.start(&jobs[0], W1);
    f.complete(&jobs[0], W1, None);
    f.start(&jobs[1], W2);
    let now = f.tick();
    let cancelled = f.db.cancel_batch(&batch, "enough", now).unwrap();
    let expected = [
        (jobs[1].clone(), CancelOutcome::Cancelled { held: Some((W2.into(), 1)) }),
        (jobs[2].clone(), CancelOutcome::Cancelled { held: None }),
    ];
    assert_eq!(cancelled, expected);
    assert!(f.db.batch(&batch).unwrap().finished_at.is_some());
    let again: Vec<_> = f.db.retry_batch(&batch, now).unwrap().into_iter().map(|job| job.id).collect();
    assert_eq!(again, jobs[1..]);
    for error in [
        f.db.cancel_batch(&"batch-x".into(), "", now).unwrap_err(),
        f.db.retry_batch(&"batch-x".into(), now).unwrap_err(),
        f.db.batch(&"batch-x".into()).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::NotFound { what: "batch", .. }), "{error:?}");
    }
}

pub fn batches_are_listed_newest_first(f: &mut Fixture) {
    for number in 1..=3 {
        f.submit_batch(&format!("batch-{number}"), "chat", 1);
    }
    for project in [None, Some("p".into())] {
        let page = f.db.batches(project.as_ref(), None, 2).unwrap();
        let ids: Vec<_> = page.items.iter().map(|batch| batch.id.as_str()).collect();
        assert_eq!(ids, ["batch-3", "batch-2"]);
        let rest = f.db.batches(project.as_ref(), page.next_cursor, 2).unwrap();
        assert_eq!((rest.items.len(), rest.next_cursor), (1, None));
    }
    assert_eq!(f.db.batches(Some(&"other".into()), None, 2).unwrap().items, []);
}
