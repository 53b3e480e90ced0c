//! The unfinished file, and what is known of where its bytes came from.
//!
//! `<name>.part` holds the bytes, `<name>.part.json` the facts. Facts are on the disk before the first byte that
//! they speak of, so that a process that is killed at any moment leaves a pair that can be continued or is seen to
//! be of another version. The part is locked: two processes never write into one.

use std::fs::{File as StdFile, TryLockError};
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use studio_runtime::{Mode, write_atomic};
use tokio::fs::{self, File};
use tokio::io::{AsyncSeekExt, AsyncWriteExt, BufWriter};

use crate::{FetchError, names, sha};

/// What goes to the disk at once: each write is a trip to another thread, and what waits is lost by a kill.
const BUFFER_BYTES: usize = 128 * 1024;
/// Between two looks at a part that another process writes.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Where the bytes of a part came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    /// Without credentials.
    pub(super) url: String,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    /// The pinned hash.
    pub(super) sha256: Option<String>,
    /// Of the whole file.
    pub(super) length: Option<u64>,
}

impl Facts {
    /// What `If-Range` may carry: a strong tag, or a date.
    pub(super) fn version(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|tag| !tag.starts_with("W/"));
        strong.or(self.last_modified.as_deref())
    }
}

/// An open part.
pub(super) struct Part {
    path: PathBuf,
    facts_path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    len: u64,
    pub(super) facts: Facts,
    /// Not all of its bytes came in one answer.
    pub(super) is_pieced: bool,
}

impl Part {
    /// Opens the part of the file `target`, and hashes what is there if it may be continued.
    pub(super) async fn open(target: &Path, pinned: Option<&str>) -> Result<Self, FetchError> {
        let path = target.with_added_extension(names::PART);
        let facts_path = target.with_added_extension(names::PART_FACTS);
        let failed = |error| FetchError::disk("open", &path, error);
        let mut file = open_locked(&path).await.map_err(failed)?;
        let there = file.metadata().map_err(failed)?.len();
        let facts = read_facts(&facts_path).await.filter(|facts| {
            facts.sha256.as_deref() == pinned && facts.length.is_none_or(|length| there <= length)
        });
        let (mut hash, mut len) = (Sha256::new(), 0);
        if facts.is_some() {
            (hash, len, file) = sha::hashed(file, there).await.map_err(failed)?;
        }
        let mut part = Self {
            path,
            facts_path,
            file: BufWriter::with_capacity(BUFFER_BYTES, File::from_std(file)),
            hash,
            len,
            facts: Facts { sha256: pinned.map(str::to_owned), ..Facts::default() },
            is_pieced: false,
        };
        match facts {
            Some(facts) if len > 0 => {
                part.file
                    .seek(SeekFrom::Start(len))
                    .await
                    .map_err(|error| FetchError::disk("read", target, error))?;
                part.facts = facts;
                part.is_pieced = true;
            }
            Some(_) | None => part.reset().await?,
        }
        Ok(part)
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The hash of the bytes so far.
    pub(super) fn hex(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    /// From the first byte again. The old bytes are gone from the disk before new facts are written.
    pub(super) async fn reset(&mut self) -> Result<(), FetchError> {
        let failed = |e| FetchError::disk("write", &self.path, e);
        self.file.flush().await.map_err(failed)?;
        let file = self.file.get_mut();
        if file.metadata().await.map_err(failed)?.len() > 0 {
            file.set_len(0).await.map_err(failed)?;
            file.sync_all().await.map_err(failed)?;
        }
        file.seek(SeekFrom::Start(0)).await.map_err(failed)?;
        self.hash = Sha256::new();
        self.len = 0;
        self.is_pieced = false;
        self.facts = Facts { sha256: self.facts.sha256.take(), ..Facts::default() };
        Ok(())
    }

    /// Brings new facts to the disk.
    pub(super) async fn learn(&mut self, facts: Facts) -> Result<(), FetchError> {
        if self.facts == facts {
            return Ok(());
        }
        let (path, mode) = (self.facts_path.clone(), Mode::Private);
        let json = serde_json::to_vec(&facts).map_err(|error| self.failed("write", error.into()))?;
        let written = tokio::task::spawn_blocking(move || write_atomic(&path, &json, mode)).await;
        written.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|e| self.failed("write", e))?;
        self.facts = facts;
        Ok(())
    }

    pub(super) async fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece).await?;
        self.hash.update(piece);
        self.len += piece.len() as u64;
        Ok(())
    }

    /// Brings what is buffered to the file.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.file.flush().await
    }

    /// Makes it the file `target`, which then has all its bytes or does not exist.
    pub(super) async fn finish(mut self, target: &Path) -> Result<(), FetchError> {
        let failed = |e| FetchError::disk("write", target, e);
        self.file.flush().await.map_err(failed)?;
        self.file.get_ref().sync_all().await.map_err(failed)?;
        fs::rename(&self.path, target).await.map_err(failed)?;
        if let Some(folder) = target.parent().filter(|_| cfg!(unix)) {
            // The rename is durable only once its folder is.
            File::open(folder).await.map_err(failed)?.sync_all().await.map_err(failed)?;
        }
        let _ = fs::remove_file(&self.facts_path).await;
        Ok(())
    }

    /// Leaves nothing behind if there is nothing worth keeping.
    pub(super) async fn abandon(self) {
        if self.len == 0 {
            let _ = fs::remove_file(&self.path).await;
            let _ = fs::remove_file(&self.facts_path).await;
        }
    }

    pub(super) fn failed(&self, what: &'static str, error: io::Error) -> FetchError {
        FetchError::disk(what, &self.path, error)
    }
}

/// How many bytes a later download would continue from.
pub(crate) fn bytes_there(target: &Path) -> u64 {
    std::fs::metadata(target.with_added_extension(names::PART)).map_or(0, |meta| meta.len())
}

async fn read_facts(path: &Path) -> Option<Facts> {
    serde_json::from_slice(&fs::read(path).await.ok()?).ok()
}

/// Waits while another process has it, or a write of our own that was given up is still on its way.
async fn open_locked(path: &Path) -> io::Result<StdFile> {
    loop {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || try_open(&path)).await;
        match opened.unwrap_or_else(|error| Err(io::Error::other(error)))? {
            Some(file) => return Ok(file),
            None => tokio::time::sleep(LOCK_POLL).await,
        }
    }
}

fn try_open(path: &Path) -> io::Result<Option<StdFile>> {
    let file = StdFile::options().read(true).write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(is_still(&file, path)?.then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // A file system without locks has one user.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(file)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether the name still leads to the file: its former owner may have finished and renamed it.
#[cfg(unix)]
fn is_still(file: &StdFile, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (open, named) = (file.metadata()?, std::fs::metadata(path));
    Ok(named.is_ok_and(|named| named.ino() == open.ino() && named.dev() == open.dev()))
}

/// An open file cannot be renamed there.
#[cfg(not(unix))]
fn is_still(_: &StdFile, _: &Path) -> io::Result<bool> {
    Ok(true)
}
