//! Opening the database file: what is refused, and what to do about it.
//!
//! A new database is made beside its place and moved there when it is complete, so that an empty file is never
//! the work of this program: it is refused like any other damage, instead of being filled with an empty queue.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::db::Db;
use crate::migrations::{self, APPLICATION_ID, SCHEMA_VERSION};

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// It is not ours, or not whole.
    #[error(
        "the database {} is damaged ({detail}): move it away and run `studio restore`; it was not changed", path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A whole SQLite file of another program.
    #[error("{} is a database of another program: choose another data directory", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// It, or its folder, cannot be written.
    #[error(
        "the database {} is read-only: make the file and its folder writable for this user, or run `studio restore` \
         into another data directory", path.display()
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// A later version of this program wrote it.
    #[error(
        "the database {} has schema version {found}, this studio knows up to {known}: install the newer studio, or run \
         `studio restore` with a backup from before the update", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The file is gone, but what was last written to it is there.
    #[error(
        "the database {} is missing, but its log {} is there: put the database back beside it, or move the log away \
         and run `studio restore`", path.display(), log.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The write-ahead log.
        log: PathBuf,
    },
    /// No room for it.
    #[error("the disk under the database {} is full: free some space", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds it.
    #[error("the database {} is in use by another process: stop it first", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("could not use the database {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite refused.
    #[error("could not open the database {}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// Opens the database for writing; makes it when it is not there.
pub(crate) fn open(path: &Path) -> Result<Db, OpenStoreError> {
    let io_error = |source| OpenStoreError::Io { path: path.to_owned(), source };
    if !path.try_exists().map_err(io_error)? {
        create(path)?;
    }
    let mut conn = check(path)?;
    migrations::migrate(&mut conn).map_err(|source| classify(path, source))?;
    let mut db = Db::writer(conn).map_err(|source| classify(path, source))?;
    count_projects_anew(&mut db);
    Ok(db)
}

/// The version before does not keep the counts of projects; where it wrote they are wrong.
fn count_projects_anew(db: &mut Db) {
    let counted =
        db.projects_are_counted().and_then(|right| if right { Ok(()) } else { db.count_projects() });
    if let Err(error) = counted {
        // Quotas are off until the next start; that is no reason not to work.
        tracing::warn!("the jobs of projects could not be counted: {error}");
    }
}

/// Opens a database that exists and makes sure that it is whole, ours and not newer than this program.
pub(crate) fn check(path: &Path) -> Result<Connection, OpenStoreError> {
    let sqlite_error = |source| classify(path, source);
    let metadata =
        fs::metadata(path).map_err(|source| OpenStoreError::Io { path: path.to_owned(), source })?;
    // Root may write everything; a file that is marked as read-only is left alone all the same.
    if metadata.permissions().readonly() {
        return Err(OpenStoreError::ReadOnly { path: path.to_owned() });
    }
    // SQLite says no more than "unable to open" when it cannot make the files that it needs beside the database.
    OpenOptions::new().append(true).open(path).map_err(|source| classify_io(path, source))?;
    if metadata.len() == 0 {
        return Err(corrupt(path, "the file is empty"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(sqlite_error)?;
    conn.busy_timeout(crate::db::BUSY_TIMEOUT).map_err(sqlite_error)?;
    let id: i64 = conn.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(sqlite_error)?;
    if id != APPLICATION_ID {
        return Err(OpenStoreError::NotOurs { path: path.to_owned() });
    }
    if conn.is_readonly("main").map_err(sqlite_error)? {
        return Err(OpenStoreError::ReadOnly { path: path.to_owned() });
    }
    let found = migrations::version(&conn).map_err(sqlite_error)?;
    if found > SCHEMA_VERSION {
        return Err(OpenStoreError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    let verdict: String =
        conn.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(sqlite_error)?;
    if verdict == "ok" { Ok(conn) } else { Err(corrupt(path, verdict)) }
}

fn create(path: &Path) -> Result<(), OpenStoreError> {
    let log = beside(path, "-wal");
    if log.exists() {
        return Err(OpenStoreError::Missing { path: path.to_owned(), log });
    }
    let fresh = beside(path, ".new");
    let io_error = |source| classify_io(path, source);
    // What a start that was cut short left behind holds nothing yet.
    for leftover in [fresh.clone(), beside(&fresh, "-journal")] {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
            Ok(()) | Err(_) => {}
        }
    }
    private_file(&fresh).map_err(io_error)?;
    let filled = Connection::open(&fresh).and_then(|mut conn| {
        migrations::migrate(&mut conn)?;
        conn.close().map_err(|(_, error)| error)
    });
    filled.map_err(|source| classify(path, source))?;
    fs::rename(&fresh, path).map_err(io_error)?;
    sync_folder(path).map_err(io_error)
}

/// Prompts are nobody else's business; SQLite gives the log beside it the same mode.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a rename in the folder of `path` survive power loss.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn corrupt(path: &Path, detail: impl Into<String>) -> OpenStoreError {
    OpenStoreError::Corrupt { path: path.to_owned(), detail: detail.into() }
}

fn classify_io(path: &Path, source: io::Error) -> OpenStoreError {
    let path = path.to_owned();
    let kind = source.kind();
    if kind == io::ErrorKind::StorageFull {
        OpenStoreError::Full { path }
    } else if matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) {
        OpenStoreError::ReadOnly { path }
    } else {
        OpenStoreError::Io { path, source }
    }
}

/// What an error of SQLite means for the file at `path`.
pub(crate) fn classify(path: &Path, source: rusqlite::Error) -> OpenStoreError {
    let path = path.to_owned();
    let Some(code) = source.sqlite_error_code() else { return OpenStoreError::Sqlite { path, source } };
    if matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) {
        return corrupt(&path, source.to_string());
    }
    if matches!(code, ErrorCode::ReadOnly | ErrorCode::PermissionDenied) {
        return OpenStoreError::ReadOnly { path };
    }
    if matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) {
        return OpenStoreError::Busy { path };
    }
    if code == ErrorCode::DiskFull {
        return OpenStoreError::Full { path };
    }
    OpenStoreError::Sqlite { path, source }
}
