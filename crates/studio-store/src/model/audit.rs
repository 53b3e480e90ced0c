//! What somebody did.

use studio_protocol::Timestamp;

/// A line for the audit log.
#[derive(Debug, Clone)]
pub struct NewAudit {
    /// When.
    pub at: Timestamp,
    /// The name of who did it.
    pub actor: String,
    /// Their id, when they are known.
    pub actor_id: Option<String>,
    /// Method and route, or a word.
    pub action: String,
    /// To which thing.
    pub target: Option<String>,
    /// The HTTP status that it came to.
    pub status: u16,
    /// More, as JSON, without secrets.
    pub detail_json: Option<String>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When; the latest time, where it was done several times in a row.
    pub at: Timestamp,
    /// The name that they had.
    pub actor: String,
    /// Their id, when they were known.
    pub actor_id: Option<String>,
    /// Method and route, or a word.
    pub action: String,
    /// To which thing.
    pub target: Option<String>,
    /// The HTTP status that it came to.
    pub status: u16,
    /// More, as JSON.
    pub detail_json: Option<String>,
    /// How often in a row.
    pub times: u64,
}

/// Which lines; absent parts let everything through.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of who has this name or this id.
    pub actor: Option<String>,
    /// Whose action begins with this.
    pub action: Option<String>,
}
