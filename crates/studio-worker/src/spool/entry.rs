//! What is written about a result, and whether it can still be trusted.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use studio_protocol::{JobId, TaskKind, WorkerId};
use worker_core::{Output, SpoolEntry};

/// Of the layout below; a reader refuses others.
const VERSION: u32 = 1;

/// Why a result in the spool is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is not what was written.
    #[error("it is damaged: {0}")]
    Json(#[from] serde_json::Error),
    /// A newer worker wrote it.
    #[error("it has layout {0}, this worker knows {VERSION}")]
    Version(u32),
    /// Bytes are missing or others.
    #[error("its content is not what was written")]
    Content,
}

impl Unusable {
    /// Whether it will be as useless later.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Io(error) => error.kind() == io::ErrorKind::NotFound,
            Self::Json(_) | Self::Content => true,
            Self::Version(_) => false,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    version: u32,
    job_id: &'a JobId,
    worker_id: &'a WorkerId,
    attempt: Option<u32>,
    kind: TaskKind,
    prompt: &'a str,
    /// Of the result's text, or of the file.
    sha256: String,
    result: Option<&'a RawValue>,
    file: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    version: u32,
    job_id: JobId,
    worker_id: WorkerId,
    attempt: Option<u32>,
    kind: TaskKind,
    prompt: String,
    sha256: String,
    result: Option<Box<RawValue>>,
    file: Option<Payload>,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    /// Of the format.
    ext: String,
    /// Beside this file.
    name: String,
    bytes: u64,
}

pub(super) fn encode(entry: &SpoolEntry, payload: Option<&Path>) -> io::Result<Vec<u8>> {
    let (result, file, sha256) = match (&entry.output, payload) {
        (Output::Json(result), _) => (Some(&**result), None, hex::encode(Sha256::digest(result.get()))),
        (Output::File { ext, path }, payload) => {
            let path = payload.unwrap_or(path);
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let (sha256, bytes) = hash_file(path)?;
            (None, Some(Payload { ext: ext.clone(), name, bytes }), sha256)
        }
    };
    let written = Written {
        version: VERSION,
        job_id: &entry.job_id,
        worker_id: &entry.worker_id,
        attempt: entry.attempt,
        kind: entry.kind,
        prompt: &entry.prompt,
        sha256,
        result,
        file,
    };
    serde_json::to_vec(&written).map_err(io::Error::other)
}

/// Reads a result; a JSON result is checked whole, a file by its length.
pub(super) fn read(meta: &Path) -> Result<SpoolEntry, Unusable> {
    let read = read_meta(meta)?;
    let output = match (read.result, read.file) {
        (Some(result), None) if hex::encode(Sha256::digest(result.get())) == read.sha256 => {
            Output::Json(result)
        }
        (None, Some(file)) => {
            let path = meta.with_file_name(&file.name);
            if fs::metadata(&path)?.len() != file.bytes {
                return Err(Unusable::Content);
            }
            Output::File { path, ext: file.ext }
        }
        _ => return Err(Unusable::Content),
    };
    let Read { job_id, worker_id, attempt, kind, prompt, .. } = read;
    Ok(SpoolEntry { job_id, worker_id, attempt, kind, prompt, output })
}

pub(super) fn verify_payload(meta: &Path) -> Result<(), Unusable> {
    let read = read_meta(meta)?;
    let Some(file) = read.file else { return Ok(()) };
    let (sha256, bytes) = hash_file(&meta.with_file_name(&file.name))?;
    if (sha256, bytes) == (read.sha256, file.bytes) { Ok(()) } else { Err(Unusable::Content) }
}

/// The format of a result's file, if it has one and can be read.
pub(super) fn ext_of(meta: &Path) -> Option<String> {
    read_meta(meta).ok()?.file.map(|file| file.ext)
}

fn read_meta(meta: &Path) -> Result<Read, Unusable> {
    let read: Read = serde_json::from_slice(&fs::read(meta)?)?;
    if read.version != VERSION {
        return Err(Unusable::Version(read.version));
    }
    Ok(read)
}

fn hash_file(path: &Path) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let bytes = io::copy(&mut File::open(path)?, &mut hash)?;
    Ok((hex::encode(hash.finalize()), bytes))
}
