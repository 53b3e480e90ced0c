//! Why files could not be brought, in words that a person can act on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Why a model or an input could not be brought to the disk.
///
/// Addresses in it carry no credentials: user names, passwords and queries are cut.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// A model or a file is named in a way that no folder could take.
    #[error("{0}")]
    Name(String),
    /// The rules for addresses forbid it.
    #[error("`{url}` is refused: {why}")]
    Address {
        /// The address.
        url: String,
        /// Which rule.
        why: String,
    },
    /// The network or the server failed, again and again.
    #[error("could not fetch `{url}`: {why}")]
    Unreachable {
        /// The address.
        url: String,
        /// What happened last.
        why: String,
    },
    /// The server asks to come back later.
    #[error("`{url}` answers {status}{}", later(*after))]
    Busy {
        /// The address.
        url: String,
        /// 429 or 5xx.
        status: u16,
        /// As it asked for.
        after: Option<Duration>,
    },
    /// 404 and 410.
    #[error("not there: {0}")]
    NotThere(String),
    /// 401 and 403 of a model hub.
    #[error(
        "gated: accept the licence at {page} and put a token into {tokens}{}",
        if *sent { " (the token that is there does not open it)" } else { "" }
    )]
    Gated {
        /// Where the licence is.
        page: String,
        /// Where tokens go.
        tokens: String,
        /// Whether one was sent.
        sent: bool,
    },
    /// 401 and 403 of another host.
    #[error("`{url}` answers {status}: it wants a token, put a line `{host} TOKEN` into {tokens}")]
    Forbidden {
        /// The address.
        url: String,
        /// 401 or 403.
        status: u16,
        /// Whose token.
        host: String,
        /// Where tokens go.
        tokens: String,
    },
    /// Another answer that is not the file.
    #[error("`{url}` answers {status}, which is not the file")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server's answer contradicts itself or what is known of the file.
    #[error("`{url}` does not serve the file: {why}")]
    Answer {
        /// The address.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The bytes are not the pinned ones.
    #[error("`{url}` serves other bytes: sha256 {found}, expected {expected}")]
    Hash {
        /// The address.
        url: String,
        /// As the model source says.
        expected: String,
        /// As it was computed.
        found: String,
    },
    /// The tokens file cannot be used.
    #[error("tokens file {}: {why}", path.display())]
    Tokens {
        /// The file.
        path: PathBuf,
        /// What to do.
        why: String,
    },
    /// The disk has no room.
    #[error(
        "not enough room in {}: {} more are needed, {} are free and {} of these are kept in reserve",
        folder.display(), size(*needed), size(*free), size(*reserve)
    )]
    DiskFull {
        /// Where.
        folder: PathBuf,
        /// What is still to come.
        needed: u64,
        /// What the disk has.
        free: u64,
        /// What is left alone.
        reserve: u64,
    },
    /// The cap has no room, and nothing that could go.
    #[error("needs {}, the cap of {} holds {} of models in use", size(*needed), size(*cap), size(*in_use))]
    Cap {
        /// What is still to come.
        needed: u64,
        /// The cap.
        cap: u64,
        /// What cannot be evicted.
        in_use: u64,
    },
    /// The disk failed.
    #[error("could not {what} {}: {error}", path.display())]
    Disk {
        /// `write`, `read`, ...
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        error: Arc<io::Error>,
    },
    /// A job's input is not what it may be.
    #[error("input {name}: {why}")]
    Input {
        /// Which one; data is not quoted.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// No address of a file had it.
    #[error("no address of `{filename}` has it: {}", list(failures))]
    Everywhere {
        /// The file.
        filename: String,
        /// One for each address.
        failures: Vec<FetchError>,
    },
}

impl FetchError {
    /// Whether the same call may succeed later without anybody's help.
    pub fn retryable(&self) -> bool {
        match self {
            // A disk is often full of what is deleted soon.
            Self::Unreachable { .. } | Self::Busy { .. } | Self::DiskFull { .. } | Self::Cap { .. } => true,
            Self::Disk { error, .. } => studio_runtime::is_disk_full(error),
            Self::Everywhere { failures, .. } => failures.iter().any(Self::retryable),
            Self::Name(_)
            | Self::Address { .. }
            | Self::NotThere(_)
            | Self::Gated { .. }
            | Self::Forbidden { .. }
            | Self::Status { .. }
            | Self::Answer { .. }
            | Self::Hash { .. }
            | Self::Tokens { .. }
            | Self::Input { .. } => false,
        }
    }

    pub(crate) fn disk(what: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Disk { what, path: path.to_owned(), error: Arc::new(error) }
    }

    /// Whether the same address may do better in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    /// What a server asked for before the next try.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        if let Self::Busy { after, .. } = self { *after } else { None }
    }

    /// Whether another address of the same file may do better.
    pub(crate) fn is_of_the_source(&self) -> bool {
        match self {
            Self::Address { .. }
            | Self::Unreachable { .. }
            | Self::Busy { .. }
            | Self::NotThere(_)
            | Self::Gated { .. }
            | Self::Forbidden { .. }
            | Self::Status { .. }
            | Self::Answer { .. }
            | Self::Hash { .. } => true,
            Self::Name(_)
            | Self::Tokens { .. }
            | Self::DiskFull { .. }
            | Self::Cap { .. }
            | Self::Disk { .. }
            | Self::Input { .. }
            | Self::Everywhere { .. } => false,
        }
    }
}

/// Why a model was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// Somebody holds it or brings it.
    #[error("model `{0}` is in use")]
    InUse(String),
    /// There is no such folder.
    #[error("no files of a model `{0}` are here")]
    Unknown(String),
    /// The disk failed.
    #[error("could not remove the files of model `{model}`")]
    Disk {
        /// The model.
        model: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// `8.1 GiB`
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

fn later(after: Option<Duration>) -> String {
    after.map_or_else(String::new, |after| format!(" and asks to come back in {} s", after.as_secs()))
}

fn list(failures: &[FetchError]) -> String {
    let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(20 * 1024 * 1024 * 1024), "20.0 GiB");
        assert_eq!(size(u64::MAX), "16777216.0 TiB");
    }

    #[test]
    fn a_full_cap_says_what_holds_it() {
        const GIB: u64 = 1024 * 1024 * 1024;
        let error = FetchError::Cap { needed: 81 * GIB / 10, cap: 20 * GIB, in_use: 142 * GIB / 10 };
        assert_eq!(error.to_string(), "needs 8.1 GiB, the cap of 20.0 GiB holds 14.2 GiB of models in use");
    }
}
