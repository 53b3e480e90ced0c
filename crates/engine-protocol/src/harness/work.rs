//! What a running job or load can say and ask.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::flag::Flag;
use super::wire::Wire;
use crate::{Delta, Event, Failure, Heartbeat, Loading, Preview, Progress, Run};

/// The surroundings of one running job.
#[derive(Debug)]
pub struct Work<'a> {
    pub(super) wire: &'a Wire,
    pub(super) run: &'a Run,
    pub(super) cancelled: Arc<Flag>,
    pub(super) next_delta: AtomicU64,
}

/// Characters of a job's id that become a file name.
const MAX_NAME_CHARS: usize = 80;

impl Work<'_> {
    /// Where the result's file goes.
    pub fn out_path(&self, ext: &str) -> Result<PathBuf, Failure> {
        let Some(dir) = &self.run.out_dir else {
            return Err(Failure::internal("the daemon gave no outDir for a result that is a file"));
        };
        // The id is the studio's text: only what is harmless in a path is kept of it.
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let name: String = self.run.job_id.as_str().chars().take(MAX_NAME_CHARS).map(plain).collect();
        Ok(PathBuf::from(dir).join(format!("{name}.{ext}")))
    }

    /// How far the job has come; the daemon takes it as a sign of life.
    pub fn progress(&self, step: u32, steps: u32, left: Option<Duration>) {
        let eta_ms = left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        self.say(&Event::Progress(Progress { job_id: self.run.job_id.clone(), step, steps, eta_ms }));
    }

    /// A sign of life where nothing can be counted.
    pub fn heartbeat(&self) {
        self.say(&Event::Heartbeat(Heartbeat { job_id: Some(self.run.job_id.clone()) }));
    }

    /// A small picture so far, base64; said only when it is wanted.
    pub fn preview(&self, mime: impl Into<String>, data: impl Into<String>) {
        if self.run.preview {
            let (mime, data) = (mime.into(), data.into());
            self.say(&Event::Preview(Preview { job_id: self.run.job_id.clone(), mime, data }));
        }
    }

    /// The next piece of the text; said only when it is wanted.
    pub fn delta(&self, text: impl Into<String>, reasoning: Option<String>) {
        if self.run.stream {
            let index = self.next_delta.fetch_add(1, Ordering::Relaxed);
            let text = text.into();
            self.say(&Event::Delta(Delta { job_id: self.run.job_id.clone(), index, text, reasoning }));
        }
    }

    /// Whether the job was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_raised()
    }

    /// An error once the job is cancelled: `work.check()?` between steps.
    pub fn check(&self) -> Result<(), Failure> {
        if self.is_cancelled() { Err(Failure::cancelled()) } else { Ok(()) }
    }

    /// Waits for `time`, or until the job is cancelled.
    pub fn pause(&self, time: Duration) -> Result<(), Failure> {
        if self.cancelled.wait(time) { Err(Failure::cancelled()) } else { Ok(()) }
    }

    /// Bytes that are no frame, for the faults of the synthetic engine.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        self.wire.raw(bytes);
    }

    fn say(&self, event: &Event) {
        // Only a preview or a delta can be too large, and both may be missed.
        let _ = self.wire.say(event);
    }
}

/// The surroundings of one load.
#[derive(Debug)]
pub struct LoadWork<'a> {
    pub(super) wire: &'a Wire,
    pub(super) model: &'a str,
}

impl LoadWork<'_> {
    /// How far the load has come; the daemon takes it as a sign of life.
    pub fn loading(&self, step: u32, steps: u32) {
        let _ = self.wire.say(&Event::Loading(Loading { model: self.model.to_owned(), step, steps }));
    }

    /// A sign of life where nothing can be counted.
    pub fn heartbeat(&self) {
        let _ = self.wire.say(&Event::Heartbeat(Heartbeat { job_id: None }));
    }
}
