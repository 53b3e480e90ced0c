//! Groups: what fails fails alone, what cannot be committed is not there, and answers come in order.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tempfile::TempDir;

use super::Store;
use crate::{Db, Result, StoreError};

const LIMIT: Duration = Duration::from_secs(20);

struct Opened {
    _folder: TempDir,
    path: PathBuf,
    store: Store,
}

fn open() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let store = Store::open(&path).unwrap();
    Opened { _folder: folder, path, store }
}

/// Keeps the writer busy until the answer is dropped, so that what is queued meanwhile becomes one group.
fn hold(store: &Store) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    store.write_then(
        move |_| {
            started.send(()).unwrap();
            let _ = released.recv_timeout(LIMIT);
            Ok(())
        },
        |_| {},
    );
    running.recv_timeout(LIMIT).unwrap();
    release
}

fn set(store: &Store, key: &'static str, answers: &mpsc::Sender<(&'static str, Result<()>)>) {
    let answers = answers.clone();
    store
        .write_then(move |db| db.set_meta(key, "here"), move |outcome| answers.send((key, outcome)).unwrap());
}

fn spoil(
    store: &Store,
    answers: &mpsc::Sender<(&'static str, Result<()>)>,
    op: impl FnOnce(&mut Db) -> Result<()> + Send + 'static,
) {
    let answers = answers.clone();
    store.write_then(op, move |outcome| answers.send(("spoiled", outcome)).unwrap());
}

async fn is_there(store: &Store, key: &'static str) -> bool {
    store.read(move |db| db.meta(key)).await.unwrap().is_some()
}

#[tokio::test]
async fn an_operation_that_fails_takes_only_its_own_changes_along() {
    let Opened { store, _folder, .. } = open();
    let (answers, answered) = mpsc::channel();
    let held = hold(&store);
    set(&store, "before", &answers);
    spoil(&store, &answers, |db| {
        db.set_meta("inside", "here")?;
        Err(StoreError::invalid("x", "no"))
    });
    spoil(&store, &answers, |db| {
        db.atomically(|db| {
            db.set_meta("inside", "here")?;
            panic!("in the middle of two savepoints")
        })
    });
    set(&store, "after", &answers);
    drop(held);
    let outcomes: Vec<_> = (0..4).map(|_| answered.recv_timeout(LIMIT).unwrap()).collect();
    let names: Vec<_> = outcomes.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["before", "spoiled", "spoiled", "after"], "answers come in the order of calls");
    assert!(matches!(outcomes[1].1, Err(StoreError::Invalid { .. })));
    assert!(matches!(outcomes[2].1, Err(StoreError::Panicked)));
    for (key, there) in [("before", true), ("inside", false), ("after", true)] {
        assert_eq!(is_there(&store, key).await, there, "{key}");
    }
}

#[tokio::test]
async fn an_operation_that_goes_on_after_a_failed_part_is_undone_as_a_whole() {
    let Opened { store, _folder, .. } = open();
    let (answers, answered) = mpsc::channel();
    let held = hold(&store);
    spoil(&store, &answers, |db| {
        let part: Result<()> = db.atomically(|db| {
            db.set_meta("half", "here")?;
            Err(StoreError::invalid("x", "no"))
        });
        assert!(part.is_err());
        db.atomically(|db| db.set_meta("rest", "here"))
    });
    set(&store, "after", &answers);
    drop(held);
    let outcomes: Vec<_> = (0..2).map(|_| answered.recv_timeout(LIMIT).unwrap().1).collect();
    assert!(matches!(outcomes[0], Err(StoreError::Invalid { .. })));
    assert!(outcomes[1].is_ok());
    for (key, there) in [("half", false), ("rest", false), ("after", true)] {
        assert_eq!(is_there(&store, key).await, there, "{key}");
    }
}

