//! Who this worker is to its studio, changed by its owner.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use worker_local::{JoinAsk, Status};

use super::body::Body;
use super::{Local, Refusal, Routes};
use crate::daemon::Ask;

pub(super) fn routes() -> Routes {
    Routes::new().route("/registration/reset", post(reset)).route("/registration/join", post(join))
}

type Answer = Result<Json<Arc<Status>>, Refusal>;

async fn reset(State(local): State<Arc<Local>>, Body(()): Body<()>) -> Answer {
    local.ask(|reply| Ask::ResetRegistration { reply }).await.map(Json)
}

async fn join(State(local): State<Arc<Local>>, Body(ask): Body<JoinAsk>) -> Answer {
    if ask.code.trim().is_empty() {
        return Err(Refusal::invalid("code: is empty; `studio join-code` prints one"));
    }
    local.ask(|reply| Ask::Join { ask, reply }).await.map(Json)
}
