//! Signing in and out and the first account, with plain forms.

use std::collections::HashMap;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use studio_dashboard::Markup;
use studio_dashboard::pages::access as pages;
use studio_store::Db;

use super::session::caller_of;
use super::visit::{Page, shell_for_strangers};
use crate::access::forms::{self, Tie, local};
use crate::access::{self, Peer, SignedIn, sessions};
use crate::api::Problem;
use crate::api::types::{SetUp, SignIn};
use crate::state::AppState;

pub async fn show_sign_in(
    State(state): State<AppState>,
    peer: Peer,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = fields_of(&uri);
    let next = local(query.get("next").map(String::as_str));
    if caller_of(&state, &headers).await.is_ok() {
        return Ok(Redirect::to(next).into_response());
    }
    if !state.store.read(Db::has_users).await? {
        return Ok(Redirect::to("/set-up").into_response());
    }
    Ok(sign_in_page(&state, &peer, &headers, &query, None))
}

pub async fn sign_in(State(state): State<AppState>, peer: Peer, headers: HeaderMap, body: Body) -> Response {
    let given = match forms::fields(&headers, body).await {
        Ok(given) => given,
        Err(problem) => return sign_in_page(&state, &peer, &headers, &HashMap::new(), Some(&problem)),
    };
    let signed_in = match forms::must_be_tied(&state.signer, &peer, &headers, given.get("form")) {
        Ok(()) => {
            let sign_in = SignIn { name: field(&given, "name"), password: field(&given, "password") };
            access::sign_in(&state, &peer, &headers, sign_in).await
        }
        Err(problem) => Err(problem),
    };
    match signed_in {
        Ok(signed_in) => welcome(signed_in, local(given.get("next").map(String::as_str))),
        Err(problem) => sign_in_page(&state, &peer, &headers, &given, Some(&problem)),
    }
}

pub async fn show_set_up(
    State(state): State<AppState>,
    peer: Peer,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    if state.store.read(Db::has_users).await? {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    Ok(set_up_page(&state, &peer, &headers, &fields_of(&uri), None))
}

pub async fn set_up(State(state): State<AppState>, peer: Peer, headers: HeaderMap, body: Body) -> Response {
    let given = match forms::fields(&headers, body).await {
        Ok(given) => given,
        Err(problem) => return set_up_page(&state, &peer, &headers, &HashMap::new(), Some(&problem)),
    };
    let made = match forms::must_be_tied(&state.signer, &peer, &headers, given.get("form")) {
        Ok(()) => {
            let (token, name) = (field(&given, "token"), field(&given, "name"));
            let set_up = SetUp { token, name, password: field(&given, "password") };
            access::make_first_user(&state, &peer, set_up).await
        }
        Err(problem) => Err(problem),
    };
    match made {
        Ok(signed_in) => welcome(signed_in, "/"),
        Err(problem) => set_up_page(&state, &peer, &headers, &given, Some(&problem)),
    }
}

pub async fn sign_out(
    State(state): State<AppState>,
    peer: Peer,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if let Some(session) = sessions::named(&headers, &peer) {
        let given = forms::fields(&headers, body).await?;
        if !sessions::has_csrf(&state.signer, &session, given.get("csrf").map(String::as_str)) {
            return Err(Problem::wrong_csrf());
        }
        access::sign_out(&state, session).await?;
    }
    let cookie = sessions::forgotten(&peer).map(|cookie| (header::SET_COOKIE, cookie));
    Ok((AppendHeaders(cookie), Redirect::to("/sign-in")).into_response())
}

fn welcome(signed_in: SignedIn, next: &str) -> Response {
    (AppendHeaders([(header::SET_COOKIE, signed_in.cookie)]), Redirect::to(next)).into_response()
}

fn sign_in_page(
    state: &AppState,
    peer: &Peer,
    headers: &HeaderMap,
    given: &HashMap<String, String>,
    problem: Option<&Problem>,
) -> Response {
    let tie = forms::tie(&state.signer, peer, headers);
    let text = |name: &str| given.get(name).map_or("", String::as_str);
    let data = pages::SignIn {
        form: &tie.token,
        next: local(given.get("next").map(String::as_str)),
        name: text("name"),
        problem: problem.map(|problem| problem.detail.as_str()),
    };
    answer(pages::sign_in(&shell_for_strangers("Sign in"), &data), &tie, problem)
}

fn set_up_page(
    state: &AppState,
    peer: &Peer,
    headers: &HeaderMap,
    given: &HashMap<String, String>,
    problem: Option<&Problem>,
) -> Response {
    let tie = forms::tie(&state.signer, peer, headers);
    let token = given.get("token").map(String::as_str);
    let good = token.filter(|token| state.people.set_up.is_good(token, Instant::now()));
    let old = (token.is_some() && good.is_none() && problem.is_none()).then(|| {
        Problem::forbidden(
            "This link is not good: it was used, is more than a day old, or a newer one was made.",
        )
    });
    let problem = problem.or(old.as_ref());
    let data = pages::SetUp {
        form: &tie.token,
        token: good,
        name: given.get("name").map_or("", String::as_str),
        problem: problem.map(|problem| problem.detail.as_str()),
    };
    answer(pages::set_up(&shell_for_strangers("Set up"), &data), &tie, problem)
}

fn answer(markup: Markup, tie: &Tie, problem: Option<&Problem>) -> Response {
    let status = problem.map_or(StatusCode::OK, |problem| {
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    });
    let mut response = (status, Page(markup)).into_response();
    if let Some(cookie) = &tie.cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    if let Some(seconds) = problem.and_then(|problem| problem.retry_after) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn field(given: &HashMap<String, String>, name: &str) -> String {
    given.get(name).cloned().unwrap_or_default()
}

fn fields_of(uri: &Uri) -> HashMap<String, String> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}
