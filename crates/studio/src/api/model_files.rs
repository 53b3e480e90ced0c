//! `/api/v1/models/{id}/files` and `/fetch`: the studio's own copies of what its workers need.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use studio_protocol::ModelFile;
use studio_store::Model;

use super::auth::WholeStudio;
use super::models::{Presence, changed, detail};
use super::problem::Problem;
use super::query::Id;
use super::types::ModelDetail;
use crate::model_files::{MAX_MODEL_FILE_BYTES, ModelFileError, StudioAddress};
use crate::state::AppState;

/// An upload that brings nothing for this long: its sender is gone, or stuck.
const SILENCE_LIMIT: Duration = Duration::from_mins(1);

/// Takes a file that the entry names by a `studio:` address, or a copy of one that it names elsewhere.
pub async fn put(
    State(state): State<AppState>,
    _: WholeStudio,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path((id, filename)) = path.map_err(|error| Problem::invalid("filename", error.body_text()))?;
    let model = entry(&state, &id).await?;
    let file = named(&model, &filename)?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let existed = state.model_files.held(&id).contains_key(&filename);
    state.model_files.put(&id, &filename, announced, file.sha256.as_deref(), in_time(body)).await?;
    // Who removed or changed the entry meanwhile did not want this file.
    let model = match entry(&state, &id).await {
        Ok(model) if named(&model, &filename).is_ok() => model,
        Ok(model) => {
            delete(&state, id, names(&model)).await?;
            return Err(Problem::conflict(format!("the model does not name `{filename}` any more")));
        }
        Err(problem) => {
            delete(&state, id, Vec::new()).await?;
            return Err(problem);
        }
    };
    changed(&state);
    let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(detail(&state, &Presence::of(&state.live), model))).into_response())
}

/// Deletes copies; what only the studio has goes with its model alone.
pub async fn remove(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
) -> Result<Json<ModelDetail>, Problem> {
    let model = entry(&state, &id).await?;
    state.fetches.forget(&id).await;
    let only_here = |file: &&ModelFile| StudioAddress::parse(&file.url).is_some();
    let keep = model.source.files.iter().filter(only_here).map(|file| file.filename.clone()).collect();
    delete(&state, id, keep).await?;
    changed(&state);
    Ok(Json(detail(&state, &Presence::of(&state.live), model)))
}

/// Begins to fetch what is missing; how far it is, the model tells.
pub async fn fetch(State(state): State<AppState>, _: WholeStudio, Id(id): Id) -> Result<Response, Problem> {
    let model = entry(&state, &id).await?;
    state.fetches.start(&state.tasks, &state.model_files, &model);
    changed(&state);
    let detail = detail(&state, &Presence::of(&state.live), model);
    Ok((StatusCode::ACCEPTED, Json(detail)).into_response())
}

/// Deletes files of a model but for some.
pub async fn delete(state: &AppState, id: String, keep: Vec<String>) -> Result<(), Problem> {
    let files = state.model_files.clone();
    let removed = tokio::task::spawn_blocking(move || files.remove(&id, &keep)).await;
    removed.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    Ok(())
}

async fn entry(state: &AppState, id: &str) -> Result<Model, Problem> {
    let id = id.to_owned();
    Ok(state.store.read(move |db| db.model(&id)).await?)
}

fn named<'a>(model: &'a Model, filename: &str) -> Result<&'a ModelFile, Problem> {
    let found = model.source.files.iter().find(|file| file.filename == filename);
    found.ok_or_else(|| Problem::not_found("file of this model", filename).at("filename"))
}

fn names(model: &Model) -> Vec<String> {
    model.source.files.iter().map(|file| file.filename.clone()).collect()
}

fn in_time(body: Body) -> impl futures_util::Stream<Item = Result<bytes::Bytes, String>> {
    stream::unfold(body.into_data_stream(), |mut body| async move {
        match tokio::time::timeout(SILENCE_LIMIT, body.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), body)),
            Ok(Some(Err(error))) => Some((Err(error.to_string()), body)),
            Err(_) => Some((Err(format!("nothing came for {} s", SILENCE_LIMIT.as_secs())), body)),
        }
    })
}

impl From<ModelFileError> for Problem {
    fn from(error: ModelFileError) -> Self {
        let text = error.to_string();
        match error {
            ModelFileError::NoRoom { .. } => Self { detail: text, ..Self::storage_full() },
            ModelFileError::TooLarge => {
                Self::too_large(usize::try_from(MAX_MODEL_FILE_BYTES).unwrap_or(usize::MAX))
            }
            ModelFileError::Sender(_) | ModelFileError::WrongHash { .. } => Self::invalid("", text),
            ModelFileError::Io(source) => Self::internal(&source),
        }
    }
}
