//! One connection to the database, and what all operations on it share.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, OpenFlags};

use crate::tally::Tally;
use crate::{Result, StoreError, migrations};

/// Every statement of the crate fits, lists with all their filters included.
const CACHED_STATEMENTS: usize = 256;
/// How long a connection waits for another process (a backup tool, a shell) to let go of the file.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The writer's page cache: the hot part of a queue of a million jobs.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// A reader's page cache; there are several readers.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// Pages in the write-ahead log before a commit moves them into the database as well: 64 MiB, so that this pause
/// (some 80 ms) comes once in thousands of commits.
const WAL_CHECKPOINT_PAGES: i64 = 16_384;
/// What the write-ahead log is cut back to after a burst.
const WAL_KEPT_BYTES: i64 = 64 * 1024 * 1024;

/// One connection; every domain operation is one method and one transaction.
///
/// No method reads a clock or draws a random number: times and identities are arguments.
#[derive(Debug)]
pub struct Db {
    pub(crate) conn: Connection,
    /// What the transaction under way changes on the counts of projects.
    pub(crate) tally: Tally,
    /// Whether a savepoint of the writer is around the operation that runs.
    kept_apart: bool,
    /// What went wrong inside of it.
    failed: Option<StoreError>,
    /// Whether there may be webhooks. It never goes back to no: what was undone leaves a yes that costs a look each
    /// time, and never a no that costs an event.
    webhooks: Cell<Option<bool>>,
}

impl Db {
    /// A database that lives as long as this value, for the simulation and for tests.
    pub fn open_in_memory() -> Result<Self> {
        let mut conn = Connection::open_in_memory()?;
        configure(&conn, WRITER_CACHE_KIB)?;
        migrations::migrate(&mut conn)?;
        Ok(Self::over(conn))
    }

    /// Takes over a connection to a file that was checked and migrated, for writing.
    pub(crate) fn writer(conn: Connection) -> rusqlite::Result<Self> {
        conn.pragma_update(None, "journal_mode", "wal")?;
        // An acknowledged operation survives power loss.
        conn.pragma_update(None, "synchronous", "full")?;
        conn.pragma_update(None, "wal_autocheckpoint", WAL_CHECKPOINT_PAGES)?;
        conn.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
        configure(&conn, WRITER_CACHE_KIB)?;
        Ok(Self::over(conn))
    }

    /// Opens a file that a writer holds open, for reading.
    pub(crate) fn reader(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        configure(&conn, READER_CACHE_KIB)?;
        Ok(Self::over(conn))
    }

    /// Takes over a connection whose journal and schema stay as they are.
    pub(crate) fn looking(conn: Connection) -> rusqlite::Result<Self> {
        configure(&conn, READER_CACHE_KIB)?;
        Ok(Self::over(conn))
    }

    fn over(conn: Connection) -> Self {
        Self { conn, tally: Tally::default(), kept_apart: false, failed: None, webhooks: Cell::new(None) }
    }

    /// Runs an operation of a group, so that it can fail without harm to the others.
    pub(crate) fn apart<T>(&mut self, op: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.run("SAVEPOINT queued")?;
        let mark = self.tally.mark();
        self.kept_apart = true;
        let outcome = op(self);
        self.kept_apart = false;
        // An operation that goes on after one of its parts has failed is undone as a whole.
        let failed = self.failed.take();
        let outcome = outcome.and_then(|value| failed.map_or(Ok(value), Err));
        if outcome.is_ok() {
            self.run("RELEASE queued")?;
            return outcome;
        }
        self.tally.undo(mark);
        if !self.conn.is_autocommit() {
            self.run("ROLLBACK TO queued")?;
            self.run("RELEASE queued")?;
        }
        outcome
    }

    /// Runs `body` as one transaction, or as a part of the one that is under way that can fail alone.
    pub(crate) fn atomically<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if std::mem::take(&mut self.kept_apart) {
            // The savepoint of the operation does: a second one around the same statements costs as much again.
            let outcome = body(self);
            self.kept_apart = true;
            if let Err(error) = &outcome {
                self.failed = Some(error.clone());
            }
            return outcome;
        }
        let is_whole = self.conn.is_autocommit();
        let mark = self.tally.mark();
        self.run("SAVEPOINT op")?;
        let outcome = body(self).and_then(|value| {
            if is_whole {
                self.settle()?;
            }
            self.run("RELEASE op")?;
            Ok(value)
        });
        if outcome.is_err() {
            self.tally.undo(mark);
        }
        // Some failures (a full disk) have ended the whole transaction already.
        if outcome.is_err() && !self.conn.is_autocommit() {
            self.run("ROLLBACK TO op")?;
            self.run("RELEASE op")?;
        }
        outcome
    }

    /// A statement that is parsed once per connection.
    pub(crate) fn statement(&self, sql: &str) -> Result<CachedStatement<'_>> {
        Ok(self.conn.prepare_cached(sql)?)
    }

    /// What is known of whether there are webhooks.
    pub(crate) fn webhooks_expected(&self) -> Option<bool> {
        self.webhooks.get()
    }

    /// Takes a look's outcome, unless more is known.
    pub(crate) fn learn_webhooks(&self, some: bool) {
        if self.webhooks.get() != Some(true) {
            self.webhooks.set(Some(some));
        }
    }

    /// From now on there may be some.
    pub(crate) fn expect_webhooks(&self) {
        self.webhooks.set(Some(true));
    }

    /// Runs a statement that takes and gives nothing.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute([]).map(drop).map_err(StoreError::from)
    }
}

fn configure(conn: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    conn.pragma_update(None, "cache_size", -cache_kib)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // Savepoints keep page images aside; memory is the cheap place for them.
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "trusted_schema", false)
}
