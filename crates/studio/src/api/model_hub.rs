//! `POST /api/v1/models`: a model from addresses of a hub; what it is, the studio tells from its files.

use std::time::Duration;

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use studio_protocol::CliDefaults;
use studio_store::{Role, StoreError};

use super::auth::Caller;
use super::body::ApiJson;
use super::problem::Problem;
use super::query::Id;
use super::types::AddModel;
use super::{Access, Route, models, route};
use crate::model_guess::{Wanted, hub_source, look_at_hub, plain_name};
use crate::state::AppState;

/// Addresses of one model: a denoiser, its text encoders, a VAE, and some fine-tunes.
const MAX_SOURCES: usize = 16;
/// The hub lists the files and sends the heads of some.
const LOOK_LIMIT: Duration = Duration::from_mins(1);
/// What pictures are made with when the entry says nothing, as `studio models add` has it.
fn defaults() -> CliDefaults {
    CliDefaults { cfg_scale: 1.0, steps: 20, width: 512, height: 512, more: serde_json::Map::new() }
}

/// The one route.
pub(super) fn routes() -> Vec<Route> {
    vec![route(Method::POST, "/api/v1/models", Access::AtLeast(Role::Operator), add)]
}

async fn add(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(body): ApiJson<AddModel>,
) -> Result<Response, Problem> {
    let AddModel { id, sources, kind, engine, vram_gb } = body;
    if !(1..=MAX_SOURCES).contains(&sources.len()) {
        let detail = format!("{} addresses, from 1 to {MAX_SOURCES} are taken", sources.len());
        return Err(Problem::invalid("sources", detail));
    }
    let wrong = |error: anyhow::Error| Problem::invalid("sources", format!("{error:#}"));
    let mut names = Vec::new();
    for source in &sources {
        let name = hub_source(source).map_err(wrong)?;
        names.push(name.ok_or_else(|| {
            Problem::invalid("sources", format!("`{source}` is not an address like hf:OWNER/REPO:FILE"))
        })?);
    }
    let id = id.unwrap_or_else(|| plain_name(&names[0].1.repo));
    let wanted = id.clone();
    match state.store.read(move |db| db.model(&wanted)).await {
        Err(StoreError::NotFound { .. }) => {}
        Ok(_) => {
            let why =
                format!("there is a model `{id}` already: give this one another name, or remove that one");
            return Err(Problem::conflict(why).at("id"));
        }
        Err(error) => return Err(error.into()),
    }
    let looking = async {
        let mut found = Vec::new();
        for (role, name) in &names {
            found.extend(look_at_hub(name, role.as_ref()).await?);
        }
        Wanted { kind, engine, vram_gb, files: Vec::new(), cli_defaults: defaults() }.model(found)
    };
    let model = tokio::time::timeout(LOOK_LIMIT, looking).await;
    let model = model.map_err(|_| Problem::unavailable("the hub does not answer: try again later"))?;
    models::put(State(state), caller, Id(id), ApiJson(model.map_err(wrong)?)).await
}
