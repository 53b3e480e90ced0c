//! The worker's settings and its registration, as one TOML file that people edit as well.
//!
//! Reading reports every problem with its key and line and changes nothing; writing keeps comments and
//! unknown keys, is atomic, and happens under a lock so that the daemon and the commands do not undo each other.

mod file;
mod key;
mod problem;
mod template;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use studio_protocol::ApiBase;
use worker_core::Identity;

pub use file::{ConfigFile, EditError};
pub use key::{Key, UnknownKey};
pub use problem::{ConfigError, Problem};
pub(crate) use values::MEGABIT;

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
    /// Takes offers only while nobody uses the machine.
    pub only_when_idle: bool,
    /// Takes no offers.
    pub paused: bool,
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
