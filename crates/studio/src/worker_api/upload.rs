//! Binary results: streamed to the artefact store, committed for the claim that is current (protocol section 2.3).

use std::time::Duration;

use axum::Json;
use axum::extract::multipart::{Field, Multipart, MultipartRejection};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use futures_util::stream;
use serde_json::json;
use studio_protocol::{
    ATTEMPT_HEADER, JobId, MAX_EXT_BYTES, MAX_GENERATION_META_BYTES, MAX_PROMPT_PART_BYTES, PART_EXT,
    PART_GENERATION_META, PART_IMAGE, PART_PROMPT, Timestamp, WorkerId, mime_of_ext,
};
use studio_store::{CommitOutcome, NewArtefact};

use super::auth;
use crate::api::commit::commit;
use crate::api::problem::Problem;
use crate::artefacts::{ArtefactError, StoredArtefact};
use crate::ids;
use crate::state::AppState;

/// An upload that brings nothing for this long: its worker is gone, or stuck.
const SILENCE_LIMIT: Duration = Duration::from_mins(1);

pub async fn complete(
    State(state): State<AppState>,
    Path((worker, job)): Path<(WorkerId, JobId)>,
    headers: HeaderMap,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<Json<serde_json::Value>, Problem> {
    auth::worker(&state, &worker, &headers).await?;
    let attempt = attempt_of(&headers)?;
    must_hold(&state, &worker, &job).await?;
    let multipart = multipart.map_err(|rejection| Problem::invalid("Content-Type", rejection.body_text()))?;
    let key = format!("{job}/{}", ids::artefact());
    match take(&state, &key, multipart).await {
        Ok(parts) => finish(&state, worker, job, attempt, key, parts).await,
        Err(problem) => {
            discard(&state, &key).await;
            Err(problem)
        }
    }
}

/// A base worker names no attempt.
fn attempt_of(headers: &HeaderMap) -> Result<Option<u32>, Problem> {
    let Some(value) = headers.get(ATTEMPT_HEADER) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| Problem::invalid(ATTEMPT_HEADER, "is not an attempt number"))
}

/// Refuses early what the commit would refuse late, before the bytes have come.
async fn must_hold(state: &AppState, worker: &WorkerId, job: &JobId) -> Result<(), Problem> {
    let wanted = job.clone();
    let found = state.store.read(move |db| db.jobs_by_id(&[wanted])).await?.pop();
    let held = found.filter(|found| found.state.is_held() && found.worker.as_ref() == Some(worker));
    let Some(held) = held else { return Err(not_held(job)) };
    if held.kind.result_is_json() {
        let problem = format!("job {job} is of kind {}: its result is sent as completeJson", held.kind);
        return Err(Problem::invalid(PART_IMAGE, problem));
    }
    Ok(())
}

fn not_held(job: &JobId) -> Problem {
    Problem::conflict(format!("job {job} is not held by this worker, or already done: nothing was changed"))
}

struct Parts {
    ext: String,
    stored: StoredArtefact,
    meta: Option<String>,
}

async fn take(state: &AppState, key: &str, mut multipart: Multipart) -> Result<Parts, Problem> {
    let (mut has_prompt, mut ext, mut stored, mut meta) = (false, None, None, None);
    while let Some(mut field) = in_time(multipart.next_field()).await? {
        match field.name().unwrap_or_default() {
            PART_PROMPT => {
                skip(&mut field).await?;
                has_prompt = true;
            }
            PART_EXT => ext = Some(plain_ext(&text(&mut field, PART_EXT, MAX_EXT_BYTES).await?)?),
            PART_GENERATION_META => {
                let json = text(&mut field, PART_GENERATION_META, MAX_GENERATION_META_BYTES).await?;
                serde_json::from_str::<serde::de::IgnoredAny>(&json).map_err(|error| {
                    Problem::invalid(PART_GENERATION_META, format!("is not JSON: {error}"))
                })?;
                meta = Some(json);
            }
            PART_IMAGE if stored.is_none() => stored = Some(put(state, key, field).await?),
            PART_IMAGE => return Err(Problem::invalid(PART_IMAGE, "came twice")),
            _ => skip(&mut field).await?, // A part of a newer worker.
        }
    }
    if !has_prompt {
        return Err(missing(PART_PROMPT));
    }
    let ext = ext.ok_or_else(|| missing(PART_EXT))?;
    let stored = stored.ok_or_else(|| missing(PART_IMAGE))?;
    Ok(Parts { ext, stored, meta })
}

