//! `/api/v1/inputs`: pictures and recordings that clients bring for their jobs.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use studio_protocol::{ProjectId, Timestamp};
use studio_store::{Input, InputId, NewInput, Role, StoreError};

use super::artefacts::{Signed, Stored, not_signed};
use super::auth::Caller;
use super::problem::Problem;
use super::query::{ApiQuery, Id};
use super::submit::project_of;
use super::text::{MAX_PROJECT_CHARS, checked_optional};
use super::types;
use super::{Access, Route, route};
use crate::artefacts::ArtefactError;
use crate::ids;
use crate::inputs::{INPUT_KEPT, InputKind, address};
use crate::links::{Link, check};
use crate::model_files::check_room;
use crate::state::AppState;

/// A body that brings nothing for this long: its sender is gone, or stuck.
const SILENCE_LIMIT: Duration = Duration::from_mins(1);
/// Where their bytes are in the artefact store; no job's id is this.
const FOLDER: &str = "inputs";

/// The routes about inputs.
pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::POST, "/api/v1/inputs", Access::AtLeast(Role::Submitter), bring),
        route(Method::GET, "/api/v1/inputs/{id}", Access::AtLeast(Role::Viewer), bytes),
        route(Method::GET, "/files/inputs/{id}", Access::Signed, signed),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bring {
    project: Option<String>,
}

async fn bring(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<Bring>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked = checked_optional("project", query.project, MAX_PROJECT_CHARS)?;
    let project = project_of(&caller, asked, "project")?;
    let stated = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = InputKind::of(stated)
        .ok_or_else(|| Problem::wrong_media_type("an input", stated, &InputKind::list()))?;
    let announced: Option<u64> =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes| bytes > kind.max_bytes) {
        return Err(too_large(&kind));
    }
    let now = Timestamp::now();
    let new = keep(&state, project, kind, announced, in_time(body), now).await?;
    let kept_ms = i64::try_from(INPUT_KEPT.as_millis()).unwrap_or(i64::MAX);
    let told = types::Input {
        url: address(&new.id),
        id: new.id.to_string(),
        bytes: new.bytes,
        mime: new.mime,
        sha256: new.sha256,
        project: new.project.to_string(),
        created_at: now,
        kept_until: now.plus_millis(kept_ms),
    };
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

/// Stores what a client brings; nothing stays behind when it fails.
pub(crate) async fn keep(
    state: &AppState,
    project: ProjectId,
    kind: InputKind,
    announced: Option<u64>,
    bytes: impl Stream<Item = Result<Bytes, String>>,
    now: Timestamp,
) -> Result<NewInput, Problem> {
    check_room(&state.settings.data_dir, announced.unwrap_or(kind.max_bytes))
        .map_err(|_| Problem::storage_full())?;
    let id = ids::input();
    let key = format!("{FOLDER}/{id}");
    let put = state.artefacts.put(&key, kind.max_bytes, bytes).await;
    let stored = put.map_err(|error| match error {
        ArtefactError::TooLarge(_) => too_large(&kind),
        ArtefactError::Sender(why) if why == SILENT => Problem::timeout(why),
        ArtefactError::Sender(why) => Problem::invalid("", format!("the body ended early: {why}")),
        ArtefactError::Full | ArtefactError::NotFound(_) | ArtefactError::Store(_) => error.into(),
    })?;
    let (sha256, bytes) = (stored.sha256, stored.bytes);
    let new = NewInput { id, project, key, sha256, bytes, mime: kind.mime.to_owned() };
    let kept = if bytes == 0 {
        Err(Problem::invalid("", "the body is empty: send the bytes of the input"))
    } else {
        let row = new.clone();
        state.store.write(move |db| db.add_input(&row, now)).await.map_err(Problem::from)
    };
    if let Err(problem) = kept {
        // What cannot be deleted now is swept at the next start.
        let _ = state.artefacts.delete(&new.key).await;
        return Err(problem);
    }
    Ok(new)
}

fn too_large(kind: &InputKind) -> Problem {
    Problem::too_large(usize::try_from(kind.max_bytes).unwrap_or(usize::MAX))
}

const SILENT: &str = "nothing came for a minute";

fn in_time(body: Body) -> impl Stream<Item = Result<Bytes, String>> {
    stream::try_unfold(body.into_data_stream(), |mut body| async move {
        match tokio::time::timeout(SILENCE_LIMIT, body.next()).await {
            Ok(Some(Ok(chunk))) => Ok(Some((chunk, body))),
            Ok(Some(Err(error))) => Err(error.to_string()),
            Ok(None) => Ok(None),
            Err(_) => Err(SILENT.to_owned()),
        }
    })
}

async fn bytes(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = state.store.read(move |db| {
        let input = db.input(&InputId::from(id.as_str()))?;
        if caller.sees(&input.new.project) { Ok(input) } else { Err(StoreError::not_found("input", id)) }
    });
    stored(found.await?).serve(&state, &method, &headers).await
}

/// What a worker was told in its offer.
async fn signed(
    State(state): State<AppState>,
    Id(id): Id,
    ApiQuery(query): ApiQuery<Signed>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (expires, signature) = (query.expires.unwrap_or_default(), query.signature.unwrap_or_default());
    check(&state.signer, Link::Input, &id, &expires, &signature, Timestamp::now()).map_err(not_signed)?;
    let found = state.store.read(move |db| db.input(&InputId::from(id)));
    stored(found.await?).serve(&state, &method, &headers).await
}

fn stored(input: Input) -> Stored {
    let NewInput { id, key, sha256, bytes, mime, .. } = input.new;
    let ext = InputKind::of(&mime).map_or("bin", |kind| kind.ext);
    Stored { key, sha256, bytes, mime, filename: format!("{id}.{ext}") }
}
