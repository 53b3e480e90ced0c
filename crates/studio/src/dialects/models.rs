//! `/v1/models`: the enabled models of the registry.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use studio_dialects::openai::models::{Listed, list as listed, one};
use studio_dialects::{Failure, Kind};
use studio_store::{Db, Model};

use super::refused::Refused;
use crate::api::problem::Problem;
use crate::api::submit;
use crate::state::AppState;

/// Characters of a model's name that an error repeats.
const MAX_QUOTED_CHARS: usize = 100;

pub(super) async fn list(State(state): State<AppState>) -> Result<Response, Refused> {
    let models = state.store.read(Db::models).await.map_err(Problem::from)?;
    Ok(Json(listed(models.iter().filter(|model| model.enabled).map(described))).into_response())
}

pub(super) async fn show(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let model = submit::model(&state, &name).await?.filter(|model| model.enabled);
    let model = model.ok_or_else(|| {
        let shown: String = name.chars().take(MAX_QUOTED_CHARS).collect();
        let why = format!("the model `{shown}` does not exist: `GET /v1/models` lists those that do");
        Failure { param: Some("model".to_owned()), ..Failure::new(Kind::NoModel, why) }
    })?;
    Ok(Json(one(described(&model))).into_response())
}

fn described(model: &Model) -> Listed<'_> {
    Listed {
        id: &model.id,
        kind: Some(model.kind),
        engine: &model.source.engine,
        source: model.source.files.first().map(|file| file.url.as_str()),
    }
}
