//! What the owner of a store decides.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use crate::Secret;

/// Bytes of the disk that downloads leave alone: room for logs, results and the rest of the system.
pub const DEFAULT_RESERVE_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// More is a slip of the pen: it would refuse every download.
pub(crate) const MAX_RESERVE_BYTES: u64 = 1024 * 1024 * 1024 * 1024;
/// Files at a time: enough to hide the latency of small ones, few enough to finish some.
pub const DEFAULT_PARALLEL_FILES: usize = 3;
/// More connections than hosts like.
pub(crate) const MAX_PARALLEL_FILES: usize = 16;

/// Where models live and how much room they may take.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder with a folder for each model.
    pub root: PathBuf,
    /// What all models together may take; without a cap nothing is evicted.
    pub disk_cap: Option<u64>,
    /// Free bytes that are left alone, usually [`DEFAULT_RESERVE_BYTES`].
    pub reserve: u64,
    /// Files that are downloaded side by side, usually [`DEFAULT_PARALLEL_FILES`].
    pub parallel_files: usize,
    /// How they are fetched.
    pub web: WebSettings,
}

impl Settings {
    /// A store in `root` with the usual limits.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            disk_cap: None,
            reserve: DEFAULT_RESERVE_BYTES,
            parallel_files: DEFAULT_PARALLEL_FILES,
            web: WebSettings::default(),
        }
    }
}

/// How other machines are asked.
#[derive(Debug, Clone, Default)]
pub struct WebSettings {
    /// Sent as `User-Agent`.
    pub user_agent: Option<String>,
    /// Bytes a second over all downloads.
    pub bandwidth: Option<u64>,
    /// A private file (0600) with lines `host token`.
    pub tokens: Option<PathBuf>,
    /// The studio itself.
    pub trusted: Option<Trusted>,
    /// A PEM file to trust beside the system's certificates.
    pub ca: Option<PathBuf>,
    /// How long to wait.
    pub patience: Patience,
}

/// A server that is the project's own: plain http on any host is fine there, and it gets `bearer`.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// Everything below this address.
    pub base: Url,
    /// Its `Authorization`.
    pub bearer: Option<Secret>,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// TCP and TLS.
    pub connect: Duration,
    /// Without a byte for this long a connection is given up.
    pub stall: Duration,
    /// The first wait after a failure; doubled with each in a row.
    pub backoff: Duration,
    /// The longest wait after a failure.
    pub backoff_cap: Duration,
    /// The longest `Retry-After` that is waited for.
    pub retry_after_cap: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: studio_protocol::CONNECT_LIMIT,
            stall: Duration::from_secs(30),
            backoff: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(30),
            // Hosts that limit rates ask for a window of a few minutes.
            retry_after_cap: Duration::from_mins(5),
        }
    }
}
