//! People: how they come in, stay in and are kept out, and what is remembered of what everybody did.
//!
//! A browser shows a cookie whose hash names a session in the store; a program shows a key. What a request may do is
//! decided in [`crate::api`]; here is everything that this rests on.

pub mod audit;
pub mod cookies;
pub mod forms;
mod passwords;
mod peer;
mod seen;
pub mod sessions;
mod set_up;
mod sign_in;

pub use passwords::{Passwords, check as check_password};
pub use peer::Peer;
pub use seen::Seen;
pub use sessions::SignedIn;
pub use set_up::{GOOD_FOR as SET_UP_GOOD_FOR, SetUpLink};
pub use sign_in::{SignInLimits, change_password, make_first_user, sessions_changed, sign_in, sign_out};

use std::sync::Arc;
use std::time::Duration;

use studio_protocol::Timestamp;
use studio_store::{BrowserSession, SecretHash, Store};

use crate::lookups::Lookups;

/// Lines of the audit log stay this long; the store bounds their number too.
const AUDIT_KEPT: Duration = Duration::from_hours(365 * 24);

/// What the studio knows of people; clones share it.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Sessions by the hash of their cookie.
    pub sessions: Lookups<SecretHash, BrowserSession>,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// The way in while nobody has an account.
    pub set_up: SetUpLink,
    /// How often somebody may try.
    pub limits: Arc<SignInLimits>,
    /// When keys and sessions were used last.
    pub seen: Seen,
}

/// Deletes what is too old: sessions that nobody can use, lines of the audit log.
pub async fn purge(store: &Store, now: Timestamp) -> Result<(), studio_store::StoreError> {
    let before = move |length: Duration| now.plus_millis(-(length.as_millis() as i64));
    let (seen, made) = (before(sessions::IDLE), before(sessions::LIFE));
    store.write(move |db| db.purge_sessions(seen, made)).await?;
    store.write(move |db| db.purge_audit(before(AUDIT_KEPT))).await?;
    Ok(())
}
