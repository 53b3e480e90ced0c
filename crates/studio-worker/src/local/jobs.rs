//! Jobs: the history, and what can be seen and done of those that run.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use worker_local::{JobDay, JobFilter, JobLine, JobPage, JobRecord, Status};

use super::body::{Asked, Body};
use super::{Local, Refusal, Routes};
use crate::daemon::Ask;
use crate::history::HistoryError;

/// Types that a picture of a job may have; a browser is never given anything else.
const PICTURES: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];
/// The id of a job names its newest record, which may change.
const NO_CACHE: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/jobs", get(list))
        .route("/jobs/days", get(days))
        .route("/jobs/{id}", get(job))
        .route("/jobs/{id}/log", get(log))
        .route("/jobs/{id}/thumbnail", get(thumbnail))
        .route("/jobs/{id}/preview", get(preview))
        .route("/jobs/{id}/release", post(release))
}

type Here = State<Arc<Local>>;

async fn list(State(local): Here, Asked(filter): Asked<JobFilter>) -> Result<Json<JobPage>, Refusal> {
    none_where_off(local.history.list(filter).await).map(Json)
}

async fn days(State(local): Here) -> Result<Json<Vec<JobDay>>, Refusal> {
    none_where_off(local.history.days().await).map(Json)
}

async fn job(State(local): Here, Path(id): Path<String>) -> Result<Json<JobRecord>, Refusal> {
    let found = none_where_off(local.history.job(id.clone()).await)?;
    found.map(Json).ok_or_else(|| unknown(&id))
}

async fn log(State(local): Here, Path(id): Path<String>) -> Result<Json<Vec<JobLine>>, Refusal> {
    if let Some(lines) = local.running.lines(&id) {
        return Ok(Json(lines));
    }
    let found = none_where_off(local.history.log(id.clone()).await)?;
    found.map(Json).ok_or_else(|| unknown(&id))
}

async fn thumbnail(State(local): Here, Path(id): Path<String>) -> Result<Response, Refusal> {
    let found = none_where_off(local.history.thumbnail(id.clone()).await)?;
    let none = || Refusal::not_found(format!("there is no picture of job `{}`", id.escape_debug()));
    let (mime, bytes) = found.ok_or_else(none)?;
    picture(&mime, bytes).ok_or_else(none)
}

async fn preview(State(local): Here, Path(id): Path<String>) -> Result<Response, Refusal> {
    let none = || Refusal::not_found(format!("there is no look at job `{}` yet", id.escape_debug()));
    let look = local.running.latest(&id).ok_or_else(none)?;
    let bytes = STANDARD.decode(&look.data).map_err(|_| none())?;
    picture(&look.mime, bytes).ok_or_else(none)
}

async fn release(
    State(local): Here,
    Path(id): Path<String>,
    Body(()): Body<()>,
) -> Result<Json<Arc<Status>>, Refusal> {
    local.ask(|reply| Ask::Release { job: id, reply }).await.map(Json)
}

fn picture(mime: &str, bytes: Vec<u8>) -> Option<Response> {
    let mime = PICTURES.into_iter().find(|known| *known == mime)?;
    Some((StatusCode::OK, [(CONTENT_TYPE, mime), NO_CACHE], bytes).into_response())
}

/// Without a history there are no jobs in it.
fn none_where_off<T: Default>(read: Result<T, HistoryError>) -> Result<T, Refusal> {
    match read {
        Ok(read) => Ok(read),
        Err(HistoryError::Off) => Ok(T::default()),
        Err(error @ HistoryError::Unreadable(_)) => {
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "historyUnreadable", error.to_string()))
        }
    }
}

fn unknown(id: &str) -> Refusal {
    Refusal::not_found(format!("there is no job `{}` in the history", id.escape_debug()))
}
