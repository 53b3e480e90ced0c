//! People: who they are, and their sessions in browsers.

use serde::Serialize;
use studio_protocol::Timestamp;

use crate::{PasswordHash, Role, UserId};

/// Somebody to be let in.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Fresh, drawn by the caller.
    pub id: UserId,
    /// What they sign in with; unique whatever the case.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Of their password.
    pub password: PasswordHash,
}

/// Somebody with a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Which.
    pub id: UserId,
    /// What they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Kept out.
    pub disabled: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The latest sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

/// What is to be different about a user; any of it ends their sessions.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they are kept out.
    pub disabled: Option<bool>,
    /// Of another password.
    pub password: Option<PasswordHash>,
}

/// A browser that somebody signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSession {
    /// Who.
    pub user: User,
    /// When they signed in.
    pub created_at: Timestamp,
    /// The latest request, to within a few minutes.
    pub seen_at: Timestamp,
}
