//! `/api/v1/workers`: who works for this studio.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use studio_protocol::{Feature, ModelCommand, Timestamp, WorkerId};
use studio_scheduler::Control;
use studio_store::{Job, StoreError};

use super::auth::{Caller, WholeStudio};
use super::body::ApiJson;
use super::commit::commit;
use super::convert;
use super::problem::Problem;
use super::query::Id;
use super::text::{MAX_NAME_CHARS, checked_optional};
use super::types::{Items, Worker, WorkerPatch};
use super::worker_steering::{check_limits, told};
use crate::state::AppState;

pub async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Items<Worker>>, Problem> {
    let asking = caller.clone();
    let (workers, held) =
        state.store.read(move |db| Ok((db.workers()?, db.held_jobs(None, asking.bound_to())?))).await?;
    let mut by_worker: HashMap<WorkerId, Vec<Job>> = HashMap::new();
    for job in held {
        if let Some(worker) = job.worker.clone() {
            by_worker.entry(worker).or_default().push(job);
        }
    }
    let items = workers.into_iter().map(|worker| {
        let held = by_worker.remove(&worker.id);
        // Ids alone are for those who ask for one worker.
        Worker { jobs: None, ..seen_by(&caller, convert::worker(worker, &state.live, held)) }
    });
    let items = items.collect();
    Ok(Json(Items { items, next_cursor: None }))
}

pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Worker>, Problem> {
    let id = WorkerId::from(id);
    let asking = caller.clone();
    let (record, held) = state
        .store
        .read(move |db| {
            let record = db.worker(&id)?.ok_or_else(|| StoreError::not_found("worker", id.as_str()))?;
            Ok((record, db.held_jobs(Some(&id), asking.bound_to())?))
        })
        .await?;
    Ok(Json(seen_by(&caller, convert::worker(record, &state.live, Some(held)))))
}

/// Without the names of projects that are not the caller's.
fn seen_by(caller: &Caller, mut worker: Worker) -> Worker {
    if let Some(projects) = &mut worker.limits.projects {
        projects.retain(|project| caller.sees(project));
    }
    worker
}

pub async fn patch(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
    ApiJson(body): ApiJson<WorkerPatch>,
) -> Result<Json<Worker>, Problem> {
    let name = checked_optional("name", body.name, MAX_NAME_CHARS)?;
    let paused = body.paused;
    let limits = body.limits.map(check_limits).transpose()?;
    if name.is_none() && paused.is_none() && limits.is_none() {
        return Err(Problem::invalid("", "there is nothing to change: send `name`, `paused` or `limits`"));
    }
    let worker = WorkerId::from(id);
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
            if let Some(limits) = &limits {
                record = Some(db.set_worker_limits(&worker, limits)?);
            }
            record.ok_or_else(|| StoreError::not_found("worker", worker.as_str()))
        },
        told,
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
    _: WholeStudio,
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
    _: WholeStudio,
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

pub async fn remove(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let now = Timestamp::now();
    let worker = WorkerId::from(id);
    let told = worker.clone();
    commit(
        &state,
        move |db| db.remove_worker(&worker, now),
        move |state, requeued| {
            state.live.logs().forget(&told);
            state.coordinator.worker_removed(told, requeued.clone());
        },
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
