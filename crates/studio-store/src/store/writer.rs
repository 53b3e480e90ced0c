//! The writer thread: operations in groups, one commit for each group.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::queue::{Group, Op, Queue};
use crate::db::Db;
use crate::{Result, StoreError};

/// Operations of one commit: more gain nothing, an fsync is shared well enough by then.
const MAX_GROUP: usize = 1_024;
/// How long a group may take to gather, so that a small operation does not wait behind many large ones.
const MAX_GROUP_TIME: Duration = Duration::from_millis(20);

pub(super) fn start(db: Db, queue: Arc<Queue>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("store-writer".to_owned()).spawn(move || run(db, &queue))
}

fn run(mut db: Db, queue: &Queue) {
    let mut waiting = VecDeque::new();
    while queue.take(&mut waiting) {
        while !waiting.is_empty() {
            let began = Instant::now();
            let (group, outcome) = run_group(&mut db, &mut waiting);
            queue.tell(&Group { operations: group.len(), took: began.elapsed(), stands: outcome.is_ok() });
            for op in group {
                op.answer(outcome.clone());
            }
        }
    }
    // A start finds one whole file, and a copy of it is a copy of everything.
    if let Err(error) = db.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be emptied; the next start will read it");
    }
}

/// Runs operations from the front of `waiting` in one transaction; gives them back with what became of it.
fn run_group(db: &mut Db, waiting: &mut VecDeque<Box<dyn Op>>) -> (Vec<Box<dyn Op>>, Result<()>) {
    let mut group = Vec::with_capacity(waiting.len().min(MAX_GROUP));
    // What was left by a transaction that came to nothing.
    db.tally.undo(0);
    if let Err(error) = db.run("BEGIN IMMEDIATE") {
        group.extend(waiting.drain(..));
        return (group, Err(error));
    }
    let began = Instant::now();
    while group.len() < MAX_GROUP && began.elapsed() < MAX_GROUP_TIME {
        let Some(mut op) = waiting.pop_front() else { break };
        let outcome = op.run(db);
        group.push(op);
        if db.conn.is_autocommit() {
            // SQLite gave the transaction up: those before are undone as well.
            return (group, outcome.and(Err(StoreError::Busy)));
        }
    }
    (group, commit(db))
}

fn commit(db: &mut Db) -> Result<()> {
    let committed = db.settle().and_then(|()| db.run("COMMIT"));
    if let Err(error) = &committed {
        tracing::error!(%error, "a group of database operations could not be committed; all of it was undone");
        if !db.conn.is_autocommit() {
            db.run("ROLLBACK")?;
        }
    }
    committed
}
