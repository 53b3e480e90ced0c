//! What the daemon knows of its engines before it starts one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use engine_protocol::{Description, synthetic};
use studio_protocol::TaskKind;

use super::memory::{Probe, system_probe};

/// Memory that is left alone when a model is loaded: what the system and its user need to go on, bytes.
pub const DEFAULT_RESERVE: u64 = 1 << 30;

/// Models in memory at a time: as many as anybody uses beside each other; each is a process with its own libraries.
pub const DEFAULT_MAX_LANES: usize = 8;

/// A century: longer than any process lives, and still a moment that clocks can name.
pub(super) const FOREVER: Duration = Duration::from_hours(24 * 365 * 100);

/// Which engines there are, and how patient the daemon is with them.
#[derive(Clone)]
pub struct EngineSettings {
    /// By the word of `modelSource.engine`.
    pub programs: BTreeMap<String, EngineProgram>,
    /// Where engine processes start; made when missing.
    pub work_dir: PathBuf,
    /// Holds a folder for each model that has files.
    pub models_root: PathBuf,
    /// A model without a job for this long leaves memory with its process.
    pub idle_ttl: Duration,
    /// Models that stay in memory once they are there.
    pub resident: BTreeSet<String>,
    /// Memory that is left alone when a model is loaded, bytes.
    pub reserve: u64,
    /// Models in memory at a time.
    pub max_lanes: usize,
    /// Measures what is free.
    pub probe: Probe,
    /// Threads that each engine may compute with; `None`: all processors.
    pub threads: Option<u32>,
    /// From the start of the process to `ready`.
    pub start_limit: Duration,
    /// The longest silence while a model loads.
    pub load_limit: Duration,
    /// The longest silence while a job runs; `None`: as usual for its kind.
    pub step_limit: Option<Duration>,
}

impl std::fmt::Debug for EngineSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineSettings").field("programs", &self.programs).finish_non_exhaustive()
    }
}

impl EngineSettings {
    /// Usual patience: a model of tens of GB on a slow disk may load, a step on a CPU may take minutes.
    pub fn new(work_dir: impl Into<PathBuf>, models_root: impl Into<PathBuf>) -> Self {
        Self {
            programs: BTreeMap::new(),
            work_dir: work_dir.into(),
            models_root: models_root.into(),
            idle_ttl: Duration::from_mins(5),
            threads: None,
            start_limit: Duration::from_secs(30),
            load_limit: Duration::from_mins(10),
            step_limit: None,
            resident: BTreeSet::new(),
            reserve: DEFAULT_RESERVE,
            max_lanes: DEFAULT_MAX_LANES,
            probe: system_probe(),
        }
    }

    /// The longest silence while a job of this kind runs.
    pub(super) fn step_limit(&self, kind: TaskKind) -> Duration {
        self.step_limit.unwrap_or(match kind {
            // A chunk of a prompt, or one sentence, on a slow processor.
            TaskKind::Llm | TaskKind::AudioStt | TaskKind::AudioTts => Duration::from_mins(2),
            // One step of a large model on a processor, or the decoding of a large picture.
            TaskKind::Image => Duration::from_mins(5),
            TaskKind::Video | TaskKind::Mesh => Duration::from_mins(15),
        })
    }

    /// And `program`, which serves models whose source names `engine`.
    #[must_use]
    pub fn with(mut self, engine: impl Into<String>, program: EngineProgram) -> Self {
        self.programs.insert(engine.into(), program);
        self
    }
}

/// How an engine is started.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EngineProgram {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Added to the daemon's own environment, of which an engine never sees `STUDIO_WORKER_*`.
    pub env: Vec<(OsString, OsString)>,
    /// What it can do, where that is known without starting it.
    pub known: Option<Description>,
}

impl EngineProgram {
    /// A program that has to be started to know what it can do.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// The synthetic engine inside of the worker's own executable: `studio-worker engine synthetic`.
    pub fn synthetic(worker: impl Into<PathBuf>) -> Self {
        Self::new(worker).arg("engine").arg(synthetic::NAME).known(synthetic::description())
    }

    /// And an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// And an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// And what it can do.
    #[must_use]
    pub fn known(mut self, description: Description) -> Self {
        self.known = Some(description);
        self
    }
}
