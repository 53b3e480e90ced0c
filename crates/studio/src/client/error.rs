//! Why a request to a studio came to nothing.

use std::path::PathBuf;

use reqwest::StatusCode;

use crate::api::Problem;

/// What a caller can act on.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be one.
    #[error("`{url}` is no address of a studio: {why}")]
    Address {
        /// As it was given.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// No id of the studio looks like this.
    #[error("`{0}` is not an id")]
    Id(String),
    /// The file with certificates.
    #[error("could not read certificates from `{}`: {why}", path.display())]
    Certificate {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Nobody answers, or the answer broke off.
    #[error(
        "no answer from {url}: {why}\nis the studio running there? (`studio serve`, or another address with --url)"
    )]
    Unreachable {
        /// Where.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// The studio says no.
    #[error("{}", told(problem))]
    Refused {
        /// In its own words.
        problem: Box<Problem>,
    },
    /// Something answers that is no studio, or a far newer one.
    #[error("what answers at {url} does not speak the studio's API")]
    NotOurs {
        /// Where.
        url: String,
        /// What could not be read.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// The bytes are not those that the studio hashed.
    #[error(
        "`{what}` arrived damaged: its SHA-256 is {found}, the studio says {expected}; download it again"
    )]
    Damaged {
        /// Which artefact.
        what: String,
        /// By the studio.
        expected: String,
        /// Of what arrived.
        found: String,
    },
    /// The file that a download goes to.
    #[error("could not write `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl ClientError {
    /// From a transport error; its outer layers only repeat the address.
    pub(super) fn unreachable(url: &str, error: &reqwest::Error) -> Self {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Self::Unreachable { url: url.to_owned(), why: cause.to_string() }
    }

    /// From an answer that is not a good one.
    pub(super) fn refused(url: &str, status: StatusCode, body: &[u8]) -> Self {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Self::Refused { problem: Box::new(problem) },
            Err(source) if status.is_client_error() || status.is_redirection() => {
                Self::NotOurs { url: url.to_owned(), source: Some(source) }
            }
            Err(_) => Self::Unreachable { url: url.to_owned(), why: format!("it answers {status}") },
        }
    }

    /// Whether the same request may do better a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { problem } => matches!(problem.status, 500.. | 429),
            Self::Address { .. }
            | Self::Id(_)
            | Self::Certificate { .. }
            | Self::NotOurs { .. }
            | Self::Damaged { .. }
            | Self::File { .. } => false,
        }
    }

    /// The studio's own words, when it was the studio that refused.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem } => Some(problem),
            Self::Address { .. }
            | Self::Id(_)
            | Self::Certificate { .. }
            | Self::Unreachable { .. }
            | Self::NotOurs { .. }
            | Self::Damaged { .. }
            | Self::File { .. } => None,
        }
    }
}

/// The field comes first, unless the detail begins with it anyway.
fn told(problem: &Problem) -> String {
    match &problem.field {
        Some(field) if !problem.detail.starts_with(&format!("{field}:")) => {
            format!("{field}: {}", problem.detail)
        }
        _ => problem.detail.clone(),
    }
}
