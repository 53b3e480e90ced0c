//! `/api/v1/batches`: jobs that belong together.

pub(super) mod zip;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use studio_protocol::Timestamp;
use studio_store::{Batch, BatchId, CancelOutcome, Db, StateCounts, StoreError};

use super::auth::Caller;
use super::body::{OptionalJson, SubmissionBody};
use super::commit::commit;
use super::convert;
use super::jobs::{mark_replayed, reason, store, waits_again};
use super::problem::Problem;
use super::query::{ApiQuery, Id, PageQuery};
use super::submit::{prepare, read_batch};
use super::types;
use crate::state::AppState;

pub async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    SubmissionBody(bytes): SubmissionBody,
) -> Result<Response, Problem> {
    let ready = prepare(&state, &caller, &headers, bytes, "batches", read_batch).await?;
    let now = Timestamp::now();
    let total = ready.submission.jobs.len() as u64;
    let fresh = ready.submission.batch.clone().map(|batch| Batch {
        id: batch.id,
        name: batch.name,
        project: batch.project,
        created_at: now,
        total,
        counts: StateCounts { queued: total, ..StateCounts::default() },
        finished_at: None,
    });
    let submitted = store(&state, ready.submission, now).await?;
    let replayed = submitted.replayed.is_some();
    let batch = match submitted.replayed {
        None => fresh,
        Some(former) => match former.batch {
            Some(id) => Some(state.store.read(move |db| db.batch(&id)).await?),
            None => None,
        },
    };
    let batch = batch.ok_or_else(|| Problem::internal(&"a batch was submitted and the store has none"))?;
    let location = format!("/api/v1/batches/{}", batch.id);
    let response =
        (StatusCode::CREATED, [(axum::http::header::LOCATION, location)], Json(convert::batch(batch)));
    Ok(mark_replayed(response.into_response(), replayed))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    pub project: Option<String>,
    pub limit: Option<String>,
    pub cursor: Option<String>,
}

pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<types::Items<types::Batch>>, Problem> {
    let (cursor, limit) = PageQuery::new(query.limit, query.cursor).read()?;
    let project = caller.narrow(query.project)?;
    let page = state.store.read(move |db| db.batches(project.as_ref(), cursor, limit)).await?;
    Ok(Json(types::Items {
        items: page.items.into_iter().map(convert::batch).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<types::Batch>, Problem> {
    let id = BatchId::from(id);
    let batch = state.store.read(move |db| visible(db, &caller, &id)).await?;
    Ok(Json(convert::batch(batch)))
}

pub async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    OptionalJson(body): OptionalJson<types::Reason>,
) -> Result<Json<types::BatchChange>, Problem> {
    let reason = reason(body.reason, &caller)?;
    let told_reason = reason.clone();
    let now = Timestamp::now();
    let id = BatchId::from(id);
    let (outcomes, batch) = commit(
        &state,
        move |db| {
            visible(db, &caller, &id)?;
            let outcomes = db.cancel_batch(&id, &reason, now)?;
            Ok((outcomes, db.batch(&id)?))
        },
        move |state, (outcomes, _)| {
            for (job, _) in outcomes.iter().filter(|one| is_cancelled(&one.1)) {
                state.coordinator.cancelled(job.clone(), told_reason.clone());
            }
        },
    )
    .await?;
    let changed = outcomes.iter().filter(|one| is_cancelled(&one.1)).count() as u64;
    Ok(Json(types::BatchChange { changed, batch: convert::batch(batch) }))
}

fn is_cancelled(outcome: &CancelOutcome) -> bool {
    matches!(outcome, CancelOutcome::Cancelled { .. })
}

pub async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<types::BatchChange>, Problem> {
    let now = Timestamp::now();
    let id = BatchId::from(id);
    let (queued, batch) = commit(
        &state,
        move |db| {
            visible(db, &caller, &id)?;
            let queued = db.retry_batch(&id, now)?;
            Ok((queued, db.batch(&id)?))
        },
        |state, (queued, _)| waits_again(state, queued.clone()),
    )
    .await?;
    Ok(Json(types::BatchChange { changed: queued.len() as u64, batch: convert::batch(batch) }))
}

/// A batch that the caller may see; one of another project does not exist for it.
pub fn visible(db: &Db, caller: &Caller, id: &BatchId) -> Result<Batch, StoreError> {
    let batch = db.batch(id)?;
    if caller.sees(&batch.project) { Ok(batch) } else { Err(StoreError::not_found("batch", id.as_str())) }
}
