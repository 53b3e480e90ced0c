//! Who calls, and whether the caller may.
//!
//! A program shows a key, a browser the cookie of a session; a request that shows two of them is refused, because
//! which one counts would depend on who reads it.

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use studio_protocol::{ProjectId, Timestamp};
use studio_store::{ApiKey, Role, SecretHash, User};

use super::problem::Problem;
use crate::access::audit::{Actor, Entry};
use crate::access::cookies::{self, Cookie};
use crate::access::{Peer, sessions};
use crate::secrets;
use crate::signing::Signer;
use crate::state::AppState;

/// What clients made for Anthropic send a key in.
const KEY_HEADER: &str = "x-api-key";

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody: it tells nothing, or checks a secret itself.
    Open,
    /// Whoever has an address that the studio signed; the handler checks it.
    Signed,
    /// Keys and users of this role and of those above it.
    AtLeast(Role),
    /// Whoever is signed in with a browser, whatever their role; no key.
    User,
}

/// What a route's guard needs.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) state: AppState,
    pub(super) path: &'static str,
    pub(super) access: Access,
}

/// Lets a request through to its handler, or answers it; writes down who wanted to change what.
pub(super) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if matches!(guard.access, Access::Open | Access::Signed) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let caller = match caller(&guard.state, &parts.headers).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let entry = if is_safe(&parts.method) || !guard.path.starts_with("/api/v1/") {
        None
    } else {
        let target = target(&mut parts).await;
        let action = format!("{} {}", parts.method, guard.path);
        Some(Entry::open(&guard.state.store, caller.actor(), action, &target))
    };
    let response = match may(&guard.state, guard.access, &caller, &parts) {
        Ok(()) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    };
    if let Some(entry) = entry {
        entry.close(&response);
    }
    response
}

/// Who sent this, if they may use what is for `access`.
pub(crate) async fn admit(state: &AppState, access: Access, parts: &Parts) -> Result<Caller, Problem> {
    let caller = caller(state, &parts.headers).await?;
    may(state, access, &caller, parts)?;
    Ok(caller)
}

fn may(state: &AppState, access: Access, caller: &Caller, parts: &Parts) -> Result<(), Problem> {
    if let Who::User { session, .. } = &caller.0
        && !is_safe(&parts.method)
    {
        let token = parts.headers.get(sessions::CSRF_HEADER).and_then(|value| value.to_str().ok());
        if !sessions::has_csrf(&state.signer, session, token) {
            return Err(Problem::wrong_csrf());
        }
    }
    match access {
        Access::User if caller.user().is_none() => {
            Err(Problem::forbidden(format!("{} is no account: sign in with a browser", caller.described())))
        }
        Access::AtLeast(role) if caller.role() < role => Err(Problem::forbidden(format!(
            "{} has the role {}, this needs the role {role}",
            caller.described(),
            caller.role()
        ))),
        Access::Open | Access::Signed | Access::User | Access::AtLeast(_) => Ok(()),
    }
}

/// Methods that change nothing, by the word of HTTP.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The ids in the address, in their order.
async fn target(parts: &mut Parts) -> String {
    match RawPathParams::from_request_parts(parts, &()).await {
        Ok(params) => params.iter().map(|(_, value)| value).collect::<Vec<_>>().join("/"),
        Err(_) => String::new(),
    }
}

/// Whoever a request says that it is from; every wrong credential gets the same answer.
pub async fn caller(state: &AppState, headers: &HeaderMap) -> Result<Caller, Problem> {
    let is_https = Peer::of(&state.settings, None, headers).is_https;
    match credential(headers, is_https) {
        Credential::None | Credential::Unclear => Err(Problem::unauthorized()),
        Credential::Several => Err(Problem::two_credentials()),
        Credential::Key(secret) => key(state, secret).await,
        Credential::Session(secret) => {
            let hash = secrets::hash(secret);
            let session = sessions::find(state, &hash).await?.ok_or_else(Problem::unauthorized)?;
            Ok(Caller(Who::User { user: session.user, session: hash }))
        }
    }
}

