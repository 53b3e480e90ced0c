//! Takes a file in: streamed, hashed on the way, in place only when it is whole and the right one.

use std::io;
use std::path::Path;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use studio_runtime::is_disk_full;
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{INCOMING, ModelFiles, StoredFile};

/// The largest file of a model: more than the device memory of any machine that would load it.
pub const MAX_MODEL_FILE_BYTES: u64 = 512 * 1024 * 1024 * 1024;
/// What a model file must leave free: results and the database are on the same disk, and they come first.
pub const KEPT_FREE_BYTES: u64 = 512 * 1024 * 1024;
/// Bytes between two looks at the free space, of a sender that did not say how many will come.
const LOOK_EVERY_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes that are collected before they go to the disk.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Why a file was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// The disk is full, or would be.
    #[error(
        "{needed} bytes more would leave less than {KEPT_FREE_BYTES} of {free} free in the studio's data directory: free some space"
    )]
    NoRoom {
        /// What was still to come, as far as it is known.
        needed: u64,
        /// What is free.
        free: u64,
    },
    /// Larger than any model.
    #[error("the file is larger than {MAX_MODEL_FILE_BYTES} bytes")]
    TooLarge,
    /// The sender stopped or broke the stream.
    #[error("the upload ended early: {0}")]
    Sender(String),
    /// Not the file that the registry names.
    #[error("the file has the SHA-256 {found}, the registry says {expected}")]
    WrongHash {
        /// As the registry says.
        expected: String,
        /// Of what came.
        found: String,
    },
    /// The disk.
    #[error("the folder of model files")]
    Io(#[from] io::Error),
}

impl ModelFiles {
    /// Stores a stream as a file of `model`; what was there under that name is replaced once the new one is whole.
    pub async fn put<E: std::fmt::Display>(
        &self,
        model: &str,
        filename: &str,
        announced: Option<u64>,
        expected: Option<&str>,
        stream: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<StoredFile, ModelFileError> {
        if announced.is_some_and(|bytes| bytes > MAX_MODEL_FILE_BYTES) {
            return Err(ModelFileError::TooLarge);
        }
        check_room(self.root(), announced.unwrap_or(0))?;
        let incoming = self.root().join(INCOMING).join(Uuid::new_v4().simple().to_string());
        let taken = self.take(&incoming, expected, stream).await;
        let placed = match taken {
            Ok(stored) => self.place(&incoming, model, filename, &stored).await.map(|()| stored),
            Err(error) => Err(error),
        };
        if placed.is_err() {
            // It fails when the file never came into being, which is fine too.
            let _ = fs::remove_file(&incoming).await;
        }
        placed
    }

    async fn take<E: std::fmt::Display>(
        &self,
        path: &Path,
        expected: Option<&str>,
        stream: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<StoredFile, ModelFileError> {
        let mut stream = std::pin::pin!(stream);
        let mut file = tokio::io::BufWriter::with_capacity(CHUNK_BYTES, File::create(path).await?);
        let mut hash = Sha256::new();
        let (mut bytes, mut looked) = (0, 0);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| ModelFileError::Sender(error.to_string()))?;
            bytes += chunk.len() as u64;
            if bytes > MAX_MODEL_FILE_BYTES {
                return Err(ModelFileError::TooLarge);
            }
            if bytes - looked > LOOK_EVERY_BYTES {
                check_room(self.root(), 0)?;
                looked = bytes;
            }
            hash.update(&chunk);
            file.write_all(&chunk).await.map_err(|error| full(error, self.root()))?;
        }
        file.flush().await.map_err(|error| full(error, self.root()))?;
        file.get_ref().sync_all().await?;
        let sha256 = hex::encode(hash.finalize());
        match expected {
            Some(expected) if expected != sha256 => {
                Err(ModelFileError::WrongHash { expected: expected.to_owned(), found: sha256 })
            }
            _ => Ok(StoredFile { sha256, bytes }),
        }
    }

    async fn place(
        &self,
        incoming: &Path,
        model: &str,
        filename: &str,
        stored: &StoredFile,
    ) -> Result<(), ModelFileError> {
        let folder = self.folder(model);
        fs::create_dir_all(&folder).await?;
        fs::rename(incoming, folder.join(filename)).await?;
        self.note(model, filename, stored)?;
        Ok(())
    }
}

fn full(error: io::Error, root: &Path) -> ModelFileError {
    if is_disk_full(&error) {
        ModelFileError::NoRoom { needed: CHUNK_BYTES as u64, free: free(root).unwrap_or(0) }
    } else {
        ModelFileError::Io(error)
    }
}

/// Refuses what would leave too little.
pub fn check_room(root: &Path, needed: u64) -> Result<(), ModelFileError> {
    match free(root) {
        Some(free) if free < needed.saturating_add(KEPT_FREE_BYTES) => {
            Err(ModelFileError::NoRoom { needed, free })
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn free(root: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(root).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Without a look ahead the disk itself says when it is full.
#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(
        parts: &[Result<&'static str, &'static str>],
    ) -> impl Stream<Item = Result<Bytes, &'static str>> {
        futures_util::stream::iter(parts.iter().map(|part| part.map(Bytes::from)).collect::<Vec<_>>())
    }

    fn left(files: &ModelFiles) -> usize {
        std::fs::read_dir(files.root().join(INCOMING)).unwrap().count()
    }

    #[tokio::test]
    async fn a_file_is_in_place_when_it_is_whole_and_right() {
        let dir = tempfile::tempdir().unwrap();
        let files = ModelFiles::open(dir.path()).unwrap();
        let hash = hex::encode(Sha256::digest(b"hello"));
        let put = files.put("m", "a", Some(5), Some(&hash), stream(&[Ok("he"), Ok("llo")])).await.unwrap();
        assert_eq!(put, StoredFile { sha256: hash.clone(), bytes: 5 });
        assert_eq!(std::fs::read(files.folder("m").join("a")).unwrap(), b"hello");
        let error = files.put("m", "a", None, Some(&hash), stream(&[Ok("jello")])).await.unwrap_err();
        assert!(matches!(error, ModelFileError::WrongHash { .. }), "{error}");
        let error = files.put("m", "a", None, None, stream(&[Ok("he"), Err("reset")])).await.unwrap_err();
        assert!(matches!(&error, ModelFileError::Sender(why) if why == "reset"), "{error}");
        assert_eq!(std::fs::read(files.folder("m").join("a")).unwrap(), b"hello", "the old one stays");
        assert_eq!((files.held("m").get("a"), left(&files)), (Some(&put), 0));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused_before_it_comes() {
        let dir = tempfile::tempdir().unwrap();
        let files = ModelFiles::open(dir.path()).unwrap();
        let put =
            async |announced| files.put("m", "a", Some(announced), None, stream(&[])).await.unwrap_err();
        assert!(matches!(put(u64::MAX).await, ModelFileError::TooLarge));
        if let Some(free) = free(dir.path()).filter(|free| *free < MAX_MODEL_FILE_BYTES) {
            assert!(matches!(put(free).await, ModelFileError::NoRoom { .. }));
        }
        assert!(matches!(check_room(dir.path(), u64::MAX), Err(ModelFileError::NoRoom { .. })));
        assert_eq!(left(&files), 0);
    }
}
