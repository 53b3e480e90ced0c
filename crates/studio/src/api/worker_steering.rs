//! What operators let workers have, how workers are sent home, and what workers say of themselves.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::Deserialize;
use studio_protocol::{Feature, WorkerId};
use studio_scheduler::Control;
use studio_store::{Role, StoreError, WorkerLimits, WorkerRecord};

use super::auth::{Access, WholeStudio};
use super::commit::commit;
use super::problem::Problem;
use super::query::{ApiQuery, Id};
use super::text::{MAX_NAME_CHARS, MAX_PROJECT_CHARS, checked_text};
use super::types::{Items, Worker, WorkerLog};
use super::{Route, convert, route};
use crate::events::StudioEvent;
use crate::state::AppState;

/// Kinds, projects and labels of one worker: more is a mistake, and every offer looks at them.
const MAX_LISTED: usize = 100;

/// Those that the list of workers has no place for.
pub fn routes() -> Vec<Route> {
    const OPERATOR: Access = Access::AtLeast(Role::Operator);
    vec![
        route(Method::GET, "/api/v1/workers/{id}/logs", Access::AtLeast(Role::Viewer), logs),
        route(Method::POST, "/api/v1/workers/{id}/drain", OPERATOR, drain),
        route(Method::POST, "/api/v1/workers/{id}/resume", OPERATOR, resume),
    ]
}

/// A worker is described differently: the scheduler and those who watch are told.
pub fn told(state: &AppState, record: &WorkerRecord) {
    state.coordinator.worker_paused(record.id.clone(), record.paused || record.draining);
    state.coordinator.worker_limited(record.id.clone(), record.limits.rules());
    let online = state.live.worker(&record.id).is_some();
    state.events.publish(StudioEvent::Worker { id: record.id.clone(), online });
}

/// Limits that can be kept.
pub fn check_limits(limits: WorkerLimits) -> Result<WorkerLimits, Problem> {
    let WorkerLimits { kinds, projects, max_jobs, labels } = limits;
    let few = |field: &str, listed: usize| {
        if listed <= MAX_LISTED {
            return Ok(());
        }
        Err(Problem::invalid(field, format!("{listed} are listed, at most {MAX_LISTED} are taken")))
    };
    few("limits.kinds", kinds.as_ref().map_or(0, Vec::len))?;
    few("limits.projects", projects.as_ref().map_or(0, Vec::len))?;
    few("limits.labels", labels.len())?;
    for project in projects.iter().flatten() {
        checked_text("limits.projects", project.to_string(), MAX_PROJECT_CHARS)?;
    }
    let labels = labels.into_iter().map(|label| checked_text("limits.labels", label, MAX_NAME_CHARS));
    let labels = labels.collect::<Result<Vec<_>, _>>()?;
    if max_jobs == Some(0) {
        return Err(Problem::invalid(
            "limits.maxJobs",
            "0 jobs at once is a pause: send `paused`, or 1 or more",
        ));
    }
    Ok(WorkerLimits { kinds, projects, max_jobs, labels })
}

/// The worker finishes what it has; one that knows how to then ends by itself.
async fn drain(State(state): State<AppState>, _: WholeStudio, Id(id): Id) -> Result<Json<Worker>, Problem> {
    let worker = WorkerId::from(id);
    let record = commit(
        &state,
        move |db| db.set_worker_draining(&worker, true),
        |state, record| {
            // Before it is asked to go, so that nothing is offered to it on its way out.
            told(state, record);
            ask_to_end(state, &record.id);
        },
    )
    .await?;
    Ok(Json(convert::worker(record, &state.live, None)))
}

/// The worker is offered jobs again, after a drain as after a pause; a pause of its owner is the owner's to end.
async fn resume(State(state): State<AppState>, _: WholeStudio, Id(id): Id) -> Result<Json<Worker>, Problem> {
    let worker = WorkerId::from(id);
    let record = commit(
        &state,
        move |db| {
            db.set_worker_draining(&worker, false)?;
            db.set_worker_paused(&worker, false)
        },
        told,
    )
    .await?;
    Ok(Json(convert::worker(record, &state.live, None)))
}

fn ask_to_end(state: &AppState, worker: &WorkerId) {
    if state.live.worker(worker).is_some_and(|live| live.features.has(Feature::Control)) {
        state.coordinator.control(worker.clone(), Control::Drain);
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogsQuery {
    after: Option<String>,
}

/// The last lines that a worker logged about itself, oldest first.
async fn logs(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
    ApiQuery(query): ApiQuery<LogsQuery>,
) -> Result<Json<Items<WorkerLog>>, Problem> {
    let after = match query.after.as_deref() {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| Problem::invalid("after", format!("`{text}` is not the number of a line")))?,
    };
    let worker = WorkerId::from(id);
    let wanted = worker.clone();
    let found = state.store.read(move |db| db.worker(&wanted)).await?;
    found.ok_or_else(|| StoreError::not_found("worker", worker.as_str()))?;
    Ok(Json(Items { items: state.live.logs().after(&worker, after), next_cursor: None }))
}