fn missing(part: &str) -> Problem {
    Problem::invalid(part, format!("the part `{part}` is missing"))
}

fn plain_ext(ext: &str) -> Result<String, Problem> {
    let is_plain = !ext.is_empty() && ext.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_plain {
        Ok(ext.to_ascii_lowercase())
    } else {
        Err(Problem::invalid(PART_EXT, "is not a plain file extension"))
    }
}

async fn put(state: &AppState, key: &str, field: Field<'_>) -> Result<StoredArtefact, Problem> {
    let chunks = stream::try_unfold(field, |mut field| async move {
        let chunk = in_time(field.chunk()).await.map_err(|problem| problem.detail)?;
        Ok::<_, String>(chunk.map(|chunk| (chunk, field)))
    });
    state.artefacts.put(key, state.settings.max_artefact_bytes, chunks).await.map_err(|error| match error {
        ArtefactError::TooLarge(limit) => {
            Problem::too_large(usize::try_from(limit).unwrap_or(usize::MAX)).at(PART_IMAGE)
        }
        ArtefactError::Sender(why) => Problem::invalid(PART_IMAGE, format!("the upload ended early: {why}")),
        ArtefactError::Full | ArtefactError::NotFound(_) | ArtefactError::Store(_) => error.into(),
    })
}

/// Reads a part to its end without holding it.
async fn skip(field: &mut Field<'_>) -> Result<(), Problem> {
    let mut bytes = 0;
    while let Some(chunk) = in_time(field.chunk()).await? {
        bytes += chunk.len() as u64;
        if bytes > MAX_PROMPT_PART_BYTES {
            return Err(Problem::too_large(usize::try_from(MAX_PROMPT_PART_BYTES).unwrap_or(usize::MAX)));
        }
    }
    Ok(())
}

async fn text(field: &mut Field<'_>, part: &'static str, most: usize) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = in_time(field.chunk()).await? {
        if bytes.len() + chunk.len() > most {
            return Err(Problem::too_large(most).at(part));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid(part, "is not UTF-8"))
}

async fn in_time<T>(
    step: impl Future<Output = Result<T, axum::extract::multipart::MultipartError>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(SILENCE_LIMIT, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            Err(Problem::invalid("", format!("the multipart body cannot be read: {}", error.body_text())))
        }
        Err(_) => Err(Problem::timeout(format!("nothing came for {} s", SILENCE_LIMIT.as_secs()))),
    }
}

async fn finish(
    state: &AppState,
    worker: WorkerId,
    job: JobId,
    attempt: Option<u32>,
    key: String,
    parts: Parts,
) -> Result<Json<serde_json::Value>, Problem> {
    let artefact = NewArtefact {
        id: ids::artefact(),
        key: key.clone(),
        sha256: parts.stored.sha256,
        bytes: parts.stored.bytes,
        mime: mime_of_ext(&parts.ext).to_owned(),
        ext: parts.ext,
        meta: parts.meta,
    };
    let bytes = artefact.bytes;
    let (held, by, told) = (job.clone(), worker.clone(), job.clone());
    let outcome = commit(
        state,
        move |db| db.complete_artefact(&held, &by, attempt, &artefact, Timestamp::now()),
        move |state, outcome| {
            if *outcome == CommitOutcome::Committed {
                state.metrics.artefact_stored(bytes);
                state.coordinator.uploaded(worker, told);
            }
        },
    )
    .await;
    match outcome {
        Ok(CommitOutcome::Committed) => Ok(Json(json!({"status": "stored"}))),
        Ok(CommitOutcome::Again | CommitOutcome::Stale | CommitOutcome::NeverHeld) => {
            discard(state, &key).await;
            Err(not_held(&job))
        }
        Err(problem) => {
            discard(state, &key).await;
            Err(problem)
        }
    }
}

/// Bytes that no row names; what cannot be deleted now is swept at the next start.
async fn discard(state: &AppState, key: &str) {
    if let Err(error) = state.artefacts.delete(key).await {
        tracing::debug!(key, %error, "an unused artefact is left for the sweep");
    }
}