#[tokio::test]
async fn what_cannot_be_committed_is_refused_as_a_whole() {
    let Opened { store, _folder, .. } = open();
    let (answers, answered) = mpsc::channel();
    set(&store, "acknowledged", &answers);
    answered.recv_timeout(LIMIT).unwrap().1.unwrap();
    let held = hold(&store);
    set(&store, "before", &answers);
    spoil(&store, &answers, |db| {
        // Checked at the commit only.
        db.run("PRAGMA defer_foreign_keys = ON")?;
        db.run("INSERT INTO results (job, json) VALUES (4711, '{}')")
    });
    set(&store, "after", &answers);
    drop(held);
    for _ in 0..3 {
        let (name, outcome) = answered.recv_timeout(LIMIT).unwrap();
        assert!(matches!(outcome, Err(StoreError::Sqlite(_))), "{name}: {outcome:?}");
    }
    set(&store, "later", &answers);
    answered.recv_timeout(LIMIT).unwrap().1.unwrap();
    for (key, there) in [("acknowledged", true), ("before", false), ("after", false), ("later", true)] {
        assert_eq!(is_there(&store, key).await, there, "{key}");
    }
}

#[tokio::test]
async fn a_full_disk_is_named_and_loses_nothing_that_was_acknowledged() {
    let Opened { store, path, _folder } = open();
    store.write(|db| db.set_meta("acknowledged", "here")).await.unwrap();
    let pages =
        |db: &Db, name: &str| -> i64 { db.conn.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    store
        .write(move |db| {
            let limit = pages(db, "page_count") + 2;
            db.conn.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |_| Ok(()))?;
            Ok(())
        })
        .await
        .unwrap();
    let big = |db: &mut Db| db.set_meta("big", &"x".repeat(100_000));
    assert!(matches!(store.write(big).await, Err(StoreError::Full)));
    // Room again: the store goes on by itself.
    store
        .write(|db| Ok(db.conn.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(()))?))
        .await
        .unwrap();
    store.write(big).await.unwrap();
    store.close().await;
    let store = Store::open(&path).unwrap();
    assert!(is_there(&store, "acknowledged").await && is_there(&store, "big").await);
    assert_eq!(store.read(Db::integrity_check).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn closing_finishes_what_was_queued_and_refuses_the_rest() {
    let Opened { store, path, _folder } = open();
    let answers = Arc::new(Mutex::new(0));
    for number in 0..500 {
        let answers = answers.clone();
        store.write_then(
            move |db| db.set_meta(&format!("key {number}"), "here"),
            move |outcome| {
                outcome.unwrap();
                *answers.lock().unwrap() += 1;
            },
        );
    }
    let other = store.clone();
    store.close().await;
    assert_eq!(*answers.lock().unwrap(), 500);
    assert!(matches!(other.write(|db| db.set_meta("k", "v")).await, Err(StoreError::Closed)));
    assert!(matches!(other.read(Db::counts).await, Err(StoreError::Closed)));
    let (refused, refusal) = mpsc::channel();
    other.write_then(|_| Ok(()), move |outcome| refused.send(outcome).unwrap());
    assert!(matches!(refusal.recv_timeout(LIMIT).unwrap(), Err(StoreError::Closed)));
    assert!(is_there(&Store::open(&path).unwrap(), "key 499").await);
}

#[tokio::test]
async fn a_receiver_that_panics_does_not_stop_the_writer() {
    let Opened { store, _folder, .. } = open();
    store.write_then(|db| db.set_meta("a", "here"), |_| panic!("not my day"));
    store.write(|db| db.set_meta("b", "here")).await.unwrap();
    assert!(is_there(&store, "a").await);
    let failed: Result<()> = store.read(|_| panic!("nor mine")).await;
    assert!(matches!(failed, Err(StoreError::Panicked)));
    assert!(is_there(&store, "b").await);
}

#[tokio::test]
async fn a_read_sees_one_moment() {
    let Opened { store, _folder, .. } = open();
    let (looked, first_look) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let reader = store.clone();
    let read = reader.read(move |db| {
        let before = db.meta("k")?;
        looked.send(()).unwrap();
        may_go_on.recv_timeout(LIMIT).unwrap();
        Ok((before, db.meta("k")?))
    });
    let write = async {
        let wait = tokio::task::spawn_blocking(move || first_look.recv_timeout(LIMIT).unwrap());
        wait.await.unwrap();
        store.write(|db| db.set_meta("k", "here")).await.unwrap();
        go_on.send(()).unwrap();
    };
    let (read, ()) = tokio::join!(read, write);
    assert_eq!(read.unwrap(), (None, None));
    assert!(is_there(&store, "k").await);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let Opened { store, _folder, .. } = open();
    let refused = store.read(|db| db.run("INSERT INTO meta (key, value) VALUES ('k', 'v')")).await;
    assert!(matches!(refused, Err(StoreError::Sqlite(_))), "{refused:?}");
}
