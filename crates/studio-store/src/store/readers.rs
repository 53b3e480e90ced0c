//! A few read-only connections, opened when they are needed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::db::Db;
use crate::{Result, StoreError};

/// Reads at the same time: enough to keep a slow list from holding up quick ones, few enough to keep the page
/// caches small.
const MAX_READERS: usize = 4;

#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Db>>,
    free: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::new(Vec::new()),
            free: Arc::new(Semaphore::new(MAX_READERS)),
        }
    }

    pub(super) async fn read<T: Send + 'static>(
        this: &Arc<Self>,
        op: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = this.free.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let this = this.clone();
        let done = tokio::task::spawn_blocking(move || {
            let outcome = this.read_now(op);
            drop(permit);
            outcome
        });
        // The runtime stopped before the read began.
        done.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) fn close(&self) {
        self.free.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn read_now<T>(&self, op: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let db = idle.map_or_else(|| Db::reader(&self.path), Ok)?;
        db.run("BEGIN")?;
        let outcome = catch_unwind(AssertUnwindSafe(|| op(&db))).map_err(|_| {
            tracing::error!("a database read panicked");
            StoreError::Panicked
        })?;
        db.run("COMMIT")?;
        if !self.free.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        }
        outcome
    }
}
