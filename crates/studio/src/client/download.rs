//! Brings artefacts to the disk: streamed, checked, and in place only when whole.

use std::path::Path;

use reqwest::Method;
use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Client, ClientError};
use crate::api::types::ArtefactSummary;

/// What is read from a file at once when it is hashed.
const HASH_CHUNK_BYTES: usize = 256 * 1024;

/// Whether bytes were moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downloaded {
    /// They came over the network.
    Fetched,
    /// The file was there already, with the right hash.
    Present,
}

impl Client {
    /// Stores an artefact as `path`; a file with other content there is replaced once the new one is whole.
    pub async fn download(&self, artefact: &ArtefactSummary, path: &Path) -> Result<Downloaded, ClientError> {
        let failed = |source| ClientError::File { path: path.to_owned(), source };
        if is_there(path, artefact).await {
            return Ok(Downloaded::Present);
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).await.map_err(failed)?;
        }
        let part = path.with_added_extension("part");
        let found = match self.fetch(&artefact.id, &part).await {
            Ok(found) => found,
            Err(error) => {
                // It fails when there is no such file, which is fine too.
                let _ = fs::remove_file(&part).await;
                return Err(error);
            }
        };
        if found != artefact.sha256 {
            let _ = fs::remove_file(&part).await;
            let (what, expected) = (artefact.id.clone(), artefact.sha256.clone());
            return Err(ClientError::Damaged { what, expected, found });
        }
        fs::rename(&part, path).await.map_err(failed)?;
        Ok(Downloaded::Fetched)
    }

    /// The hash of what went to `path`.
    async fn fetch(&self, id: &str, path: &Path) -> Result<String, ClientError> {
        let failed = |source| ClientError::File { path: path.to_owned(), source };
        let mut response = self.send(self.request(Method::GET, &["artefacts", id])?).await?;
        let mut file = File::create(path).await.map_err(failed)?;
        let mut hash = Sha256::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error))? {
            hash.update(&chunk);
            file.write_all(&chunk).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        Ok(hex::encode(hash.finalize()))
    }
}

async fn is_there(path: &Path, artefact: &ArtefactSummary) -> bool {
    let Ok(meta) = fs::metadata(path).await else { return false };
    meta.is_file()
        && meta.len() == artefact.bytes
        && hash_of(path).await.is_ok_and(|hash| hash == artefact.sha256)
}

/// The hash of a file, read in pieces.
pub async fn hash_of(path: &Path) -> std::io::Result<String> {
    hash_of_with(path, |_| {}).await
}

/// The same, telling how many bytes were read each time.
pub async fn hash_of_with(path: &Path, read_bytes: impl Fn(u64)) -> std::io::Result<String> {
    let mut file = File::open(path).await?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; HASH_CHUNK_BYTES];
    loop {
        match file.read(&mut chunk).await? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => {
                hash.update(&chunk[..read]);
                read_bytes(read as u64);
            }
        }
    }
}
