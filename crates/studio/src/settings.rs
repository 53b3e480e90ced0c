//! How a studio was started, checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use studio_protocol::MAX_ARTEFACT_BYTES;

use crate::webhooks::DELAYS;

/// How long a client of `/v1` may wait for its answer unless the operator says otherwise: what such clients allow by
/// themselves.
pub const CLIENT_WAIT: Duration = Duration::from_mins(10);
/// Clients whose jobs wait at once unless the operator says otherwise: a minute's work of a fleet, and no more open
/// connections than a proxy in front keeps.
pub const CLIENT_LINE: usize = 256;

/// The folder of model files in a data directory.
pub const MODELS: &str = "models";

/// Everything that `studio serve` may be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Database, artefacts, admin key.
    pub data_dir: PathBuf,
    /// Certificate chain and key, PEM; absent: plain HTTP, on loopback or behind a proxy.
    pub tls: Option<TlsFiles>,
    /// How workers reach the studio, for addresses that it tells them; absent: as each of them asked.
    pub public_url: Option<String>,
    /// Take addresses and scheme of a request from the last entries of the `X-Forwarded-` headers.
    pub trust_proxy: bool,
    /// The largest artefact that is taken.
    pub max_artefact_bytes: u64,
    /// Webhooks may be posted to addresses of the local network and of this machine.
    pub allow_private_webhooks: bool,
    /// Waits between the tries of a webhook delivery; one more try than there are waits.
    pub webhook_delays: Vec<Duration>,
    /// Unpack the starter model when its files are not there.
    pub starter_model: bool,
    /// How long a client of `/v1` may wait for its answer.
    pub client_wait: Duration,
    /// Clients of `/v1` whose jobs may wait at once; more are asked to come back.
    pub client_line: usize,
}

/// PEM files.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The leaf's key.
    pub key: PathBuf,
}

impl Settings {
    /// The usual settings for `data_dir`.
    pub fn new(listen: SocketAddr, data_dir: PathBuf) -> Self {
        Self {
            listen,
            data_dir,
            tls: None,
            public_url: None,
            trust_proxy: false,
            max_artefact_bytes: MAX_ARTEFACT_BYTES,
            allow_private_webhooks: false,
            webhook_delays: DELAYS.to_vec(),
            starter_model: true,
            client_wait: CLIENT_WAIT,
            client_line: CLIENT_LINE,
        }
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("studio.db")
    }

    /// The folder of the artefact store.
    pub fn artefacts(&self) -> PathBuf {
        self.data_dir.join("artefacts")
    }

    /// The folder of model files that the studio serves.
    pub fn models(&self) -> PathBuf {
        self.data_dir.join(MODELS)
    }

    /// A private file with lines `host token`, for model hubs that want one.
    pub fn hub_tokens(&self) -> PathBuf {
        self.data_dir.join("hub-tokens")
    }

    /// The file that holds what the studio signs with.
    pub fn signing_key(&self) -> PathBuf {
        self.data_dir.join("studio.key")
    }

    /// The file that holds the first admin key.
    pub fn admin_key(&self) -> PathBuf {
        self.data_dir.join("admin.key")
    }
}
