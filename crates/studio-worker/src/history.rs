//! What this worker did: a record of each job with its log and a small picture, for its owner.
//!
//! It is a convenience: nothing waits for it, and a disk or a file that does not take it is told once. Records are queued and
//! written together on a blocking thread; whoever reads does so on another.

mod db;
mod query;
mod thumbnail;

use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use studio_protocol::Timestamp;
use studio_runtime::Tasks;
use tokio::sync::oneshot;
use worker_local::{JobDay, JobEnd, JobFilter, JobLine, JobPage, JobRecord, RunningJob};

use db::{Db, DbError};

/// Records that wait for the disk; beyond it the oldest are lost, so that a stuck disk cannot fill the memory.
const MOST_WAITING: usize = 1_000;

/// A job that is over.
#[derive(Debug)]
pub(crate) struct Over {
    /// As it was shown last.
    pub(crate) job: RunningJob,
    /// When it ended.
    pub(crate) ended_at: Timestamp,
    /// How.
    pub(crate) end: JobEnd,
    /// Why, in words.
    pub(crate) reason: Option<String>,
    /// What was logged about it.
    pub(crate) lines: Vec<JobLine>,
    /// The picture that it made, opened before it may go.
    pub(crate) picture: Option<File>,
}

/// One thing to write.
#[derive(Debug)]
enum Entry {
    Over(Box<Over>),
    /// A line about a job that is over.
    Late {
        job: String,
        line: JobLine,
    },
    /// The owner changed for how long records are kept.
    Prune,
}

/// A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct History {
    shared: Arc<Shared>,
    tasks: Tasks,
}

struct Shared {
    path: PathBuf,
    /// Days that records are kept; 0: there is no history.
    days: AtomicU32,
    queue: Mutex<Queue>,
    db: Mutex<Option<Db>>,
    last: AtomicU64,
    /// Somebody was interested.
    opened: AtomicBool,
    /// The last thing that went wrong was told.
    told: AtomicBool,
    /// Called when there are new records.
    changed: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("path", &self.path).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Entry>,
    /// Somebody is at it.
    writing: bool,
}

/// Why nothing can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HistoryError {
    /// The owner wants none.
    #[error("no history is kept: `history_days` is 0")]
    Off,
    /// The file does not give it out, in words.
    #[error("the history cannot be read: {0}")]
    Unreadable(String),
}

impl History {
    /// In `path`, which is opened beside everything else; `changed` is called when there are new records.
    pub(crate) fn new(
        path: PathBuf,
        days: u32,
        tasks: Tasks,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            path,
            days: AtomicU32::new(days),
            queue: Mutex::default(),
            db: Mutex::default(),
            last: AtomicU64::new(0),
            opened: AtomicBool::new(false),
            told: AtomicBool::new(false),
            changed: Box::new(changed),
        };
        Self { shared: Arc::new(shared), tasks }
    }

    /// Looks at what is there, and drops what is too old; not before somebody is interested, as an idle worker is small.
    pub(crate) fn open(&self) {
        if !self.shared.opened.swap(true, Ordering::Relaxed) {
            self.put(Entry::Prune);
        }
    }

    /// For how many days records are kept from now on; 0 deletes all of them.
    pub(crate) fn keep(&self, days: u32) {
        if self.shared.days.swap(days, Ordering::Relaxed) != days {
            self.put(Entry::Prune);
        }
    }

    /// Writes a job down.
    pub(crate) fn record(&self, over: Over) {
        self.put(Entry::Over(Box::new(over)));
    }

    /// Adds a line to a job that is over.
    pub(crate) fn late(&self, job: String, line: JobLine) {
        self.put(Entry::Late { job, line });
    }

    /// The number of the newest record, 0 when there is none.
    pub(crate) fn last(&self) -> u64 {
        self.shared.last.load(Ordering::Relaxed)
    }

    /// Some records, newest first.
    pub(crate) async fn list(&self, filter: JobFilter) -> Result<JobPage, HistoryError> {
        self.read(move |db| query::list(db, &filter)).await
    }

    /// Which days have records.
    pub(crate) async fn days(&self) -> Result<Vec<JobDay>, HistoryError> {
        self.read(query::days).await
    }

    /// The newest record of a job.
    pub(crate) async fn job(&self, id: String) -> Result<Option<JobRecord>, HistoryError> {
        self.read(move |db| query::job(db, &id)).await
    }

    /// What was logged about a job.
    pub(crate) async fn log(&self, id: String) -> Result<Option<Vec<JobLine>>, HistoryError> {
        self.read(move |db| query::log(db, &id)).await
    }

    /// The small picture of a job, with its type.
    pub(crate) async fn thumbnail(&self, id: String) -> Result<Option<(String, Vec<u8>)>, HistoryError> {
        self.read(move |db| query::thumbnail(db, &id)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Db) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let shared = Arc::clone(&self.shared);
        let (answer, answered) = oneshot::channel();
        self.tasks.spawn_blocking(move || {
            let _ = answer.send(shared.with(query));
        });
        answered.await.unwrap_or_else(|_| Err(HistoryError::Unreadable("the worker is about to end".into())))
    }

    fn put(&self, entry: Entry) {
        let mut queue = lock(&self.shared.queue);
        if self.shared.days.load(Ordering::Relaxed) == 0 && !matches!(entry, Entry::Prune) {
            return;
        }
        if queue.waiting.len() == MOST_WAITING {
            queue.waiting.pop_front();
        }
        queue.waiting.push_back(entry);
        if !std::mem::replace(&mut queue.writing, true) {
            let shared = Arc::clone(&self.shared);
            self.tasks.spawn_blocking(move || shared.write_all());
        }
    }
}

