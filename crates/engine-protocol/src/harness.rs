//! Makes a program an engine: implement [`Engine`], call [`serve`] from `main`.
//!
//! The main thread reads commands, [`Description::slots`] threads work.
//! Standard output belongs to the protocol: whatever else the program or its libraries print goes to stderr.
//! When standard input ends, the daemon is gone, and the process ends at once, even in the middle of a job.

mod flag;
mod orphan;
mod reader;
mod wire;
mod work;
mod workers;

use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{Description, Failure, Load, Run};

pub use work::{LoadWork, Work};

/// What an engine program knows how to do; called from the threads of the harness.
pub trait Engine: Send + Sync + 'static {
    /// What it is and what it can do; asked once.
    fn describe(&self) -> Description;

    /// Brings a model into memory; never called while a job runs. Says what it takes of the device's memory.
    fn load(&self, load: &Load, work: &LoadWork<'_>) -> Result<Option<u64>, Failure>;

    /// Does a job of a loaded model; [`Work::check`] between steps makes it stop when it is cancelled.
    fn run(&self, run: &Run, work: &Work<'_>) -> Result<Output, Failure>;

    /// Frees a model's memory; never called while a job runs.
    fn unload(&self, model: &str);

    /// What it holds of the device's memory, where it knows.
    fn memory_bytes(&self) -> Option<u64> {
        None
    }
}

/// What a job made.
#[derive(Debug)]
pub enum Output {
    /// For kinds whose result is JSON.
    Json(Box<RawValue>),
    /// A complete file at [`Work::out_path`] of this extension.
    File {
        /// The extension that the task asked for.
        ext: String,
    },
}

impl Output {
    /// A JSON result.
    pub fn json<T: Serialize>(value: &T) -> Result<Self, Failure> {
        to_raw_value(value).map(Self::Json).map_err(|e| Failure::internal(format!("result is not JSON: {e}")))
    }
}

/// The variable by which a worker's owner limits the threads of every engine.
pub const THREADS_VARIABLE: &str = "STUDIO_ENGINE_THREADS";

/// Threads that an engine computes with where its model states none: what the owner allows, else all processors.
pub fn threads() -> usize {
    let allowed = std::env::var(THREADS_VARIABLE).ok().and_then(|text| text.parse().ok());
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    allowed.filter(|threads| *threads > 0).unwrap_or_else(all)
}

/// Serves commands until `shutdown` or until the daemon is gone.
pub fn serve(engine: impl Engine) -> ExitCode {
    orphan::die_with_parent();
    orphan::leave_signals_to_parent();
    let wire = match wire::Wire::take_stdout() {
        Ok(wire) => wire,
        Err(problem) => {
            eprintln!("error: standard output cannot be used: {problem}");
            return ExitCode::FAILURE;
        }
    };
    let description = engine.describe();
    let bench = Arc::new(workers::Bench::new(engine, wire));
    reader::serve(&bench, &description)
}
