//! `/api/v1/queue`: hold it, and let it go on. While it is held jobs are taken in, what runs goes on, and none is
//! offered.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use studio_protocol::Timestamp;
use studio_store::{Db, Role};

use super::auth::{Access, Caller, WholeStudio};
use super::body::ApiJson;
use super::commit::commit;
use super::problem::Problem;
use super::types::{QueuePatch, QueueState};
use super::{Route, route};
use crate::events::{Area, StudioEvent};
use crate::state::AppState;

/// Those of the queue.
pub fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "/api/v1/queue", Access::AtLeast(Role::Viewer), show),
        route(Method::PATCH, "/api/v1/queue", Access::AtLeast(Role::Operator), patch),
    ]
}

/// Whether it is held.
pub async fn show(State(state): State<AppState>, _: Caller) -> Result<Json<QueueState>, Problem> {
    let paused_at = state.store.read(Db::queue_paused_at).await?;
    Ok(Json(shown(paused_at)))
}

async fn patch(
    State(state): State<AppState>,
    _: WholeStudio,
    ApiJson(body): ApiJson<QueuePatch>,
) -> Result<Json<QueueState>, Problem> {
    let now = Timestamp::now();
    let paused_at = commit(
        &state,
        move |db| db.set_queue_paused(body.paused, now),
        |state, paused_at| {
            state.coordinator.queue_held(paused_at.is_some());
            state.events.publish(StudioEvent::Changed { what: Area::Queue });
        },
    )
    .await?;
    Ok(Json(shown(paused_at)))
}

/// As the API shows it.
pub fn shown(paused_at: Option<Timestamp>) -> QueueState {
    QueueState { paused: paused_at.is_some(), paused_at }
}
