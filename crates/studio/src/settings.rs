//! How a studio was started, checked.

use std::net::SocketAddr;
use std::path::PathBuf;

use studio_protocol::MAX_ARTEFACT_BYTES;

/// Everything that `studio serve` may be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Database, artefacts, admin key.
    pub data_dir: PathBuf,
    /// Certificate chain and key, PEM; absent: plain HTTP, on loopback or behind a proxy.
    pub tls: Option<TlsFiles>,
    /// Take the client's address from the last `X-Forwarded-For` entry.
    pub trust_proxy: bool,
    /// The largest artefact that is taken.
    pub max_artefact_bytes: u64,
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
        Self { listen, data_dir, tls: None, trust_proxy: false, max_artefact_bytes: MAX_ARTEFACT_BYTES }
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("studio.db")
    }

    /// The folder of the artefact store.
    pub fn artefacts(&self) -> PathBuf {
        self.data_dir.join("artefacts")
    }

    /// The file that holds the first admin key.
    pub fn admin_key(&self) -> PathBuf {
        self.data_dir.join("admin.key")
    }
}
