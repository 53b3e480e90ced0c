//! Whether there is a newer version.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use worker_local::{UpdateState, UpdateView};

use super::body::Body;
use super::{Local, Refusal, Routes};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/update", get(update))
        .route("/update/check", post(check))
        .route("/update/apply", post(apply))
}

async fn update(State(local): State<Arc<Local>>) -> Json<UpdateView> {
    Json(local.desk.updates.view())
}

async fn check(State(local): State<Arc<Local>>, Body(()): Body<()>) -> Json<UpdateView> {
    Json(local.desk.updates.look().await)
}

async fn apply(State(local): State<Arc<Local>>, Body(()): Body<()>) -> Result<Json<UpdateView>, Refusal> {
    let view = local.desk.updates.view();
    let latest = view.latest.unwrap_or_default();
    Err(match view.state {
        UpdateState::Available => Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            "cannotInstall",
            format!(
                "this version cannot install updates by itself: put the program of version {latest} in the place of this \
                 one and restart the worker"
            ),
        ),
        UpdateState::Current => {
            Refusal::conflict("current", format!("version {} is the newest one already", view.current))
        }
        UpdateState::Unknown => {
            Refusal::conflict("unknown", "no newer version is known: look for updates first")
        }
    })
}
