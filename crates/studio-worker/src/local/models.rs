//! The models of this machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use serde_json::json;
use worker_local::{AddModel, LoadModel, Models};

use super::body::Body;
use super::{Local, Refusal, Routes};
use crate::config::Key;
use crate::shelf::{Origin, ShelfError};

/// How long somebody waits to hear that there is no such file on a hub; the download goes on by itself.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/models", get(list).post(add))
        .route("/models/{model}", delete(remove))
        .route("/models/{model}/load", post(load))
        .route("/models/{model}/unload", post(unload))
}

type Answer = Result<Json<Models>, Refusal>;

async fn list(State(local): State<Arc<Local>>) -> Answer {
    let resident = local.desk.used().resident_models.clone();
    Ok(Json(local.desk.shelf.list(&resident).await?))
}

async fn add(State(local): State<Arc<Local>>, Body(add): Body<AddModel>) -> Answer {
    let origin = match (add.source, add.from) {
        (Some(source), None) => Origin::Source(source),
        (None, Some(from)) => Origin::parse(&from)
            .map_err(|words| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", words))?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(Refusal::invalid(
                "a model has either a `source`, or a place that it is taken `from`",
            ));
        }
    };
    let found = local.desk.shelf.add(&add.model, origin)?;
    match tokio::time::timeout(LOOK_LIMIT, found).await {
        Ok(Ok(Err(words))) => Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "notFetched", words)),
        // It was found, it was broken off meanwhile, or finding it takes longer: the list tells.
        Ok(Ok(Ok(())) | Err(_)) | Err(_) => list(State(local)).await,
    }
}

async fn load(
    State(local): State<Arc<Local>>,
    Path(model): Path<String>,
    Body(load): Body<Option<LoadModel>>,
) -> Answer {
    let load = load.unwrap_or_default();
    if load.resident {
        let mut resident = local.desk.used().resident_models.clone();
        if !resident.contains(&model) {
            resident.push(model.clone());
            let key = Key::ResidentModels.as_str().to_owned();
            local.change_settings(&BTreeMap::from([(key, json!(resident))])).await?;
        }
    }
    let (shelf, name) = (local.desk.shelf.clone(), model);
    shelf.load_known(&name, load.vram_gb)?;
    list(State(local)).await
}

async fn unload(State(local): State<Arc<Local>>, Path(model): Path<String>, Body(()): Body<()>) -> Answer {
    local.desk.shelf.unload(&model).await?;
    list(State(local)).await
}

async fn remove(State(local): State<Arc<Local>>, Path(model): Path<String>) -> Answer {
    local.desk.shelf.remove(&model).await?;
    list(State(local)).await
}

impl From<ShelfError> for Refusal {
    fn from(error: ShelfError) -> Self {
        let words = error.to_string();
        match error {
            ShelfError::Wrong(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", words),
            ShelfError::Unknown(_) => Self::not_found(words),
            ShelfError::InUse(_) => Self::conflict("inUse", words),
            ShelfError::Disk(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "disk", words),
        }
    }
}
