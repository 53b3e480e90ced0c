//! The file: opened, filled, kept small.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use studio_protocol::Timestamp;
use worker_local::{JobEnd, JobLine, Origin};

use super::{Entry, Over, Written};

/// Jobs that are kept.
const MOST_JOBS: i64 = 10_000;
/// Lines of one job that are kept.
pub(super) const MOST_LINES: i64 = 500;
/// How long another program may hold the file: a backup takes a moment.
const BUSY_LIMIT: Duration = Duration::from_secs(2);
/// Pages in memory, KiB: lists are short, and an idle worker is small.
const CACHE_KIB: i64 = 256;
/// Of the tables below.
const VERSION: i64 = 1;
const TABLES: &str = "
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        origin TEXT NOT NULL,
        kind TEXT NOT NULL,
        model TEXT NOT NULL,
        project TEXT NOT NULL,
        name TEXT NOT NULL,
        prompt TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER NOT NULL,
        day TEXT NOT NULL,
        ended TEXT NOT NULL,
        reason TEXT,
        has_thumbnail INTEGER NOT NULL
    );
    CREATE INDEX jobs_id ON jobs (id);
    CREATE INDEX jobs_day ON jobs (day, ended);
    CREATE INDEX jobs_ended_at ON jobs (ended_at);
    CREATE TABLE lines (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        ts INTEGER NOT NULL,
        level TEXT NOT NULL,
        category TEXT NOT NULL,
        message TEXT NOT NULL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID;
    CREATE TABLE thumbnails (
        job INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
        mime TEXT NOT NULL,
        bytes BLOB NOT NULL
    );
    PRAGMA user_version = 1;
";
/// What SQLite keeps beside the file.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// An open history.
#[derive(Debug)]
pub(super) struct Db {
    pub(super) connection: Connection,
    last: i64,
}

/// Why it does not do what it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum DbError {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("a newer worker wrote it (version {0}); this one leaves it alone")]
    Newer(i64),
}

impl DbError {
    /// It is no database, or a damaged one.
    pub(super) fn is_broken(&self) -> bool {
        match self {
            Self::Sqlite(error) => {
                matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                )
            }
            Self::File(_) | Self::Newer(_) => false,
        }
    }
}

impl Db {
    /// Makes it where it is missing, for its owner's eyes only.
    pub(super) fn open(path: &Path) -> Result<Self, DbError> {
        private(path)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_LIMIT)?;
        // A power cut may take the last records, not the file.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match version {
            0 => {
                let transaction = connection.transaction()?;
                transaction.execute_batch(TABLES)?;
                transaction.commit()?;
            }
            VERSION => {}
            newer => return Err(DbError::Newer(newer)),
        }
        let last =
            connection.query_row("SELECT max(seq) FROM jobs", [], |row| row.get::<_, Option<i64>>(0))?;
        Ok(Self { connection, last: last.unwrap_or(0) })
    }

    /// The number of the newest record.
    pub(super) fn last(&self) -> u64 {
        self.last as u64
    }

    /// Writes all of it or nothing, and drops what is too old or too much.
    pub(super) fn write(&mut self, entries: &[Written], days: u32) -> Result<(), DbError> {
        let transaction = self.connection.transaction()?;
        let mut last = self.last;
        for Written { entry, thumbnail } in entries {
            match entry {
                Entry::Over(over) => {
                    last = insert(&transaction, over, thumbnail.is_some())?;
                    if let Some(thumbnail) = thumbnail {
                        transaction
                            .prepare_cached("INSERT INTO thumbnails VALUES (?, ?, ?)")?
                            .execute(params![last, thumbnail.mime, thumbnail.bytes])?;
                    }
                }
                Entry::Late { job, line } => append(&transaction, job, line)?,
                Entry::Prune => {}
            }
        }
        let oldest = Timestamp::now().as_millis().saturating_sub(DAY * i64::from(days));
        transaction
            .prepare_cached("DELETE FROM jobs WHERE seq <= ? OR ended_at < ?")?
            .execute(params![last.saturating_sub(MOST_JOBS), oldest])?;
        transaction.commit()?;
        self.last = last;
        Ok(())
    }
}

fn insert(connection: &Connection, over: &Over, has_thumbnail: bool) -> Result<i64, DbError> {
    let Over { job, ended_at, end, reason, lines, picture: _ } = over;
    connection
        .prepare_cached("INSERT INTO jobs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![
            job.id,
            origin_word(job.origin),
            job.kind.as_str(),
            job.model,
            job.project,
            job.name,
            job.prompt,
            job.started_at.as_millis(),
            ended_at.as_millis(),
            day_of(*ended_at),
            end_word(*end),
            reason,
            has_thumbnail,
        ])?;
    let seq = connection.last_insert_rowid();
    for (number, line) in (0..).zip(lines) {
        insert_line(connection, seq, number, line)?;
    }
    Ok(seq)
}

fn append(connection: &Connection, job: &str, line: &JobLine) -> Result<(), DbError> {
    let query = "SELECT seq, (SELECT count(*) FROM lines WHERE job = seq) FROM jobs WHERE id = ? ORDER BY seq DESC LIMIT 1";
    let found: Option<(i64, i64)> = connection
        .prepare_cached(query)?
        .query_row([job], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        Some((seq, number)) if number < MOST_LINES => insert_line(connection, seq, number, line),
        Some(_) | None => Ok(()),
    }
}

fn insert_line(connection: &Connection, job: i64, number: i64, line: &JobLine) -> Result<(), DbError> {
    connection.prepare_cached("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)")?.execute(params![
        job,
        number,
        line.ts.as_millis(),
        line.level,
        line.category,
        line.message
    ])?;
    Ok(())
}

/// The day of a moment where this machine is, `YYYY-MM-DD`.
pub(super) fn day_of(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::system()).date().to_string()
}

pub(super) fn origin_word(origin: Origin) -> &'static str {
    match origin {
        Origin::Studio => "studio",
        Origin::Local => "local",
    }
}

pub(super) fn end_word(end: JobEnd) -> &'static str {
    match end {
        JobEnd::Done => "done",
        JobEnd::Failed => "failed",
        JobEnd::Cancelled => "cancelled",
        JobEnd::Released => "released",
    }
}

/// Prompts and pictures are the owner's alone; SQLite gives its companions the same mode.
fn private(path: &Path) -> io::Result<()> {
    let mut options = fs::File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        // Whatever it was before.
        file.set_permissions(fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    options.open(path).map(drop)
}

/// Removes it with all that belongs to it.
pub(super) fn delete(path: &Path) {
    for file in std::iter::once(path.to_path_buf()).chain(companions(path)) {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("could not delete `{}`: {error}", file.display());
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// Moves a broken file out of the way, in place of an older one.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = with_suffix(path, ".broken");
    fs::rename(path, &aside)?;
    for companion in companions(path) {
        let _ = fs::remove_file(companion);
    }
    Ok(aside)
}

fn companions(path: &Path) -> impl Iterator<Item = PathBuf> {
    COMPANIONS.into_iter().map(|suffix| with_suffix(path, suffix))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
