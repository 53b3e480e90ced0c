//! Who calls: the same keys and roles as `/api/v1`, where clients of each dialect put them.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use studio_dialects::{Failure, Kind};

use super::refused::Refused;
use crate::api::{Access, auth};
use crate::state::AppState;

/// Where Anthropic's clients put their key.
const API_KEY: &str = "x-api-key";

/// What a route's guard needs.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) state: AppState,
    pub(super) access: Access,
}

/// Lets a request through to its handler, or answers it.
pub(super) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let Access::AtLeast(role) = guard.access else { return next.run(request).await };
    let headers = with_bearer(request.headers());
    match auth::caller(&guard.state, &headers, role).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => Refused(in_words(problem.into())).into_response(),
    }
}

fn in_words(failure: Failure) -> Failure {
    if failure.kind != Kind::Unauthorized {
        return failure;
    }
    let message = format!(
        "no valid API key: send a key of this studio as `Authorization: Bearer <key>` or `{API_KEY}: <key>`"
    );
    Failure { message, ..failure }
}

/// A key in `x-api-key` counts where there is no other.
fn with_bearer(headers: &HeaderMap) -> HeaderMap {
    let mut known = HeaderMap::new();
    for value in headers.get_all(header::AUTHORIZATION) {
        known.append(header::AUTHORIZATION, value.clone());
    }
    if known.is_empty() {
        for key in headers.get_all(API_KEY) {
            if let Ok(value) = HeaderValue::from_bytes(&[b"Bearer ", key.as_bytes()].concat()) {
                known.append(header::AUTHORIZATION, value);
            }
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_where_each_dialect_puts_it() {
        let seen = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            let known = with_bearer(&headers);
            known.get_all("authorization").iter().map(|v| v.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(seen(&[("authorization", "Bearer a"), ("x-api-key", "b")]), ["Bearer a"]);
        assert_eq!(seen(&[("x-api-key", "b")]), ["Bearer b"]);
        // Two keys are none, as two `Authorization` headers are.
        assert_eq!(seen(&[("x-api-key", "a"), ("x-api-key", "b")]).len(), 2);
        assert!(seen(&[]).is_empty());
    }
}