impl Shared {
    /// Writes until nothing waits; what comes meanwhile is written together.
    fn write_all(&self) {
        loop {
            let entries = {
                let mut queue = lock(&self.queue);
                if queue.waiting.is_empty() {
                    queue.writing = false;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            let pictures: Vec<_> = entries.into_iter().map(with_thumbnail).collect();
            let days = self.days.load(Ordering::Relaxed);
            match self.with(|db| db.write(&pictures, days)) {
                Ok(()) => self.told.store(false, Ordering::Relaxed),
                Err(HistoryError::Off) => {}
                Err(HistoryError::Unreadable(problem)) => {
                    if !self.told.swap(true, Ordering::Relaxed) {
                        tracing::warn!(
                            "the history misses jobs, could not write `{}`: {problem}",
                            self.path.display()
                        );
                    }
                }
            }
            (self.changed)();
        }
    }

    /// Opens what is not open yet; a file that is broken is set aside, once, and begun anew.
    fn with<T>(&self, work: impl FnOnce(&mut Db) -> Result<T, DbError>) -> Result<T, HistoryError> {
        let mut slot = lock(&self.db);
        if self.days.load(Ordering::Relaxed) == 0 {
            *slot = None;
            db::delete(&self.path);
            self.last.store(0, Ordering::Relaxed);
            return Err(HistoryError::Off);
        }
        let told = |error: &DbError| HistoryError::Unreadable(error.to_string());
        if slot.is_none() {
            *slot = Some(self.open_or_renew().map_err(|error| told(&error))?);
        }
        let Some(db) = slot.as_mut() else { return Err(HistoryError::Off) };
        let done = work(db);
        self.last.store(db.last(), Ordering::Relaxed);
        if let Err(error) = &done {
            // A file that turned out broken is looked at anew by the next one.
            if error.is_broken() {
                *slot = None;
                self.set_aside();
            }
            return Err(told(error));
        }
        done.map_err(|error| told(&error))
    }

    fn open_or_renew(&self) -> Result<Db, DbError> {
        match Db::open(&self.path) {
            Err(error) if error.is_broken() => {
                self.set_aside();
                Db::open(&self.path)
            }
            opened => opened,
        }
    }

    fn set_aside(&self) {
        match db::set_aside(&self.path) {
            Ok(aside) => tracing::warn!(
                "the history `{}` is broken and was moved to `{}`; a new one begins",
                self.path.display(),
                aside.display()
            ),
            Err(error) => {
                tracing::warn!(
                    "the history `{}` is broken and cannot be moved: {error}",
                    self.path.display()
                );
            }
        }
    }
}

/// What is written, its picture made small.
#[derive(Debug)]
struct Written {
    entry: Entry,
    thumbnail: Option<thumbnail::Thumbnail>,
}

fn with_thumbnail(mut entry: Entry) -> Written {
    let picture = match &mut entry {
        Entry::Over(over) => over.picture.take(),
        Entry::Late { .. } | Entry::Prune => None,
    };
    let thumbnail = picture.and_then(|file| {
        thumbnail::make(file).inspect_err(|error| tracing::debug!("no thumbnail: {error}")).ok()
    });
    Written { entry, thumbnail }
}

/// Whether a picture may be made of a file with this extension.
pub(crate) fn shows(ext: &str) -> bool {
    thumbnail::EXTENSIONS.contains(&ext.to_ascii_lowercase().as_str())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
