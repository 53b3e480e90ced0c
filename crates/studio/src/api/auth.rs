//! Who calls, and whether the caller may.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use studio_protocol::ProjectId;
use studio_store::{ApiKey, Role};

use super::problem::Problem;
use crate::secrets;
use crate::state::AppState;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody: it tells nothing.
    Open,
    /// Whoever has an address that the studio signed; the handler checks it.
    Signed,
    /// Keys of this role and of those above it.
    AtLeast(Role),
}

/// What a route's guard needs.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) state: AppState,
    pub(super) access: Access,
}

/// Lets a request through to its handler, or answers it.
pub(super) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let Access::AtLeast(role) = guard.access else { return next.run(request).await };
    match caller(&guard.state, request.headers(), role).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Who calls, if their key is good for `least`.
pub(crate) async fn caller(state: &AppState, headers: &HeaderMap, least: Role) -> Result<Caller, Problem> {
    let secret = bearer(headers).ok_or_else(Problem::unauthorized)?;
    let hash = secrets::hash(secret);
    // The lookup is by hash: how long it takes tells nothing about the secret.
    let wanted = hash.clone();
    let found = state.keys.get(&hash, state.store.read(move |db| db.key_by_hash(&wanted))).await?;
    let key = found.ok_or_else(Problem::unauthorized)?;
    if key.role < least {
        return Err(Problem::forbidden(format!(
            "the key `{}` has the role {}, this needs the role {least}",
            key.name, key.role
        )));
    }
    Ok(Caller(key))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let text = values.next()?.to_str().ok()?;
    let (scheme, secret) = text.split_once(' ')?;
    let secret = secret.trim();
    // Two headers: which of them counts would depend on who reads them.
    let only = values.next().is_none();
    (only && scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

/// The key behind a request that got past its guard.
#[derive(Debug, Clone)]
pub struct Caller(ApiKey);

impl Caller {
    /// The key, without its secret.
    pub fn key(&self) -> &ApiKey {
        &self.0
    }

    /// The only project that the key is good for, if it is bound to one.
    pub fn bound_to(&self) -> Option<&ProjectId> {
        self.0.project.as_ref()
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
            (Some(own), Some(_)) => Err(self.other_project(own)),
        }
    }

    fn other_project(&self, own: &ProjectId) -> Problem {
        Problem::forbidden(format!("the key `{}` is good for the project `{own}` only", self.0.name))
            .at("project")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(Problem::unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn one_bearer_header_counts() {
        assert_eq!(of(&["Bearer sk-1"]).as_deref(), Some("sk-1"));
        assert_eq!(of(&["bearer  sk-1 "]).as_deref(), Some("sk-1"));
        for wrong in [&["Basic abc"][..], &["Bearer "], &["sk-1"], &["Bearer a", "Bearer a"], &[]] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
    }
}
