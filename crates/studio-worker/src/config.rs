//! The worker's settings and its registration, as one TOML file that people edit as well.
//!
//! Reading reports every problem with its key and line and changes nothing; writing keeps comments and
//! unknown keys, is atomic, and happens under a lock so that the daemon and the commands do not undo each other.

pub(crate) mod about;
mod change;
mod file;
mod key;
mod problem;
mod shown;
mod template;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use studio_protocol::{ApiBase, TaskKind, Timestamp};
use worker_core::{Identity, Rules};
use worker_local::Notice;

pub use change::{ChangeError, waiting_for_restart};
pub use file::{ConfigFile, EditError};
pub use key::{Key, UnknownKey};
pub use problem::{ConfigError, Problem};
pub(crate) use shown::shown;
pub(crate) use values::MEGABIT;

/// When a pause ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PausedUntil {
    /// At a moment of the clock on the wall.
    At(Timestamp),
    /// Once nobody uses the machine.
    Idle,
}

impl std::fmt::Display for PausedUntil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(at) => write!(f, "{at}"),
            Self::Idle => f.write_str("idle"),
        }
    }
}

impl std::str::FromStr for PausedUntil {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "idle" { Ok(Self::Idle) } else { text.parse().map(Self::At).map_err(|_| ()) }
    }
}

/// A config that was read and is valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// As it was written; [`Config::studio`] is what is used.
    pub api_base_url: String,
    /// Where the studio is reached.
    pub studio: ApiBase,
    /// Who this worker is to it.
    pub identity: Identity,
    /// Device memory that jobs may use, GiB; absent: all of the device's, or half of the system's without a GPU.
    pub vram_threshold_gb: Option<f64>,
    /// Where model files lie.
    pub models_root: Option<PathBuf>,
    /// Models in memory at a time, each in a process of its own.
    pub max_lanes: usize,
    /// When jobs are kept away.
    pub rules: Rules,
    /// Which jobs are taken; absent: all.
    pub accept_kinds: Vec<TaskKind>,
    /// Of which projects; empty: of all.
    pub accept_projects: Vec<String>,
    /// The largest picture or video frame, width times height; absent: any.
    pub accept_max_pixels: Option<u64>,
    /// Takes no offers.
    pub paused: bool,
    /// When that ends by itself.
    pub paused_until: Option<PausedUntil>,
    /// Whether the studio's operator may pause, resume and drain this worker.
    pub remote_control: bool,
    /// Jobs of one kind at once; absent: what its engine runs side by side.
    pub slots: Option<u32>,
    /// 0: without a limit.
    pub ws_reconnect_attempts: u32,
    /// How long a running job may go on after a signal.
    pub shutdown_grace: Duration,
    /// Where log files go.
    pub log_dir: Option<PathBuf>,
    /// Where engine programs (`studio-engine-NAME`) lie.
    pub engines_dir: Option<PathBuf>,
    /// Which engines are used, by the word of `modelSource.engine`; empty: every one that is found.
    pub engines: Vec<String>,
    /// Of the local API; 0: any that is free.
    pub local_api_port: u16,
    /// Days that jobs stay in the history; 0: none is kept.
    pub history_days: u32,
    /// What the desktop is told of.
    pub notify_on: Vec<Notice>,
    /// A model without a job for this long leaves memory.
    pub model_idle: Duration,
    /// Models that are loaded at the start and stay in memory.
    pub resident_models: Vec<String>,
    /// Memory that is left alone when a model is loaded, bytes.
    pub memory_reserve: u64,
    /// What model files may take, bytes; absent: what the disk has, less a reserve.
    pub disk_cap: Option<u64>,
    /// Of all downloads together, bytes a second; absent: without a limit.
    pub download_limit: Option<u64>,
    /// Threads that each engine may compute with; absent: all processors.
    pub engine_threads: Option<u32>,
    /// From the start of an engine's process to its first word.
    pub engine_start_limit: Duration,
    /// The longest silence of an engine while a model loads.
    pub engine_load_limit: Duration,
    /// The longest silence of an engine while a job runs; absent: as usual for its kind.
    pub engine_step_limit: Option<Duration>,
    /// Whether the worker updates itself.
    pub auto_update_enabled: bool,
    /// How often it looks for an update.
    pub auto_update_interval: Duration,
    /// Where it looks.
    pub auto_update_feed: Option<String>,
    /// Top-level keys that this version does not know.
    pub unknown_keys: Vec<String>,
}

impl Config {
    /// Takes over what a running daemon goes by at once; see [`Key::is_live`].
    pub fn take_up(&mut self, new: &Self) {
        let Self { models_root, log_dir, engines_dir, engines, local_api_port, identity, .. } = self.clone();
        let Self { engine_threads, engine_start_limit, engine_load_limit, engine_step_limit, .. } = *self;
        let Self { max_lanes, .. } = *self;
        *self = Self {
            // The daemon knows better than the file who it is.
            identity,
            models_root,
            max_lanes,
            log_dir,
            engines_dir,
            engines,
            local_api_port,
            engine_threads,
            engine_start_limit,
            engine_load_limit,
            engine_step_limit,
            ..new.clone()
        };
    }
}
