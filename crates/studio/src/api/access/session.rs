//! Signing in and out with JSON; pages without JavaScript use the forms of the dashboard.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};

use super::super::auth::Caller;
use super::super::body::ApiJson;
use super::super::problem::Problem;
use super::super::types::{ChangePassword, Session, SetUp, SignIn};
use crate::access::forms::SmallJson;
use crate::access::{self, Peer, SignedIn, sessions};
use crate::state::AppState;

pub async fn sign_in(
    State(state): State<AppState>,
    peer: Peer,
    headers: HeaderMap,
    SmallJson(body): SmallJson<SignIn>,
) -> Result<Response, Problem> {
    Ok(welcome(access::sign_in(&state, &peer, &headers, body).await?))
}

pub async fn set_up(
    State(state): State<AppState>,
    peer: Peer,
    SmallJson(body): SmallJson<SetUp>,
) -> Result<Response, Problem> {
    Ok(welcome(access::make_first_user(&state, &peer, body).await?))
}

pub async fn who_am_i(State(state): State<AppState>, caller: Caller) -> Json<Session> {
    Json(Session {
        id: caller.id().to_owned(),
        name: caller.name().to_owned(),
        role: caller.role(),
        project: caller.bound_to().map(ToString::to_string),
        csrf: caller.csrf(&state.signer),
    })
}

pub async fn sign_out(
    State(state): State<AppState>,
    peer: Peer,
    caller: Caller,
) -> Result<Response, Problem> {
    if let Some(session) = caller.session() {
        access::sign_out(&state, session.clone()).await?;
    }
    let cookie = sessions::forgotten(&peer).map(|cookie| (header::SET_COOKIE, cookie));
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookie)).into_response())
}

pub async fn change_password(
    State(state): State<AppState>,
    peer: Peer,
    caller: Caller,
    ApiJson(body): ApiJson<ChangePassword>,
) -> Result<Response, Problem> {
    let user = caller.user().ok_or_else(Problem::unauthorized)?;
    Ok(welcome(access::change_password(&state, &peer, user, body).await?))
}

fn welcome(SignedIn { user, cookie, csrf }: SignedIn) -> Response {
    let session = Session {
        id: user.id.to_string(),
        name: user.name,
        role: user.role,
        project: None,
        csrf: Some(csrf),
    };
    ([(header::SET_COOKIE, cookie)], Json(session)).into_response()
}
