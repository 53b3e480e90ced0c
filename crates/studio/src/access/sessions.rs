//! Sessions of browsers: a secret in a cookie, its hash in the store.

use std::time::Duration;

use axum::http::HeaderMap;
use studio_protocol::Timestamp;
use studio_store::{BrowserSession, SecretHash, User};

use super::cookies::{self, Cookie, Terms};
use super::peer::Peer;
use crate::api::Problem;
use crate::secrets;
use crate::signing::Signer;
use crate::state::AppState;

/// A session that was not used for this long is over: a working day.
pub const IDLE: Duration = Duration::from_hours(12);
/// And this long after the sign-in it is over in any case.
pub const LIFE: Duration = Duration::from_hours(7 * 24);
/// The header that a browser's changes carry.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// What tokens of requests are derived for.
const CSRF_PURPOSE: &str = "csrf";

/// Somebody who has just come in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The session's cookie, as a header.
    pub cookie: axum::http::HeaderValue,
    /// For `X-CSRF-Token`.
    pub csrf: String,
}

impl SignedIn {
    /// After `secret` was stored as a session of `user`.
    pub fn new(state: &AppState, peer: &Peer, user: User, secret: &str) -> Result<Self, Problem> {
        let terms = Terms { same_site: "Lax", max_age: Some(LIFE.as_secs()) };
        let cookie = cookies::set(cookies::SESSION, secret, peer.is_https, terms)
            .ok_or_else(|| Problem::internal(&"a cookie of ours is no header"))?;
        Ok(Self { user, cookie, csrf: csrf(&state.signer, &secrets::hash(secret)) })
    }
}

/// Makes a browser forget its session.
pub fn forgotten(peer: &Peer) -> Option<axum::http::HeaderValue> {
    cookies::set(cookies::SESSION, "", peer.is_https, Terms { same_site: "Lax", max_age: Some(0) })
}

/// The token that goes with a session; the same as long as it lasts, so that a page from the cache stays good.
pub fn csrf(signer: &Signer, session: &SecretHash) -> String {
    signer.sign(CSRF_PURPOSE, &[session.as_str()])
}

/// Whether a request that changes something comes from a page of this session.
pub fn has_csrf(signer: &Signer, session: &SecretHash, token: Option<&str>) -> bool {
    token.is_some_and(|token| signer.verify(CSRF_PURPOSE, &[session.as_str()], token))
}

/// The hash of the session that a request names, whether or not it is good.
pub fn named(headers: &HeaderMap, peer: &Peer) -> Option<SecretHash> {
    match cookies::read(headers, cookies::SESSION, peer.is_https) {
        Cookie::One(secret) => Some(secrets::hash(secret)),
        Cookie::Absent | Cookie::Unclear => None,
    }
}

/// The session with this hash, while it is good; notes that it was used.
pub async fn find(state: &AppState, hash: &SecretHash) -> Result<Option<BrowserSession>, Problem> {
    let wanted = hash.clone();
    let loading = state.store.read(move |db| db.browser_session(&wanted));
    let Some(session) = state.people.sessions.get(hash, loading).await? else { return Ok(None) };
    let now = Timestamp::now();
    let seen = &state.people.seen;
    if session.user.disabled || is_over(&session, seen.latest(hash.as_str(), session.seen_at), now) {
        return Ok(None);
    }
    if seen.is_due(hash.as_str(), Some(session.seen_at), now) {
        let used = hash.clone();
        state.store.write_then(
            move |db| db.note_session(&used, now),
            |noted| {
                if let Err(error) = noted {
                    tracing::warn!("could not note the use of a session: {error}");
                }
            },
        );
    }
    Ok(Some(session))
}

fn is_over(session: &BrowserSession, seen_at: Timestamp, now: Timestamp) -> bool {
    let since = |time: Timestamp| now.as_millis() - time.as_millis();
    since(seen_at) >= IDLE.as_millis() as i64 || since(session.created_at) >= LIFE.as_millis() as i64
}

#[cfg(test)]
mod tests {
    use studio_store::Role;

    use super::*;

    #[test]
    fn a_session_ends_when_it_is_left_and_in_any_case() {
        let hours = |hours: i64| Timestamp::from_millis(hours * 3_600_000);
        let user = User {
            id: "user-1".into(),
            name: "ann".to_owned(),
            role: Role::Viewer,
            disabled: false,
            created_at: hours(0),
            last_seen_at: None,
        };
        let session = BrowserSession { user, created_at: hours(0), seen_at: hours(0) };
        assert!(!is_over(&session, hours(0), hours(11)));
        assert!(is_over(&session, hours(0), hours(12)));
        assert!(!is_over(&session, hours(160), hours(167)));
        assert!(is_over(&session, hours(167), hours(168)));
    }

    #[test]
    fn a_token_belongs_to_its_session() {
        let signer = Signer::new(&[1; 32]);
        let (ann, bob) = (SecretHash::from("ann"), SecretHash::from("bob"));
        let token = csrf(&signer, &ann);
        assert!(has_csrf(&signer, &ann, Some(&token)));
        assert!(!has_csrf(&signer, &bob, Some(&token)));
        assert!(!has_csrf(&signer, &ann, Some("")) && !has_csrf(&signer, &ann, None));
    }
}
