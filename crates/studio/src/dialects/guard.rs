//! Who calls: the same keys, users and roles as `/api/v1`.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

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
    let (mut parts, body) = request.into_parts();
    match auth::admit(&guard.state, guard.access, &parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => Refused::from(problem).into_response(),
    }
}
