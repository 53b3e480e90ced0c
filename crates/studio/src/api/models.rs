//! `/api/v1/models`: the registry of what jobs may name.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use studio_protocol::{FileRole, ModelFile, Timestamp};
use studio_store::{Db, Model, StoreError};

use super::auth::{Caller, WholeStudio};
use super::body::ApiJson;
use super::commit::commit;
use super::problem::Problem;
use super::query::Id;
use super::text::{MAX_NAME_CHARS, checked_text};
use super::types::{Items, ModelDetail, ModelFileState, ModelPatch, ModelWorkers, PutModel};
use crate::events::{Area, StudioEvent};
use crate::live::Live;
use crate::model_files::StudioAddress;
use crate::state::AppState;

/// Files of one model: shards of the largest ones, with room.
const MAX_FILES: usize = 256;
/// Addresses of one file beside the first.
const MAX_MIRRORS: usize = 16;
/// Roles of files beyond those that the protocol names; every engine refuses those that it does not know.
pub const OTHER_ROLES: [&str; 20] = [
    // Speech.
    "tokens",
    "lexicon",
    "voices",
    "encoder",
    "decoder",
    "joiner",
    "vocoder",
    "vad",
    "preprocessor",
    "uncached-decoder",
    "cached-decoder",
    "merged-decoder",
    "rule-fsts",
    "rule-fars",
    "weights",
    "data",
    // Pictures and clips.
    "clip-l",
    "clip-g",
    "t5xxl",
    "high-noise-diffusion-model",
];
/// Device memory of one job, GiB: more than the largest machine has.
const MAX_VRAM_GB: f64 = 100_000.0;

pub async fn list(State(state): State<AppState>, _: Caller) -> Result<Json<Items<ModelDetail>>, Problem> {
    let models = state.store.read(Db::models).await?;
    let workers = Presence::of(&state.live);
    let items = models.into_iter().map(|model| detail(&state, &workers, model)).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

pub async fn show(
    State(state): State<AppState>,
    _: Caller,
    Id(id): Id,
) -> Result<Json<ModelDetail>, Problem> {
    let model = state.store.read(move |db| db.model(&id)).await?;
    Ok(Json(detail(&state, &Presence::of(&state.live), model)))
}

/// A model with what is known of its files.
pub fn detail(state: &AppState, workers: &Presence, model: Model) -> ModelDetail {
    let held = state.model_files.held(&model.id);
    let file_state = |file: &ModelFile| {
        // A file of the studio may lie in another model's folder.
        let at = StudioAddress::parse(&file.url).and_then(Result::ok);
        let stored = match &at {
            Some(at) => state.model_files.held(&at.model).get(&at.filename).cloned(),
            None => held.get(&file.filename).cloned(),
        };
        let stored = stored.filter(|stored| file.sha256.as_ref().is_none_or(|hash| *hash == stored.sha256));
        ModelFileState {
            filename: file.filename.clone(),
            pinned: file.sha256.is_some(),
            present: stored.is_some(),
            bytes: stored.as_ref().map(|stored| stored.bytes),
            sha256: stored.map(|stored| stored.sha256),
        }
    };
    ModelDetail {
        files: model.source.files.iter().map(file_state).collect(),
        workers: workers.of_model(&model.id),
        fetch: state.fetches.of(&model.id),
        model,
    }
}

/// How many connected workers have which models.
#[derive(Debug, Default)]
pub struct Presence(HashMap<String, ModelWorkers>);

impl Presence {
    /// Asks every session's last heartbeat.
    pub fn of(live: &Live) -> Self {
        let mut models: HashMap<String, ModelWorkers> = HashMap::new();
        for worker in live.seen().iter().filter_map(|id| live.worker(id)) {
            for model in &worker.capabilities.present_models {
                models.entry(model.clone()).or_default().present += 1;
            }
            for model in &worker.capabilities.loaded_models {
                models.entry(model.clone()).or_default().loaded += 1;
            }
        }
        Self(models)
    }

    fn of_model(&self, id: &str) -> ModelWorkers {
        self.0.get(id).copied().unwrap_or_default()
    }
}

pub async fn put(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
    ApiJson(body): ApiJson<PutModel>,
) -> Result<Response, Problem> {
    let PutModel { kind, vram_gb, enabled, source } = body;
    let id = checked_id(id)?;
    let mut model = Model { id, kind, vram_gb, enabled: enabled.unwrap_or(true), source };
    check(&model)?;
    normalise(&mut model);
    let now = Timestamp::now();
    let stored = model.clone();
    let (existed, _, is_shared) = commit(
        &state,
        move |db| {
            let existed = match db.model(&model.id) {
                Ok(_) => true,
                Err(StoreError::NotFound { .. }) => false,
                Err(error) => return Err(error),
            };
            db.put_model(&model, now)?;
            let is_shared = db.models()?.iter().any(|other| other.id != model.id && uses(other, &model.id));
            Ok((existed, db.queued_of_model(&model.id)?, is_shared))
        },
        |state, (_, waiting, _)| {
            changed(state);
            // What waits was matched by the engine and the memory that the model named before.
            for job in waiting {
                state.coordinator.reprioritised(job.clone());
            }
        },
    )
    .await?;
    if existed && !is_shared {
        // Nobody can ask for files any more that the entry has ceased to name.
        let keep = stored.source.files.iter().map(|file| file.filename.clone()).collect();
        super::model_files::delete(&state, stored.id.clone(), keep).await?;
    }
    let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(stored)).into_response())
}

