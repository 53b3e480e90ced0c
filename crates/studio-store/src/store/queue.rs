//! Operations that wait for the writer.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::db::Db;
use crate::{Result, StoreError};

/// Operations in all: far more than what every session of a large fleet has under way. Beyond it they are refused,
/// because a queue that never stops growing only hides that the disk cannot keep up.
const MAX_QUEUED: usize = 65_536;

/// An operation on its way: queued, then run, then answered.
pub(super) trait Op: Send {
    /// Runs it inside of the group's transaction; says what went wrong.
    fn run(&mut self, db: &mut Db) -> Result<()>;
    /// Answers its caller; `group` is what became of the commit.
    fn answer(self: Box<Self>, group: Result<()>);
}

/// Operations that were committed together, or undone together.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// How many.
    pub operations: usize,
    /// From the begin of the first to the end of the commit.
    pub took: Duration,
    /// Whether they stand.
    pub stands: bool,
}

type Listener = Box<dyn Fn(&Group) + Send + Sync>;

/// The operations, in the order in which they came.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    listener: OnceLock<Listener>,
}

#[derive(Default)]
struct State {
    ops: VecDeque<Box<dyn Op>>,
    closed: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("ops", &self.lock().ops.len()).finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn push(&self, op: Box<dyn Op>) {
        let mut state = self.lock();
        let refusal = if state.closed {
            StoreError::Closed
        } else if state.ops.len() >= MAX_QUEUED {
            StoreError::Busy
        } else {
            state.ops.push_back(op);
            // The writer sleeps only while the queue is empty.
            if state.ops.len() == 1 {
                self.filled.notify_one();
            }
            return;
        };
        drop(state);
        op.answer(Err(refusal));
    }

    /// Moves what waits to `group`; waits for it when there is nothing. False when nothing will come any more.
    pub(super) fn take(&self, group: &mut VecDeque<Box<dyn Op>>) -> bool {
        let mut state = self.lock();
        while state.ops.is_empty() && !state.closed {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.ops, group);
        !group.is_empty()
    }

    /// Tells who listens of a group, on the writer thread.
    pub(super) fn tell(&self, group: &Group) {
        if let Some(listener) = self.listener.get() {
            listener(group);
        }
    }

    /// The first one listens for good.
    pub(super) fn listen(&self, listener: Listener) {
        // A second one would be a fault of the program, not worth its end.
        let _ = self.listener.set(listener);
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An operation with its outcome and whoever waits for it.
pub(super) struct Pending<T, F, N> {
    op: Option<F>,
    outcome: Result<T>,
    then: N,
}

impl<T, F, N> Pending<T, F, N> {
    pub(super) fn new(op: F, then: N) -> Self {
        Self { op: Some(op), outcome: Err(StoreError::Closed), then }
    }
}

impl<T, F, N> Op for Pending<T, F, N>
where
    T: Send,
    F: FnOnce(&mut Db) -> Result<T> + Send,
    N: FnOnce(Result<T>) + Send,
{
    fn run(&mut self, db: &mut Db) -> Result<()> {
        if let Some(op) = self.op.take() {
            self.outcome = apart(db, op);
        }
        self.outcome.as_ref().map(drop).map_err(Clone::clone)
    }

    fn answer(self: Box<Self>, group: Result<()>) {
        let Self { outcome, then, .. } = *self;
        // The writer outlives what its callers do with their answers.
        if catch_unwind(AssertUnwindSafe(|| then(group.and(outcome)))).is_err() {
            tracing::error!("the receiver of a database operation's outcome panicked");
        }
    }
}

/// Runs `op` so that it can fail, or panic, without harm to the others of its group.
fn apart<T>(db: &mut Db, op: impl FnOnce(&mut Db) -> Result<T>) -> Result<T> {
    db.apart(|db| {
        catch_unwind(AssertUnwindSafe(|| op(db))).unwrap_or_else(|_| {
            tracing::error!("a database operation panicked; it was undone");
            Err(StoreError::Panicked)
        })
    })
}
