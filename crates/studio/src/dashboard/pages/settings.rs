//! `/settings`: what is seldom changed.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Redirect;
use studio_dashboard::pages::settings;
use studio_dashboard::{Area, Shell};

use crate::api::keys as api_keys;
use crate::dashboard::visit::{Answer, Page, Visit};
use crate::model_files;
use crate::state::AppState;

pub async fn first() -> Redirect {
    Redirect::to("/settings/account")
}

pub async fn account(visit: Visit) -> Answer {
    Ok(Page(settings::account(&shell(&visit, "Your account"), false)))
}

pub async fn keys(State(state): State<AppState>, visit: Visit, headers: HeaderMap) -> Answer {
    let keys = api_keys::list(State(state.clone()), visit.caller.clone()).await?.0.items;
    let studio = model_files::base(&state.settings, &headers);
    Ok(Page(settings::keys(&shell(&visit, "API keys"), &keys, &[], &studio)))
}

fn shell(visit: &Visit, title: &str) -> Shell {
    visit.shell(title, Area::Settings)
}
