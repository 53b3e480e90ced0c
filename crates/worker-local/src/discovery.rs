//! How a program of the same user finds the daemon: a file that only that user can read.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;

/// Where the daemon listens, and what opens it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub url: String,
    /// The bearer of every request.
    pub token: String,
    /// Of the daemon.
    pub pid: u32,
    /// Of the daemon's program.
    pub version: String,
    /// Since when.
    pub started_at: Timestamp,
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discovery")
            .field("url", &self.url)
            .field("pid", &self.pid)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Why the file says nothing.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// It cannot be read.
    #[error("could not read `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("`{}` is not what a daemon writes; it is written anew at the daemon's next start", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Discovery {
    /// Its name, beside the config file.
    pub const FILE: &str = "local-api.json";

    /// What the daemon of `folder` wrote; `None` where none runs, or its last one ended cleanly.
    pub fn read(folder: &Path) -> Result<Option<Self>, DiscoveryError> {
        let path = folder.join(Self::FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(DiscoveryError::File { path, source }),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|source| DiscoveryError::Content { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_no_daemon_and_a_broken_one_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Discovery::read(dir.path()).unwrap(), None);
        std::fs::write(dir.path().join(Discovery::FILE), "{").unwrap();
        assert!(Discovery::read(dir.path()).unwrap_err().to_string().contains("local-api.json"));
    }

    #[test]
    fn the_token_is_never_shown() {
        let found = Discovery {
            url: "http://127.0.0.1:1".into(),
            token: "secret".into(),
            pid: 1,
            version: "1".into(),
            started_at: Timestamp::from_millis(0),
        };
        assert!(!format!("{found:?}").contains("secret"));
    }
}
