//! `/api/v1/workers`: who works for this studio.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use studio_protocol::{Feature, JobId, ModelCommand, Timestamp, WorkerId};
use studio_scheduler::Control;
use studio_store::{Db, JobFilter, JobState, StoreError};

use super::auth::Caller;
use super::body::ApiJson;
use super::commit::commit;
use super::convert;
use super::problem::Problem;
use super::query::{Id, MAX_LIMIT};
use super::text::{MAX_NAME_CHARS, checked_optional};
use super::types::{Items, Worker, WorkerPatch};
use crate::state::AppState;

pub async fn list(State(state): State<AppState>, _: Caller) -> Result<Json<Items<Worker>>, Problem> {
    let workers = state.store.read(Db::workers).await?;
    let items = workers.into_iter().map(|worker| convert::worker(worker, &state.live, None)).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Worker>, Problem> {
    let id = WorkerId::from(id);
    let (record, held) = state
        .store
        .read(move |db| {
            let record = db.worker(&id)?.ok_or_else(|| StoreError::not_found("worker", id.as_str()))?;
            Ok((record, held(db, &caller, &id)?))
        })
        .await?;
    Ok(Json(convert::worker(record, &state.live, Some(held))))
}

fn held(db: &Db, caller: &Caller, worker: &WorkerId) -> Result<Vec<JobId>, StoreError> {
    let mut held = Vec::new();
    for job_state in [JobState::Running, JobState::Offered] {
        let filter = JobFilter {
            state: Some(job_state),
            worker: Some(worker.clone()),
            project: caller.bound_to().cloned(),
            ..JobFilter::default()
        };
        held.extend(db.jobs(&filter, None, MAX_LIMIT)?.items.into_iter().map(|job| job.id));
    }
    Ok(held)
}

pub async fn patch(
    State(state): State<AppState>,
    _: Caller,
    Id(id): Id,
    ApiJson(body): ApiJson<WorkerPatch>,
) -> Result<Json<Worker>, Problem> {
    let name = checked_optional("name", body.name, MAX_NAME_CHARS)?;
    let paused = body.paused;
    if name.is_none() && paused.is_none() {
        return Err(Problem::invalid("", "there is nothing to change: send `name` or `paused`"));
    }
    let worker = WorkerId::from(id);
    let told = worker.clone();
    let record = commit(
        &state,
        move |db| {
            let mut record = None;
            if let Some(name) = name {
                record = Some(db.rename_worker(&worker, &name)?);
            }
            if let Some(paused) = paused {
                record = Some(db.set_worker_paused(&worker, paused)?);
            }
            record.ok_or_else(|| StoreError::not_found("worker", worker.as_str()))
        },
        move |state, _| {
            if let Some(paused) = paused {
                state.coordinator.worker_paused(told, paused);
            }
        },
    )
    .await?;
    Ok(Json(convert::worker(record, &state.live, None)))
}

/// A model on a worker.
#[derive(Debug, Deserialize)]
pub struct OnWorker {
    id: String,
    model: String,
}

pub async fn load(
    State(state): State<AppState>,
    _: Caller,
    Path(on): Path<OnWorker>,
) -> Result<StatusCode, Problem> {
    let name = on.model.clone();
    let model = state.store.read(move |db| db.model(&name)).await?;
    let command = ModelCommand {
        model: model.id,
        model_source: Some(model.source),
        vram_gb_estimate: Some(model.vram_gb),
    };
    ask(&state, on.id, Control::Load(command)).await
}

pub async fn unload(
    State(state): State<AppState>,
    _: Caller,
    Path(on): Path<OnWorker>,
) -> Result<StatusCode, Problem> {
    let command = ModelCommand { model: on.model, model_source: None, vram_gb_estimate: None };
    ask(&state, on.id, Control::Unload(command)).await
}

/// Asks a worker that is there; what comes of it is in its heartbeats.
async fn ask(state: &AppState, id: String, control: Control) -> Result<StatusCode, Problem> {
    let worker = WorkerId::from(id);
    let wanted = worker.clone();
    let record = state.store.read(move |db| db.worker(&wanted)).await?;
    let record = record.ok_or_else(|| StoreError::not_found("worker", worker.as_str()))?;
    let Some(live) = state.live.worker(&worker) else {
        return Err(Problem::conflict(format!(
            "the worker `{}` is offline: nobody can be asked",
            record.name
        )));
    };
    if !live.features.has(Feature::Control) {
        return Err(Problem::conflict(format!(
            "the worker `{}` takes no requests: its owner switched remote control off, or its program does not know them",
            record.name
        )));
    }
    state.coordinator.control(worker, control);
    Ok(StatusCode::ACCEPTED)
}

pub async fn remove(State(state): State<AppState>, _: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    let now = Timestamp::now();
    let worker = WorkerId::from(id);
    let told = worker.clone();
    commit(
        &state,
        move |db| db.remove_worker(&worker, now),
        move |state, requeued| state.coordinator.worker_removed(told, requeued.clone()),
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
