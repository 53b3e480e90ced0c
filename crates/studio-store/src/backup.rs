//! Copies of the database: made while it is in use, and put back while it is not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::StoreError;
use crate::db::Db;
use crate::open::{OpenStoreError, beside, check, classify, private_file, sync_folder};

/// The whole database in one step: a reader's snapshot, so that writers go on and the copy is of one moment.
const ALL_PAGES: i32 = -1;

impl Db {
    /// Writes a copy of this moment to a file that does not exist yet; use it on a reader.
    pub fn backup_to(&self, path: &Path) -> Result<(), StoreError> {
        self.write_copy(path).map_err(|error| StoreError::Backup(Arc::new(error)))
    }

    fn write_copy(&self, path: &Path) -> Result<(), OpenStoreError> {
        let io_error = |source| OpenStoreError::Io { path: path.to_owned(), source };
        if path.try_exists().map_err(io_error)? {
            let problem = io::Error::new(io::ErrorKind::AlreadyExists, "a file is there: name a new one");
            return Err(io_error(problem));
        }
        let part = beside(path, ".part");
        remove_if_there(&part).map_err(io_error)?;
        private_file(&part).map_err(io_error)?;
        let copied = copy_all(&self.conn, &part).map_err(|source| classify(&part, source)).and_then(|()| {
            File::open(&part).and_then(|file| file.sync_all()).map_err(io_error)?;
            fs::rename(&part, path).and_then(|()| sync_folder(path)).map_err(io_error)
        });
        if copied.is_err() {
            // The copy is worthless; what went wrong is already on its way to the caller.
            let _ = fs::remove_file(&part);
        }
        copied
    }
}

/// Puts a backup in the place of a database that nobody has open; gives back where the former one was moved to.
///
/// The backup is checked first and stays where it is. `aside` names the former database's new place.
pub fn restore(backup: &Path, database: &Path, aside: &Path) -> Result<Option<PathBuf>, OpenStoreError> {
    let io_error = |source| OpenStoreError::Io { path: database.to_owned(), source };
    let fresh = beside(database, ".new");
    remove_if_there(&fresh).map_err(io_error)?;
    let mut target = private_file(&fresh).map_err(io_error)?;
    let mut source =
        File::open(backup).map_err(|source| OpenStoreError::Io { path: backup.to_owned(), source })?;
    io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(io_error)?;
    drop(target);
    // The copy is checked, not the original, which may lie on a medium that cannot be written.
    check(&fresh).map_err(|error| named_after(error, backup)).inspect_err(|_| {
        let _ = fs::remove_file(&fresh);
    })?;
    let moved = move_aside(database, aside).map_err(io_error)?;
    fs::rename(&fresh, database).and_then(|()| sync_folder(database)).map_err(io_error)?;
    Ok(moved.then(|| aside.to_owned()))
}

fn copy_all(from: &Connection, to: &Path) -> rusqlite::Result<()> {
    let mut target = Connection::open(to)?;
    let backup = Backup::new(from, &mut target)?;
    while backup.step(ALL_PAGES)? != StepResult::Done {
        std::thread::yield_now();
    }
    drop(backup);
    // One file that can be carried away: the copy keeps no log beside it.
    target.pragma_update(None, "journal_mode", "delete")?;
    target.close().map_err(|(_, error)| error)
}

fn move_aside(database: &Path, aside: &Path) -> io::Result<bool> {
    let mut moved = false;
    // The log belongs to its database: left behind, it would be applied to the restored one.
    for suffix in ["-wal", "-shm", ""] {
        match fs::rename(beside(database, suffix), beside(aside, suffix)) {
            Ok(()) => moved = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(moved)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn named_after(error: OpenStoreError, backup: &Path) -> OpenStoreError {
    match error {
        OpenStoreError::Corrupt { detail, .. } => OpenStoreError::Corrupt { path: backup.to_owned(), detail },
        OpenStoreError::NotOurs { .. } => OpenStoreError::NotOurs { path: backup.to_owned() },
        OpenStoreError::Newer { found, known, .. } => {
            OpenStoreError::Newer { path: backup.to_owned(), found, known }
        }
        other @ (OpenStoreError::ReadOnly { .. }
        | OpenStoreError::Missing { .. }
        | OpenStoreError::Full { .. }
        | OpenStoreError::Busy { .. }
        | OpenStoreError::Io { .. }
        | OpenStoreError::Sqlite { .. }) => other,
    }
}
