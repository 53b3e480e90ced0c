//! What is asked of the engines, and what they tell of their jobs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::value::RawValue;
use studio_protocol::{JobId, LogLevel, ModelSource, Stage, Task};

/// One job for an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineJob {
    /// Names the job in every event about it.
    pub job_id: JobId,
    /// Of the claim; for the log.
    pub attempt: Option<u32>,
    /// Which engine: the word of `modelSource.engine`.
    pub engine: String,
    /// The registry's name of the model.
    pub model: String,
    /// Its files and defaults.
    pub source: ModelSource,
    /// Device memory that the studio thinks it needs, GiB.
    pub vram_gb: f64,
    /// What to make.
    pub task: Task,
    /// A folder for the result's file; made when it is needed.
    pub out_dir: PathBuf,
    /// What the task names by address, and the file that holds it.
    pub inputs: BTreeMap<String, String>,
    /// Whether [`JobEvent::Delta`] is wanted.
    pub stream: bool,
    /// Whether [`JobEvent::Preview`] is wanted.
    pub preview: bool,
    /// The span of the claim, for logs.
    pub traceparent: Option<String>,
}

/// What happens to a job; every job ends with exactly one of `Finished`, `Failed` and `Stopped`.
#[derive(Debug, Clone)]
pub enum JobEvent {
    /// It has come this far. Not rate-limited; dropped when the reader falls behind.
    Progress {
        /// The job.
        job_id: JobId,
        /// Steps done.
        step: u32,
        /// Steps in all, 0 when unknown.
        steps: u32,
        /// Estimated time left.
        eta_ms: Option<u64>,
        /// `Loading` or `Running`.
        stage: Stage,
    },
    /// A line of an engine's stderr; dropped when the reader falls behind or the engine floods it.
    Log {
        /// The only job that ran then.
        job_id: Option<JobId>,
        /// How grave.
        level: LogLevel,
        /// Starts with the engine's name.
        message: String,
    },
    /// The next piece of a text.
    Delta {
        /// The job.
        job_id: JobId,
        /// From 0, without a gap.
        index: u64,
        /// What was said.
        text: String,
        /// What was thought.
        reasoning: Option<String>,
    },
    /// What a picture looks like so far; dropped when the reader falls behind.
    Preview {
        /// The job.
        job_id: JobId,
        /// Of the picture.
        mime: String,
        /// Base64.
        data: String,
    },
    /// It is done.
    Finished {
        /// The job.
        job_id: JobId,
        /// What it made.
        output: Output,
        /// From the moment when the engine got it, its model loaded.
        took: Duration,
    },
    /// It could not be done.
    Failed {
        /// The job.
        job_id: JobId,
        /// For a person; with the engine's last words where it died.
        error: String,
        /// Whether another try may succeed.
        retryable: bool,
    },
    /// It does not fit the memory that is free; later, or elsewhere, it may.
    OutOfMemory {
        /// The job.
        job_id: JobId,
        /// For a person; names what was needed and what was there.
        error: String,
    },
    /// It was cancelled, or all engines were stopped.
    Stopped {
        /// The job.
        job_id: JobId,
    },
}

impl JobEvent {
    /// Which job it is about; a line of a log may be about none.
    pub fn job(&self) -> Option<&JobId> {
        match self {
            Self::Log { job_id, .. } => job_id.as_ref(),
            Self::Progress { job_id, .. }
            | Self::Delta { job_id, .. }
            | Self::Preview { job_id, .. }
            | Self::Finished { job_id, .. }
            | Self::Failed { job_id, .. }
            | Self::OutOfMemory { job_id, .. }
            | Self::Stopped { job_id } => Some(job_id),
        }
    }

    /// Whether nothing more comes of the job.
    pub fn is_end(&self) -> bool {
        match self {
            Self::Finished { .. } | Self::Failed { .. } | Self::OutOfMemory { .. } | Self::Stopped { .. } => {
                true
            }
            Self::Progress { .. } | Self::Log { .. } | Self::Delta { .. } | Self::Preview { .. } => false,
        }
    }
}

/// What a job made.
#[derive(Debug, Clone)]
pub enum Output {
    /// For `completeJson`, as the engine wrote it.
    Json(Box<RawValue>),
    /// For an upload; inside of the job's `out_dir`, and now the receiver's to delete.
    File {
        /// Where it is.
        path: PathBuf,
        /// The extension, as the task wrote it.
        ext: String,
    },
}
