//! Who calls: the same keys and roles as `/api/v1`, where clients of each dialect put them.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use studio_dialects::{Failure, Kind};

use super::refused::Refused;
use crate::api::{Access, auth};
use crate::state::AppState;

/// What a route's guard needs.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) state: AppState,
    pub(super) access: Access,
}

/// Lets a request through to its handler, or answers it.
pub(super) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if guard.access == Access::Open {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match auth::admit(&guard.state, guard.access, &parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => Refused(in_words(problem.into())).into_response(),
    }
}

fn in_words(failure: Failure) -> Failure {
    if failure.kind != Kind::Unauthorized {
        return failure;
    }
    let message = format!(
        "no valid API key: send a key of this studio as `Authorization: Bearer <key>` or `x-api-key: <key>`"
    );
    Failure { message, ..failure }
}