pub async fn patch(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
    ApiJson(body): ApiJson<ModelPatch>,
) -> Result<Json<Model>, Problem> {
    let now = Timestamp::now();
    let change = move |db: &mut Db| db.set_model_enabled(&id, body.enabled, now);
    Ok(Json(commit(&state, change, |state, _| changed(state)).await?))
}

pub async fn remove(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let removed = id.clone();
    let remove = move |db: &mut Db| {
        if let Some(user) = db.models()?.iter().find(|model| model.id != removed && uses(model, &removed)) {
            let why = format!("the model `{}` uses its files: remove that one first", user.id);
            return Err(StoreError::conflict("model", removed, why));
        }
        db.remove_model(&removed)
    };
    commit(&state, remove, |state, ()| changed(state)).await?;
    // Nobody can ask for them any more.
    state.fetches.forget(&id).await;
    super::model_files::delete(&state, id, Vec::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The registry is another: who keeps models and who watches them is told.
pub fn changed(state: &AppState) {
    state.models.forget();
    state.events.publish(StudioEvent::Changed { what: Area::Models });
}

/// Whether a model has files in the folder of another.
fn uses(model: &Model, other: &str) -> bool {
    let mut addresses =
        model.source.files.iter().flat_map(|file| std::iter::once(&file.url).chain(&file.mirrors));
    addresses.any(|url| {
        StudioAddress::parse(url).and_then(Result::ok).is_some_and(|address| address.model == other)
    })
}

/// Hashes are compared as text.
fn normalise(model: &mut Model) {
    for file in &mut model.source.files {
        if let Some(hash) = &mut file.sha256 {
            hash.make_ascii_lowercase();
        }
    }
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
    if let FileRole::Other(role) = &file.role
        && !OTHER_ROLES.contains(&role.as_str())
    {
        return Err(("role", format!("`{role}` is not a role of a file")));
    }
    if !file.has_plain_name() {
        return Err(("filename", format!("`{}` is not a plain file name", file.filename.escape_debug())));
    }
    check_address(&file.url).map_err(|detail| ("url", detail))?;
    if file.mirrors.len() > MAX_MIRRORS {
        return Err(("mirrors", format!("more than {MAX_MIRRORS} mirrors")));
    }
    for mirror in &file.mirrors {
        check_address(mirror).map_err(|detail| ("mirrors", detail))?;
    }
    match &file.sha256 {
        Some(hash) if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Err(("sha256", "a hash is 64 hex characters".to_owned()))
        }
        _ => Ok(()),
    }
}

fn check_address(text: &str) -> Result<(), String> {
    if let Some(address) = StudioAddress::parse(text) {
        return address.map(drop);
    }
    let url = reqwest::Url::parse(text).map_err(|error| format!("`{text}`: {error}"))?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(format!("`{text}`: models come by https (http from this machine only)"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a secret in an address would be told to every worker".to_owned());
    }
    Ok(())
}
