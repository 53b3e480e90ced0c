//! `/api/v1/overview`: the studio's last day at a glance.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use studio_store::{Db, Role};

use super::auth::{Access, WholeStudio};
use super::problem::Problem;
use super::types::Overview;
use super::{Route, queue, route};
use crate::state::AppState;
use crate::{disk, minutes};

/// The one of the overview.
pub fn routes() -> Vec<Route> {
    vec![route(Method::GET, "/api/v1/overview", Access::AtLeast(Role::Viewer), show)]
}

/// What the last day was like.
pub async fn show(State(state): State<AppState>, _: WholeStudio) -> Result<Json<Overview>, Problem> {
    Ok(Json(read(&state).await?))
}

/// The same for pages.
pub async fn read(state: &AppState) -> Result<Overview, Problem> {
    let folder = state.settings.data_dir.clone();
    // A disk that sleeps must not keep a thread that serves sockets.
    let space = tokio::task::spawn_blocking(move || disk::space(&folder));
    let minutes = minutes::so_far(state).await?;
    let paused_at = state.store.read(Db::queue_paused_at).await?;
    let space = match space.await.map_err(|error| Problem::internal(&error))? {
        Ok(space) => space,
        Err(error) => {
            tracing::warn!("the disk of the data directory cannot be asked for its space: {error}");
            disk::Space { free: 0, total: 0 }
        }
    };
    Ok(Overview {
        minutes,
        queue: queue::shown(paused_at),
        disk_free_bytes: space.free,
        disk_total_bytes: space.total,
    })
}
