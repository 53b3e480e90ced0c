//! A look at a database that may be in use, of whatever version: nothing of it is written, no schema is brought up.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OpenFlags};

use crate::db::Db;
use crate::migrations::{self, APPLICATION_ID, SCHEMA_VERSION};
use crate::open::{OpenStoreError, beside, classify};
use crate::row::count;
use crate::{Result, StoreError};

/// The first schema version with inputs.
const INPUTS_SINCE: i64 = 6;

/// A database that is only read.
#[derive(Debug)]
pub struct Look {
    db: Db,
    path: PathBuf,
    version: i64,
    /// Where it is read without locks: what its file was like.
    still: Option<Stamp>,
}

/// Length and time of the last write.
type Stamp = (u64, Option<SystemTime>);

/// Bytes that a database names, in the words of every version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBytes {
    /// Their place in the artefact store.
    pub key: String,
    /// Lowercase hex.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
    /// What to call them.
    pub name: String,
    /// Brought by a client, not made by a job.
    pub is_input: bool,
}

impl Look {
    /// The schema version that this program reads and writes.
    pub const KNOWN_VERSION: i64 = SCHEMA_VERSION;

    /// Opens a database beside whoever writes to it; makes SQLite's two files beside it when they are not there.
    pub fn open(path: &Path) -> Result<Self, OpenStoreError> {
        Self::over(path, false)
    }

    /// Opens a database and leaves its folder as it is: where there is no log nobody has it open, and then it is read
    /// without locks. [`has_moved`](Self::has_moved) says whether that was right until the end.
    pub fn open_still(path: &Path) -> Result<Self, OpenStoreError> {
        Self::over(path, !beside(path, "-wal").exists())
    }

    fn over(path: &Path, is_still: bool) -> Result<Self, OpenStoreError> {
        let sqlite_error = |source| classify(path, source);
        let metadata =
            fs::metadata(path).map_err(|source| OpenStoreError::Io { path: path.to_owned(), source })?;
        if metadata.len() == 0 {
            let detail = "the file is empty".to_owned();
            return Err(OpenStoreError::Corrupt { path: path.to_owned(), detail });
        }
        let still = is_still.then(|| stamp(&metadata));
        let conn = connect(path, is_still).map_err(sqlite_error)?;
        let id: i64 =
            conn.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(sqlite_error)?;
        if id != APPLICATION_ID {
            return Err(OpenStoreError::NotOurs { path: path.to_owned() });
        }
        let version = migrations::version(&conn).map_err(sqlite_error)?;
        let db = Db::looking(conn).map_err(sqlite_error)?;
        Ok(Self { db, path: path.to_owned(), version, still })
    }

    /// Its schema version; most operations need [`KNOWN_VERSION`](Self::KNOWN_VERSION).
    pub fn version(&self) -> i64 {
        self.version
    }

    /// What to ask; operations that write fail.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Whether somebody opened the database for writing while it was read without locks: what was seen may be wrong.
    pub fn has_moved(&self) -> bool {
        let Some(before) = self.still else { return false };
        beside(&self.path, "-wal").exists()
            || fs::metadata(&self.path).map_or(true, |metadata| stamp(&metadata) != before)
    }

    /// Refuses a database that a later version of this program wrote.
    pub fn not_newer(self) -> Result<Self, OpenStoreError> {
        let Self { version: found, path, .. } = &self;
        if *found > SCHEMA_VERSION {
            return Err(OpenStoreError::Newer { path: path.clone(), found: *found, known: SCHEMA_VERSION });
        }
        Ok(self)
    }

    /// Everything in the artefact store that the database names.
    pub fn named_bytes(&self) -> Result<Vec<NamedBytes>> {
        named_bytes(&self.db, self.version)
    }

    /// Whether the database names that place in the artefact store now.
    pub fn names(&self, key: &str) -> Result<bool> {
        if self.version >= INPUTS_SINCE {
            return self.db.has_artefact_key(key);
        }
        Ok(self.db.statement("SELECT 1 FROM artefacts WHERE key = ?1")?.exists([key])?)
    }
}

/// Forgets artefacts and inputs by their places in the artefact store, in a copy that was made without their bytes;
/// its schema version stays what it is.
pub fn forget_in_copy(copy: &Path, keys: &[String]) -> Result<(), OpenStoreError> {
    let sqlite_error = |source| classify(copy, source);
    let conn = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite_error)?;
    let version = migrations::version(&conn).map_err(sqlite_error)?;
    let mut db = Db::looking(conn).map_err(sqlite_error)?;
    let forgotten =
        if version >= INPUTS_SINCE { db.forget_keys(keys) } else { db.forget_artefact_keys(keys) };
    forgotten.map_err(|error| refused(copy, &error))
}

fn refused(path: &Path, error: &StoreError) -> OpenStoreError {
    OpenStoreError::Corrupt { path: path.to_owned(), detail: error.to_string() }
}

fn named_bytes(db: &Db, version: i64) -> Result<Vec<NamedBytes>> {
    const ARTEFACTS: &str = "\
        SELECT a.key, a.sha256, a.bytes, a.id || ' of ' || j.id, 0 \
        FROM artefacts a JOIN jobs j ON j.seq = a.job ORDER BY a.seq DESC";
    const INPUTS: &str = "SELECT key, sha256, bytes, 'the input ' || id, 1 FROM inputs ORDER BY seq";
    let mut all = Vec::new();
    for sql in [ARTEFACTS, INPUTS].iter().take(if version >= INPUTS_SINCE { 2 } else { 1 }) {
        let mut select = db.statement(sql)?;
        let rows = select.query_and_then([], |row| {
            let bytes = count(row, 2)?;
            let (key, sha256, name, is_input) = (row.get(0)?, row.get(1)?, row.get(3)?, row.get(4)?);
            Ok(NamedBytes { key, sha256, bytes, name, is_input })
        })?;
        all.extend(rows.collect::<Result<Vec<_>>>()?);
    }
    Ok(all)
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

fn connect(path: &Path, is_still: bool) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if !is_still {
        return Connection::open_with_flags(path, flags);
    }
    let Some(text) = path.to_str() else { return Connection::open_with_flags(path, flags) };
    // The three characters that mean something in such an address.
    let text = text.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let text = if cfg!(windows) { format!("/{}", text.replace('\\', "/")) } else { text };
    let place = if text.starts_with('/') { format!("//{text}") } else { text };
    Connection::open_with_flags(format!("file:{place}?immutable=1"), flags | OpenFlags::SQLITE_OPEN_URI)
}
