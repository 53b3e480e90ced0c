//! Who is behind a request for a page.

use axum::http::HeaderMap;
use studio_dashboard::Viewer;
use studio_store::Role;

use crate::api::{Caller, Problem, caller};
use crate::state::AppState;

/// The caller behind the headers; 401 when there is none.
pub async fn caller_of(state: &AppState, headers: &HeaderMap) -> Result<Caller, Problem> {
    caller(state, headers, Role::Viewer).await
}

/// The caller as pages name it.
pub fn viewer(caller: &Caller) -> Viewer {
    let key = caller.key();
    Viewer { name: key.name.clone(), role: key.role, csrf: String::new() }
}
