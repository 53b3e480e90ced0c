//! What went wrong, as every error of the local API says it.

use serde::{Deserialize, Serialize};

use crate::ConfigProblem;

/// The body of an answer that is no success (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The answer's HTTP status.
    pub status: u16,
    /// A word for programs, like `busy`.
    pub code: String,
    /// One sentence for people: what, with which value, and what to do.
    pub detail: String,
    /// Every setting that was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ConfigProblem>,
}
