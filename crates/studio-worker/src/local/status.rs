//! The status, and what is asked of the daemon as a whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use worker_local::{ShutdownAsk, Status};

use super::body::{Asked, Body};
use super::wait::Wait;
use super::{Local, Refusal, Routes};
use crate::daemon::Ask;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/status", get(status))
        .route("/window/raise", post(raise))
        .route("/shutdown", post(shutdown))
}

type Answer = Result<Json<Arc<Status>>, Refusal>;

async fn status(State(local): State<Arc<Local>>, Asked(wait): Asked<Wait>) -> Answer {
    let mut board = local.board.clone();
    // Who asks is shown what is, and the daemon goes on to show it for a while.
    let now = local.ask(|reply| Ask::Look { reply }).await?;
    // A number of an earlier daemon is not waited for.
    let Some(after) = wait.after.filter(|after| *after == now.generation) else { return Ok(Json(now)) };
    tokio::select! {
        changed = board.wait_for(|status| status.generation != after) => {
            if let Ok(status) = changed {
                return Ok(Json(Arc::clone(&status)));
            }
        }
        () = tokio::time::sleep(wait.limit()) => {}
        () = local.ending.cancelled() => {}
    }
    Ok(Json(now))
}

async fn raise(State(local): State<Arc<Local>>, Body(()): Body<()>) -> Answer {
    local.ask(|reply| Ask::Raise { reply }).await.map(Json)
}

async fn shutdown(State(local): State<Arc<Local>>, Body(ask): Body<Option<ShutdownAsk>>) -> Answer {
    let after_jobs = ask.unwrap_or_default().after_jobs;
    local.ask(|reply| Ask::Shutdown { after_jobs, reply }).await.map(Json)
}
