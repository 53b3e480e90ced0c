//! Who looks at a page: somebody who is signed in, or they are sent to the sign-in page and back.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use studio_store::Db;

use crate::access::forms::sign_in_address;
use crate::api::{Caller, Problem, auth};
use crate::state::AppState;

/// Somebody with a good session; a handler that takes it is never reached by anybody else.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// For the functions behind the API: the same visibility as there.
    pub caller: Caller,
    /// For `X-CSRF-Token`, and for the field `csrf` of the form that signs out.
    pub csrf: String,
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        match auth::caller(state, parts).await {
            Ok(caller) => match caller.csrf(&state.signer) {
                Some(csrf) => Ok(Self { caller, csrf }),
                // A key opens the API; a page needs a session that can be ended.
                None => Err(elsewhere(state, parts).await),
            },
            Err(problem) if problem.status == StatusCode::UNAUTHORIZED.as_u16() => {
                Err(elsewhere(state, parts).await)
            }
            Err(problem) => Err(problem.into_response()),
        }
    }
}

/// To the page that lets them in.
async fn elsewhere(state: &AppState, parts: &Parts) -> Response {
    match state.store.read(Db::has_users).await {
        Ok(true) => {
            let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            Redirect::to(&sign_in_address(wanted)).into_response()
        }
        Ok(false) => Redirect::to("/set-up").into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}
