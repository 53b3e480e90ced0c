//! `/api/v1/models`: the registry of what jobs may name.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use studio_protocol::{FileRole, ModelFile, Timestamp};
use studio_store::{Db, Model, StoreError};

use super::auth::Caller;
use super::body::ApiJson;
use super::commit::commit;
use super::problem::Problem;
use super::query::Id;
use super::text::{MAX_NAME_CHARS, checked_text};
use super::types::{Items, ModelPatch, PutModel};
use crate::state::AppState;

/// Files of one model: shards of the largest ones, with room.
const MAX_FILES: usize = 256;
/// Device memory of one job, GiB: more than the largest machine has.
const MAX_VRAM_GB: f64 = 100_000.0;

pub async fn list(State(state): State<AppState>, _: Caller) -> Result<Json<Items<Model>>, Problem> {
    let items = state.store.read(Db::models).await?;
    Ok(Json(Items { items, next_cursor: None }))
}

pub async fn show(State(state): State<AppState>, _: Caller, Id(id): Id) -> Result<Json<Model>, Problem> {
    Ok(Json(state.store.read(move |db| db.model(&id)).await?))
}

pub async fn put(
    State(state): State<AppState>,
    _: Caller,
    Id(id): Id,
    ApiJson(body): ApiJson<PutModel>,
) -> Result<Response, Problem> {
    let PutModel { kind, vram_gb, enabled, source } = body;
    let id = checked_id(id)?;
    let model = Model { id, kind, vram_gb, enabled: enabled.unwrap_or(true), source };
    check(&model)?;
    let now = Timestamp::now();
    let stored = model.clone();
    let (existed, _) = commit(
        &state,
        move |db| {
            let existed = match db.model(&model.id) {
                Ok(_) => true,
                Err(StoreError::NotFound { .. }) => false,
                Err(error) => return Err(error),
            };
            db.put_model(&model, now)?;
            Ok((existed, db.queued_of_model(&model.id)?))
        },
        |state, (_, waiting)| {
            state.models.forget();
            // What waits was matched by the engine and the memory that the model named before.
            for job in waiting {
                state.coordinator.reprioritised(job.clone());
            }
        },
    )
    .await?;
    let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(stored)).into_response())
}

pub async fn patch(
    State(state): State<AppState>,
    _: Caller,
    Id(id): Id,
    ApiJson(body): ApiJson<ModelPatch>,
) -> Result<Json<Model>, Problem> {
    let now = Timestamp::now();
    let change = move |db: &mut Db| db.set_model_enabled(&id, body.enabled, now);
    Ok(Json(commit(&state, change, |state, _| state.models.forget()).await?))
}

pub async fn remove(State(state): State<AppState>, _: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    commit(&state, move |db| db.remove_model(&id), |state, ()| state.models.forget()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Workers make a folder of a model's id, so it has to be one name on every platform.
fn checked_id(id: String) -> Result<String, Problem> {
    let id = checked_text("id", id, MAX_NAME_CHARS)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.chars().all(plain) && !id.starts_with('.') && !id.ends_with('.') {
        return Ok(id);
    }
    Err(Problem::invalid("id", "a model's id is letters, digits, `-`, `_` and `.`, with no `.` at its ends"))
}

/// Refuses an entry that no worker could use.
pub fn check(model: &Model) -> Result<(), Problem> {
    if !(0.0..=MAX_VRAM_GB).contains(&model.vram_gb) {
        return Err(Problem::invalid(
            "vramGb",
            format!("{} is not an amount of memory in GiB", model.vram_gb),
        ));
    }
    checked_text("source.engine", model.source.engine.clone(), MAX_NAME_CHARS)?;
    if model.source.files.len() > MAX_FILES {
        return Err(Problem::invalid("source.files", format!("more than {MAX_FILES} files")));
    }
    for (at, file) in model.source.files.iter().enumerate() {
        check_file(file)
            .map_err(|(field, detail)| Problem::invalid(format!("source.files[{at}].{field}"), detail))?;
        if model.source.files[..at].iter().any(|other| other.filename.eq_ignore_ascii_case(&file.filename)) {
            let detail = format!("two files are called `{}`", file.filename);
            return Err(Problem::invalid(format!("source.files[{at}].filename"), detail));
        }
    }
    Ok(())
}

fn check_file(file: &ModelFile) -> Result<(), (&'static str, String)> {
    if let FileRole::Other(role) = &file.role {
        return Err(("role", format!("`{role}` is not a role of a file")));
    }
    if !file.has_plain_name() {
        return Err(("filename", format!("`{}` is not a plain file name", file.filename.escape_debug())));
    }
    let url = reqwest::Url::parse(&file.url).map_err(|error| ("url", format!("`{}`: {error}", file.url)))?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(("url", format!("`{}`: models come by https (http from this machine only)", file.url)));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(("url", "a secret in an address would be told to every worker".to_owned()));
    }
    match &file.sha256 {
        Some(hash) if hash.len() != 64 || !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
            Err(("sha256", "a hash is 64 lowercase hex characters".to_owned()))
        }
        _ => Ok(()),
    }
}
