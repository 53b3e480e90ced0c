//! `/api/v1/status`, `/healthz`, `/readyz`: whether the studio is well, and what it is doing.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use studio_protocol::Timestamp;
use studio_store::{JobFilter, RegistrationState};

use super::auth::Caller;
use super::convert;
use super::problem::Problem;
use super::types::Status;
use crate::state::AppState;

pub async fn status(State(state): State<AppState>, caller: Caller) -> Result<Json<Status>, Problem> {
    let (counts, workers, pending) = state
        .store
        .read(move |db| {
            let workers = db.workers()?.len();
            // What others submit, and who asks to join, is not for somebody who sees one project.
            let Some(own) = caller.bound_to() else {
                let pending = db.registrations(Some(RegistrationState::Pending))?.len();
                return Ok((db.counts()?, workers, pending));
            };
            let own = JobFilter { project: Some(own.clone()), ..JobFilter::default() };
            Ok((db.counts_of(&own)?.unwrap_or_default(), workers, 0))
        })
        .await?;
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: Timestamp::now(),
        jobs: convert::counts(&counts),
        workers_online: state.live.online() as u64,
        workers: workers as u64,
        registrations_pending: pending as u64,
    }))
}

/// The process answers: restarting it would not help.
pub async fn health() -> &'static str {
    "ok\n"
}

/// The studio does its work: send it requests.
pub async fn ready(State(state): State<AppState>) -> Response {
    if state.tasks.soft().is_cancelled() {
        return Problem::unavailable("the studio is shutting down").into_response();
    }
    // A write that changes nothing shows that the writer lives and the file can be written to.
    match state.store.write(|db| db.append_job_logs(&[])).await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}
