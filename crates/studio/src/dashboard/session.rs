//! Who is behind a request for a page.

use axum::http::HeaderMap;
use studio_dashboard::Viewer;

use crate::api::{Caller, Problem, caller};
use crate::signing::Signer;
use crate::state::AppState;

/// The caller behind the headers; 401 when there is none. A key sees pages too, and changes nothing through them.
pub async fn caller_of(state: &AppState, headers: &HeaderMap) -> Result<Caller, Problem> {
    caller(state, headers).await
}

/// The caller as pages name it.
pub fn viewer(caller: &Caller, signer: &Signer) -> Viewer {
    Viewer {
        name: caller.name().to_owned(),
        role: caller.role(),
        csrf: caller.csrf(signer).unwrap_or_default(),
    }
}
