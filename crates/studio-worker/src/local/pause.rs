//! The owner takes the machine back, and gives it again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use studio_protocol::Timestamp;
use worker_local::{PauseAsk, PauseUntil, Status};

use super::body::Body;
use super::{Local, Refusal, Routes};
use crate::daemon::Ask;

/// A week of minutes: who wants longer pauses until further notice.
const MOST_MINUTES: u32 = 7 * 24 * 60;

pub(super) fn routes() -> Routes {
    Routes::new().route("/pause", post(pause)).route("/resume", post(resume))
}

type Answer = Result<Json<Arc<Status>>, Refusal>;

async fn pause(State(local): State<Arc<Local>>, Body(ask): Body<Option<PauseAsk>>) -> Answer {
    let ask = ask.unwrap_or_default();
    check(&ask)?;
    local.ask(|reply| Ask::Pause { ask, reply }).await.map(Json)
}

async fn resume(State(local): State<Arc<Local>>, Body(()): Body<()>) -> Answer {
    local.ask(|reply| Ask::Resume { reply }).await.map(Json)
}

fn check(ask: &PauseAsk) -> Result<(), Refusal> {
    match ask.until {
        PauseUntil::Minutes { minutes } if !(1..=MOST_MINUTES).contains(&minutes) => {
            Err(Refusal::invalid(format!("`minutes` is {minutes}, it may be 1 to {MOST_MINUTES}")))
        }
        PauseUntil::At { at } if at <= Timestamp::now() => {
            Err(Refusal::invalid(format!("`at` is {at}, which is over already")))
        }
        PauseUntil::Minutes { .. } | PauseUntil::At { .. } | PauseUntil::Resumed | PauseUntil::Idle => Ok(()),
    }
}
