//! One daemon for each config directory.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;

/// Who holds a lock, as written in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// How it was started.
    pub command: String,
    /// When.
    pub started_at: Timestamp,
}

impl Holder {
    /// This process.
    pub fn this_process() -> Self {
        let command = std::env::args().collect::<Vec<_>>().join(" ");
        Self { pid: std::process::id(), command, started_at: Timestamp::now() }
    }
}

/// Held until it is dropped, or the process is gone in whatever way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process is there; it may have been caught before it wrote who it is.
    #[error("{}", held(path, holder.as_ref()))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who.
        holder: Option<Holder>,
    },
    /// The file cannot be opened or locked.
    #[error("could not lock `{}`", path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn held(path: &Path, holder: Option<&Holder>) -> String {
    let dir = path.parent().unwrap_or(path).display();
    match holder {
        Some(Holder { pid, command, started_at }) => format!(
            "a worker is running with `{dir}` already: pid {pid}, since {started_at}, started as `{command}`; \
             stop it with `kill {pid}`, or give this one a folder of its own with --config"
        ),
        None => format!("a worker is running with `{dir}` already"),
    }
}

impl Lock {
    /// Takes the lock or tells who holds it.
    pub fn take(path: &Path, who: &Holder) -> Result<Self, LockError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Self::sign(path, file, who),
            Err(TryLockError::WouldBlock) => {
                Err(LockError::Held { path: path.to_path_buf(), holder: read_holder(&file) })
            }
            Err(TryLockError::Error(source)) => Err(LockError::File { path: path.to_path_buf(), source }),
        }
    }

    /// Waits until the lock is free; blocks the thread.
    pub fn wait(path: &Path, who: &Holder) -> Result<Self, LockError> {
        let file = open(path)?;
        file.lock().map_err(|source| LockError::File { path: path.to_path_buf(), source })?;
        Self::sign(path, file, who)
    }

    fn sign(path: &Path, mut file: File, who: &Holder) -> Result<Self, LockError> {
        let written = (|| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&serde_json::to_vec(who).map_err(io::Error::other)?)
        })();
        match written {
            Ok(()) => Ok(Self { _file: file }),
            // A full disk is no reason not to run: the lock itself holds.
            Err(error) if studio_runtime::is_disk_full(&error) => Ok(Self { _file: file }),
            Err(source) => Err(LockError::File { path: path.to_path_buf(), source }),
        }
    }
}

/// Whether somebody holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockState {
    /// Nobody.
    Free,
    /// Somebody, who may have been caught before it wrote who it is.
    Held(Option<Holder>),
}

/// Looks at the lock at `path` without taking it.
pub fn look(path: &Path) -> io::Result<LockState> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LockState::Free),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(LockState::Free),
        Err(TryLockError::WouldBlock) => Ok(LockState::Held(read_holder(&file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(path: &Path) -> Result<File, LockError> {
    let failed = |source| LockError::File { path: path.to_path_buf(), source };
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    File::options().create(true).read(true).write(true).truncate(false).open(path).map_err(failed)
}

fn read_holder(file: &File) -> Option<Holder> {
    let mut text = String::new();
    let mut file = file;
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is_and_the_lock_ends_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/studio-worker.lock");
        assert_eq!(look(&path).unwrap(), LockState::Free);
        let me = Holder::this_process();
        let lock = Lock::take(&path, &me).unwrap();
        let error = Lock::take(&path, &me).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("kill {}", me.pid)) && text.contains(&me.command), "{text}");
        assert!(matches!(error, LockError::Held { holder: Some(other), .. } if other == me));
        assert_eq!(look(&path).unwrap(), LockState::Held(Some(me.clone())));
        drop(lock);
        assert_eq!(look(&path).unwrap(), LockState::Free, "what the file says does not matter");
        Lock::take(&path, &me).unwrap();
    }

    #[test]
    fn waiting_gets_it_when_the_holder_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("studio-worker.lock");
        let me = Holder::this_process();
        let lock = Lock::take(&path, &me).unwrap();
        let (got, wait) = std::sync::mpsc::channel();
        let waiter = std::thread::spawn({
            let (path, me) = (path.clone(), me.clone());
            move || {
                let lock = Lock::wait(&path, &me).unwrap();
                got.send(()).unwrap();
                drop(lock);
            }
        });
        assert!(wait.try_recv().is_err());
        drop(lock);
        wait.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
        waiter.join().unwrap();
    }
}
