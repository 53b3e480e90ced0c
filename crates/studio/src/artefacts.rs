//! The bytes that jobs made: streamed in and out, hashed on the way.
//!
//! A key is used for one upload only, so stored bytes never change; a key that no database row names is
//! left over from an upload that did not end, and is swept at the next start.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};
use studio_runtime::is_disk_full;

/// Bytes that are collected before they go to the store: large enough to be quick, small enough for many uploads.
const CHUNK_BYTES: usize = 256 * 1024;

/// Where artefacts are kept; clones share the place.
#[derive(Clone)]
pub struct Artefacts {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
}

/// What an upload came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredArtefact {
    /// Lowercase hex.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
}

/// Why an artefact was not stored or found.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    /// The disk under the artefact store.
    #[error("no space is left for artefacts: free some, the upload can be sent again")]
    Full,
    /// More than the studio takes.
    #[error("the artefact is larger than {0} bytes, the limit of this studio")]
    TooLarge(u64),
    /// The sender stopped or broke the stream.
    #[error("the upload ended early: {0}")]
    Sender(String),
    /// No such artefact.
    #[error("no artefact is stored as `{0}`")]
    NotFound(String),
    /// The store itself.
    #[error("artefact store: {0}")]
    Store(#[from] object_store::Error),
}

impl Artefacts {
    /// Keeps artefacts in a folder of this machine; written files are on the disk before an upload is answered.
    pub fn local(folder: &Path) -> Result<Self, ArtefactError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| object_store::Error::Generic { store: "folder", source: Box::new(error) })?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: folder.to_owned() })
    }

    /// Stores a stream under a key of its own; nothing stays behind when it fails.
    pub async fn put<E: std::fmt::Display>(
        &self,
        key: &str,
        max_bytes: u64,
        stream: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<StoredArtefact, ArtefactError> {
        let mut upload = self.store.put_multipart(&Key::from(key)).await.map_err(told)?;
        match feed(upload.as_mut(), max_bytes, stream).await {
            Ok(stored) => Ok(stored),
            Err(error) => {
                if let Err(abort) = upload.abort().await {
                    tracing::debug!(key, %abort, "an unfinished upload is left for the sweep");
                }
                Err(error)
            }
        }
    }

    /// Opens an artefact, or a range of its bytes.
    pub async fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
    ) -> Result<BoxStream<'static, Result<Bytes, object_store::Error>>, ArtefactError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.store.get_opts(&Key::from(key), options).await {
            Ok(found) => Ok(found.into_stream()),
            Err(object_store::Error::NotFound { .. }) => Err(ArtefactError::NotFound(key.to_owned())),
            Err(error) => Err(told(error)),
        }
    }

    /// Deletes an artefact; that it is gone already is fine.
    pub async fn delete(&self, key: &str) -> Result<(), ArtefactError> {
        match self.store.delete(&Key::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(told(error)),
        }
    }

    /// Deletes what uploads had written when the studio was killed, and returns how many; none may be under way.
    ///
    /// An upload writes beside its key, to a name that no key can have: such files stand in no list of keys.
    pub async fn remove_unfinished(&self) -> std::io::Result<usize> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || remove_staged(&folder)).await?
    }

    /// Every key in the store.
    pub async fn keys(&self) -> Result<Vec<String>, ArtefactError> {
        Ok(self.store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await?)
    }
}