async fn key(state: &AppState, secret: &str) -> Result<Caller, Problem> {
    let hash = secrets::hash(secret);
    // The lookup is by hash: how long it takes tells nothing about the secret.
    let wanted = hash.clone();
    let found = state.keys.get(&hash, state.store.read(move |db| db.key_by_hash(&wanted))).await?;
    let now = Timestamp::now();
    let key = found.filter(|key| !key.is_expired(now)).ok_or_else(Problem::unauthorized)?;
    if state.people.seen.is_due(key.id.as_str(), key.last_used_at, now) {
        let used = key.id.clone();
        state.store.write_then(
            move |db| db.note_key_used(&used, now),
            |noted| {
                if let Err(error) = noted {
                    tracing::warn!("could not note the use of a key: {error}");
                }
            },
        );
    }
    Ok(Caller(Who::Key(key)))
}

/// What a request shows.
#[derive(Debug, PartialEq, Eq)]
enum Credential<'a> {
    None,
    Key(&'a str),
    Session(&'a str),
    /// Something that is none.
    Unclear,
    Several,
}

fn credential(headers: &HeaderMap, is_https: bool) -> Credential<'_> {
    let cookie = cookies::read(headers, cookies::SESSION, is_https);
    let shown = headers.get_all(header::AUTHORIZATION).iter().count()
        + headers.get_all(KEY_HEADER).iter().count()
        + usize::from(cookie != Cookie::Absent);
    if shown > 1 {
        return Credential::Several;
    }
    if let Some(secret) = headers.get(KEY_HEADER).map(|value| value.to_str().unwrap_or_default().trim()) {
        return if secret.is_empty() { Credential::Unclear } else { Credential::Key(secret) };
    }
    if headers.contains_key(header::AUTHORIZATION) {
        return bearer(headers).map_or(Credential::Unclear, Credential::Key);
    }
    match cookie {
        Cookie::Absent => Credential::None,
        Cookie::One(secret) => Credential::Session(secret),
        Cookie::Unclear => Credential::Unclear,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = text.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

/// Whoever is behind a request that got past its guard: a key, or somebody with an account.
#[derive(Debug, Clone)]
pub struct Caller(Who);

#[derive(Debug, Clone)]
enum Who {
    Key(ApiKey),
    User { user: User, session: SecretHash },
}

impl Caller {
    /// The key's or the account's name.
    pub fn name(&self) -> &str {
        match &self.0 {
            Who::Key(key) => &key.name,
            Who::User { user, .. } => &user.name,
        }
    }

    /// The key's or the account's id.
    pub fn id(&self) -> &str {
        match &self.0 {
            Who::Key(key) => key.id.as_str(),
            Who::User { user, .. } => user.id.as_str(),
        }
    }

    /// What the caller may do.
    pub fn role(&self) -> Role {
        match &self.0 {
            Who::Key(key) => key.role,
            Who::User { user, .. } => user.role,
        }
    }

    /// The key, when it is one.
    pub fn key(&self) -> Option<&ApiKey> {
        match &self.0 {
            Who::Key(key) => Some(key),
            Who::User { .. } => None,
        }
    }

    /// The account, when it is one.
    pub fn user(&self) -> Option<&User> {
        match &self.0 {
            Who::Key(_) => None,
            Who::User { user, .. } => Some(user),
        }
    }

    /// The session that the account is signed in with.
    pub fn session(&self) -> Option<&SecretHash> {
        match &self.0 {
            Who::Key(_) => None,
            Who::User { session, .. } => Some(session),
        }
    }

    /// For the header `X-CSRF-Token` of pages of this session; keys need none.
    pub fn csrf(&self, signer: &Signer) -> Option<String> {
        self.session().map(|session| sessions::csrf(signer, session))
    }

    /// For the audit log.
    pub fn actor(&self) -> Actor {
        Actor { name: self.name().to_owned(), id: Some(self.id().to_owned()) }
    }

    /// For messages: ``the key `ci` ``.
    pub fn described(&self) -> String {
        match &self.0 {
            Who::Key(key) => format!("the key `{}`", key.name),
            Who::User { user, .. } => format!("the account `{}`", user.name),
        }
    }

    /// Whether the credential would still be taken: long answers ask again when keys or accounts change.
    pub async fn is_still_good(&self, state: &AppState) -> bool {
        match &self.0 {
            Who::Key(key) => {
                let id = key.id.clone();
                let found = state.store.read(move |db| db.key(&id)).await;
                found.is_ok_and(|key| !key.is_expired(Timestamp::now()))
            }
            Who::User { session, .. } => matches!(sessions::find(state, session).await, Ok(Some(_))),
        }
    }

    /// The only project that the caller is good for, if it is bound to one.
    pub fn bound_to(&self) -> Option<&ProjectId> {
        self.key()?.project.as_ref()
    }

    /// Refuses a caller of one project where the whole studio is concerned.
    pub fn must_see_all(&self) -> Result<(), Problem> {
        match self.bound_to() {
            None => Ok(()),
            Some(own) => Err(Problem::forbidden(format!(
                "{} is good for the project `{own}` only, this concerns the whole studio",
                self.described()
            ))),
        }
    }

    /// Whether the caller may know of things of this project.
    pub fn sees(&self, project: &ProjectId) -> bool {
        self.bound_to().is_none_or(|own| own == project)
    }

    /// A project filter that shows no more than the caller may see.
    pub fn narrow(&self, asked: Option<String>) -> Result<Option<ProjectId>, Problem> {
        match (self.bound_to(), asked) {
            (None, asked) => Ok(asked.map(ProjectId::from)),
            (Some(own), None) => Ok(Some(own.clone())),
            (Some(own), Some(asked)) if own.as_str() == asked => Ok(Some(own.clone())),
            (Some(own), Some(_)) => {
                Err(Problem::forbidden(format!("{} is good for the project `{own}` only", self.described()))
                    .at("project"))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(Problem::unauthorized)
    }
}

/// A caller who may see and change what all projects share: workers, models, the queue. A key of one project has no
/// say in those, whatever its role.
#[derive(Debug, Clone)]
pub struct WholeStudio;

impl WholeStudio {
    /// For a caller who is known already.
    pub fn of(caller: &Caller) -> Result<Self, Problem> {
        caller.must_see_all().map(|()| Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WholeStudio {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Self::of(&Caller::from_request_parts(parts, state).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: &str = "studio_session=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn of(values: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(*name, value.parse().unwrap());
        }
        let found = format!("{:?}", credential(&headers, false));
        found.split('(').next().unwrap_or_default().to_owned()
    }

    #[test]
    fn one_credential_counts() {
        let bearer = ("authorization", "Bearer sk-1");
        for right in [bearer, ("authorization", "bearer  sk-1 "), ("x-api-key", "sk-1")] {
            assert_eq!(of(&[right]), "Key", "{right:?}");
        }
        assert_eq!(of(&[("cookie", COOKIE)]), "Session");
        assert_eq!(of(&[("cookie", "other=1")]), "None");
        let wrong = ["Basic abc", "Bearer ", "sk-1"].map(|value| ("authorization", value));
        for wrong in wrong.into_iter().chain([("x-api-key", " "), ("cookie", "studio_session=x")]) {
            assert_eq!(of(&[wrong]), "Unclear", "{wrong:?}");
        }
    }

    #[test]
    fn two_credentials_are_one_too_many() {
        let all = [("authorization", "Bearer a"), ("x-api-key", "b"), ("cookie", COOKIE)];
        for first in all {
            for second in all {
                // Two cookies of one name are no credential at all.
                let expected =
                    if first.0 == "cookie" && second.0 == "cookie" { "Unclear" } else { "Several" };
                assert_eq!(of(&[first, second]), expected, "{first:?} {second:?}");
            }
        }
        assert_eq!(of(&[("authorization", "nonsense"), ("x-api-key", "b")]), "Several");
    }
}
