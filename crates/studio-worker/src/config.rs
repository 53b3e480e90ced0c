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
    /// Jobs of one kind at once.
    pub slots: u32,
    /// 0: without a limit.
    pub ws_reconnect_attempts: u32,
    /// How long a running job may go on after a signal.
    pub shutdown_grace: Duration,
    /// Where log files go.
    pub log_dir: Option<PathBuf>,
    /// Where engine programs (`studio-engine-NAME`) lie.
    pub engines_dir: Option<PathBuf>,
    /// Of the local API.
    pub local_api_port: u16,
    /// Whether the worker updates itself.
    pub auto_update_enabled: bool,
    /// How often it looks for an update.
    pub auto_update_interval: Duration,
    /// Where it looks.
    pub auto_update_feed: Option<String>,
    /// Top-level keys that this version does not know.
    pub unknown_keys: Vec<String>,
}
