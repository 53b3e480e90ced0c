//! People: accounts, their sessions in a browser, and what everybody did.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use studio_protocol::Timestamp;
use studio_store::Role;
use utoipa::ToSchema;

/// Somebody with a password.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// `user-...`
    pub id: String,
    /// What they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// May not sign in; their sessions have ended.
    pub disabled: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The latest sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

/// An account to be made.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewUser {
    /// What they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Drawn and shown once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A new account.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedUser {
    /// The account.
    #[serde(flatten)]
    pub user: User,
    /// The password, when the studio drew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A change to an account.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct UserPatch {
    /// What they may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether they are kept out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// In place of the old one; ends their sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A sign-in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SignIn {
    /// The account's name.
    pub name: String,
    /// Its password.
    pub password: String,
}

/// The first account of a studio, made with the one-time link.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SetUp {
    /// The secret of the link.
    pub token: String,
    /// What the first admin signs in with.
    pub name: String,
    /// Their password.
    pub password: String,
}

/// A link for the first account, good once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetUpLink {
    /// Path and query, below the studio's address.
    pub path: String,
    /// Good until then.
    pub expires_at: Timestamp,
}

/// Another password for oneself.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangePassword {
    /// The one that is good now.
    pub current: String,
    /// The one that is to be.
    pub new: String,
}

/// Who asks: a session of a browser, or a key.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// `user-...` or `key-...`
    pub id: String,
    /// The account's or the key's name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The only project that it sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// For the header `X-CSRF-Token` of requests that change something; absent for keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
}

/// Something that somebody did.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// When; the latest time, where it was done several times in a row.
    pub at: Timestamp,
    /// Who: a user's or key's name, `unknown` for a stranger.
    pub actor: String,
    /// `user-...` or `key-...`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<String>,
    /// What: method and route, like `POST /api/v1/workers/{id}`, or a word like `sign-in`.
    pub action: String,
    /// To which thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The HTTP status that it came to.
    pub status: u16,
    /// More, without secrets.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
    /// How often in a row.
    #[serde(default = "once")]
    pub times: u64,
}

fn once() -> u64 {
    1
}
