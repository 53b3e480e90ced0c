//! What a server holds of the database: one writer that commits in groups, several readers.
//!
//! ```text
//! write, write_then ──▶ queue ──▶ writer thread: BEGIN · op · op · op · COMMIT ──▶ answers, in order
//! read ──────────────▶ blocking pool ──▶ one of a few read-only connections
//! ```
//!
//! An fsync per commit is what durability costs; while one commit waits for it, the next group gathers.

mod queue;
mod readers;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, oneshot};

use crate::db::Db;
use crate::{OpenStoreError, Result, StoreError, open};
pub use queue::Group;
use queue::{Pending, Queue};
use readers::Readers;

/// Writes of [`Store::write`] that may wait for the writer; more wait in their callers, where they can be given up.
const MAX_WAITING_WRITES: usize = 4_096;

/// A handle to the database; cheap to clone.
///
/// When the last handle is dropped, what was queued is still written; [`Store::close`] waits for that.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: Arc<Queue>,
    readers: Arc<Readers>,
    waiting: Arc<Semaphore>,
    writer: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the database file, checks it, and makes it when it is not there.
    pub fn open(path: &Path) -> Result<Self, OpenStoreError> {
        let db = open::open(path)?;
        let queue = Arc::new(Queue::default());
        let writer = writer::start(db, queue.clone())
            .map_err(|source| OpenStoreError::Io { path: path.to_owned(), source })?;
        let inner = Inner {
            queue,
            readers: Arc::new(Readers::new(path)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING_WRITES)),
            writer: std::sync::Mutex::new(Some(writer)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs `op` and returns once it is on disk; all of `op` is stored, or nothing.
    ///
    /// A caller that gives up waiting does not stop an operation that is queued.
    pub async fn write<T: Send + 'static>(
        &self,
        op: impl FnOnce(&mut Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.inner.waiting.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        self.write_then(op, move |outcome| {
            drop(permit);
            // Nobody waits any more: the operation stands all the same.
            let _ = answer.send(outcome);
        });
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Queues `op`, in the order of calls, and calls `then` on the writer thread once it is on disk or refused.
    ///
    /// Never blocks, and `then` must not either. When the store is closed, or far too much waits, `then` is called
    /// at once, on the caller's thread.
    pub fn write_then<T: Send + 'static>(
        &self,
        op: impl FnOnce(&mut Db) -> Result<T> + Send + 'static,
        then: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        self.inner.queue.push(Box::new(Pending::new(op, then)));
    }

    /// Runs `op` on a snapshot of the database; it sees every write that was answered before.
    pub async fn read<T: Send + 'static>(
        &self,
        op: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        Readers::read(&self.inner.readers, op).await
    }

    /// Calls `listener` on the writer thread after each group of operations; it must be quick, and only the first
    /// one counts.
    pub fn on_commit(&self, listener: impl Fn(&Group) + Send + Sync + 'static) {
        self.inner.queue.listen(Box::new(listener));
    }

    /// Takes no more operations, finishes those that are queued and puts everything into the one file.
    pub async fn close(self) {
        self.inner.waiting.close();
        self.inner.readers.close();
        self.inner.queue.close();
        let writer = self.inner.writer.lock().ok().and_then(|mut writer| writer.take());
        if let Some(writer) = writer {
            let ended = tokio::task::spawn_blocking(move || writer.join()).await;
            if !matches!(ended, Ok(Ok(()))) {
                tracing::error!("the database writer did not end in order");
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}
