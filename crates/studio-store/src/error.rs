//! Why an operation of the store failed, in terms that a caller can act on.

use std::sync::Arc;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

use studio_protocol::ProjectId;

use crate::OpenStoreError;

/// Why an operation failed; nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No room left on the disk.
    #[error(
        "the disk under the database is full: free some space and try again; nothing of this request was stored"
    )]
    Full,
    /// Somebody else holds the database, or too much waits for it.
    #[error("the database is busy: try again")]
    Busy,
    /// The file is damaged.
    #[error("the database is damaged ({detail}): stop the studio and run `studio restore`")]
    Corrupt {
        /// What SQLite said.
        detail: String,
    },
    /// There is no such thing.
    #[error("{what} `{id}` does not exist")]
    NotFound {
        /// `job`, `batch`, `model`, ...
        what: &'static str,
        /// As the caller named it.
        id: String,
    },
    /// The thing is not in a state that allows this.
    #[error("{what} `{id}` {problem}")]
    Conflict {
        /// `job`, `batch`, `model`, ...
        what: &'static str,
        /// Which.
        id: String,
        /// What is in the way, and what to do.
        problem: String,
    },
    /// The request names something that cannot be taken.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field on the wire.
        field: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// More jobs of a project would wait than may.
    #[error(
        "the project `{project}` may have {limit} jobs waiting: {queued} wait, {adding} more were sent, none was taken"
    )]
    Quota {
        /// Which.
        project: ProjectId,
        /// Jobs that wait.
        queued: u64,
        /// Jobs of the request.
        adding: u64,
        /// The most that may wait.
        limit: u64,
    },
    /// A row that this program did not write.
    #[error("table {table}, row {row}: column {column} holds `{value}`, which this version does not know")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's identity.
        row: String,
        /// What it holds.
        value: String,
    },
    /// The store was closed before the operation ran.
    #[error("the store is closed")]
    Closed,
    /// The operation panicked; the log has the message.
    #[error("the operation panicked")]
    Panicked,
    /// A copy of the database could not be written.
    #[error("could not write the backup")]
    Backup(#[source] Arc<OpenStoreError>),
    /// Anything else that SQLite refused.
    #[error("the database refused the operation")]
    Sqlite(#[source] Arc<rusqlite::Error>),
}

impl StoreError {
    /// There is no `what` called `id`.
    pub fn not_found(what: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { what, id: id.into() }
    }

    /// The state of `what` `id` does not allow this.
    pub fn conflict(what: &'static str, id: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Conflict { what, id: id.into(), problem: problem.into() }
    }

    /// The request's `field` cannot be taken.
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(failure) = error.sqlite_error() else { return Self::Sqlite(Arc::new(error)) };
        // A -shm file that cannot grow is a full disk by another name.
        if failure.code == ErrorCode::DiskFull || failure.extended_code == SQLITE_IOERR_SHMSIZE {
            return Self::Full;
        }
        if matches!(failure.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) {
            return Self::Busy;
        }
        if matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) {
            return Self::Corrupt { detail: error.to_string() };
        }
        Self::Sqlite(Arc::new(error))
    }
}
