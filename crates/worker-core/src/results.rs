//! A finished result on its way to the studio.

use std::path::PathBuf;

use serde_json::value::RawValue;
use studio_protocol::{JobId, TaskKind, WorkerId};

/// What a job made.
#[derive(Debug, Clone)]
pub enum Output {
    /// Reported in a frame.
    Json(Box<RawValue>),
    /// Uploaded.
    File {
        /// Where the bytes lie; the shell that spools it may move them.
        path: PathBuf,
        /// The format.
        ext: String,
    },
}

/// A result that is kept until the studio acknowledged it or refused it for good.
#[derive(Debug, Clone)]
pub struct SpoolEntry {
    /// Of which job.
    pub job_id: JobId,
    /// For which worker identity; another one cannot report it.
    pub worker_id: WorkerId,
    /// Of which try.
    pub attempt: Option<u32>,
    /// What sort of thing it is.
    pub kind: TaskKind,
    /// The full prompt, unmodified.
    pub prompt: String,
    /// What was made.
    pub output: Output,
}
