//! `/models`: the registry.

use axum::extract::State;
use studio_dashboard::Area;
use studio_dashboard::pages::models;

use crate::api::query::Id;
use crate::api::{OTHER_ROLES, models as api};
use crate::dashboard::visit::{Answer, Page, Visit};
use crate::state::AppState;

/// What a file may be to its model, beside [`OTHER_ROLES`].
const ROLES: [&str; 7] =
    ["model", "diffusion-model", "text-encoder", "text-encoder-vision", "vae", "lora", "labels"];

pub async fn list(State(state): State<AppState>, visit: Visit) -> Answer {
    let all = api::list(State(state), visit.caller.clone()).await?.0.items;
    Ok(Page(models::page(&visit.shell("Models", Area::Models), &all)))
}

pub async fn show(State(state): State<AppState>, visit: Visit, Id(id): Id) -> Answer {
    let model = api::show(State(state), visit.caller.clone(), Id(id)).await?.0;
    Ok(Page(models::detail(&visit.shell(model.model.id.clone(), Area::Models), &model)))
}

pub async fn add(visit: Visit) -> Answer {
    let roles: Vec<&str> = ROLES.into_iter().chain(OTHER_ROLES).collect();
    Ok(Page(models::add(&visit.shell("Add a model", Area::Models), &roles)))
}