fn remove_staged(folder: &Path) -> std::io::Result<usize> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove_staged(&entry.path())?;
        } else if is_staged(&entry.file_name().to_string_lossy()) {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// `object_store` writes to `KEY#NUMBER` until an upload is complete.
fn is_staged(name: &str) -> bool {
    let number = name.rsplit_once('#').map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

async fn feed<E: std::fmt::Display>(
    upload: &mut dyn MultipartUpload,
    max_bytes: u64,
    stream: impl Stream<Item = Result<Bytes, E>>,
) -> Result<StoredArtefact, ArtefactError> {
    let mut stream = std::pin::pin!(stream);
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut pending: Vec<Bytes> = Vec::new();
    let mut pending_bytes = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| ArtefactError::Sender(error.to_string()))?;
        bytes += chunk.len() as u64;
        if bytes > max_bytes {
            return Err(ArtefactError::TooLarge(max_bytes));
        }
        hash.update(&chunk);
        pending_bytes += chunk.len();
        pending.push(chunk);
        if pending_bytes >= CHUNK_BYTES {
            pending_bytes = 0;
            upload.put_part(pending.drain(..).collect::<PutPayload>()).await.map_err(told)?;
        }
    }
    if !pending.is_empty() {
        upload.put_part(pending.into_iter().collect::<PutPayload>()).await.map_err(told)?;
    }
    upload.complete().await.map_err(told)?;
    Ok(StoredArtefact { sha256: hex::encode(hash.finalize()), bytes })
}

/// Finds the full disk in a chain of causes.
fn told(error: object_store::Error) -> ArtefactError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(this) = cause {
        if this.downcast_ref::<std::io::Error>().is_some_and(is_disk_full) {
            return ArtefactError::Full;
        }
        cause = this.source();
    }
    ArtefactError::Store(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(parts: &[&'static [u8]]) -> impl Stream<Item = Result<Bytes, &'static str>> {
        futures_util::stream::iter(parts.iter().map(|part| Ok(Bytes::from_static(part))).collect::<Vec<_>>())
    }

    async fn bytes_of(artefacts: &Artefacts, key: &str, range: Option<Range<u64>>) -> Vec<u8> {
        let parts: Vec<Bytes> = artefacts.get(key, range).await.unwrap().try_collect().await.unwrap();
        parts.concat()
    }

    #[tokio::test]
    async fn what_went_in_comes_out_with_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let artefacts = Artefacts::local(dir.path()).unwrap();
        let stored = artefacts.put("job-1/a.webp", 100, chunks(&[b"he", b"llo"])).await.unwrap();
        assert_eq!(stored.bytes, 5);
        assert_eq!(stored.sha256, hex::encode(Sha256::digest(b"hello")));
        assert_eq!(bytes_of(&artefacts, "job-1/a.webp", None).await, b"hello");
        assert_eq!(bytes_of(&artefacts, "job-1/a.webp", Some(1..3)).await, b"el");
        assert_eq!(artefacts.keys().await.unwrap(), ["job-1/a.webp"]);
    }

    #[tokio::test]
    async fn what_a_killed_studio_had_half_written_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let artefacts = Artefacts::local(dir.path()).unwrap();
        artefacts.put("job-1/a", 100, chunks(&[b"whole"])).await.unwrap();
        let mut half = artefacts.store.put_multipart(&Key::from("job-2/b")).await.unwrap();
        half.put_part(PutPayload::from_static(b"half")).await.unwrap();
        // As a kill does: nothing is cleaned up.
        std::mem::forget(half);
        assert_eq!(artefacts.keys().await.unwrap(), ["job-1/a"], "no list names it");
        assert_eq!(artefacts.remove_unfinished().await.unwrap(), 1);
        assert_eq!(std::fs::read_dir(dir.path().join("job-2")).unwrap().count(), 0);
        assert_eq!(bytes_of(&artefacts, "job-1/a", None).await, b"whole");
    }

    #[tokio::test]
    async fn an_upload_that_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let artefacts = Artefacts::local(dir.path()).unwrap();
        let broken = futures_util::stream::iter([Ok(Bytes::from_static(b"half")), Err("connection reset")]);
        let error = artefacts.put("a", 100, broken).await.unwrap_err();
        assert!(matches!(&error, ArtefactError::Sender(why) if why.contains("reset")), "{error}");
        let error = artefacts.put("b", 3, chunks(&[b"too long"])).await.unwrap_err();
        assert!(matches!(error, ArtefactError::TooLarge(3)), "{error}");
        assert!(artefacts.keys().await.unwrap().is_empty());
        assert!(matches!(artefacts.get("a", None).await, Err(ArtefactError::NotFound(_))));
    }
}
