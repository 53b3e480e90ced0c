//! What the daemon knows of its engines before it starts one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use engine_protocol::{Description, synthetic};

/// Which engines there are, and how patient the daemon is with them.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// By the word of `modelSource.engine`.
    pub programs: BTreeMap<String, EngineProgram>,
    /// Where engine processes start; made when missing.
    pub work_dir: PathBuf,
    /// Holds a folder for each model that has files.
    pub models_root: PathBuf,
    /// An engine without a job for this long is stopped, which gives its memory back.
    pub idle_ttl: Duration,
    /// From the start of the process to `ready`.
    pub start_limit: Duration,
    /// The longest silence while a model loads.
    pub load_limit: Duration,
    /// The longest silence while a job runs.
    pub step_limit: Duration,
}

impl EngineSettings {
    /// Usual patience: a model of tens of GB on a slow disk may load, a step on a CPU may take minutes.
    pub fn new(work_dir: impl Into<PathBuf>, models_root: impl Into<PathBuf>) -> Self {
        Self {
            programs: BTreeMap::new(),
            work_dir: work_dir.into(),
            models_root: models_root.into(),
            idle_ttl: Duration::from_mins(5),
            start_limit: Duration::from_secs(30),
            load_limit: Duration::from_mins(10),
            step_limit: Duration::from_mins(5),
        }
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
