//! `/settings`: what is seldom changed.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Redirect;
use studio_api::Project;
use studio_dashboard::pages::settings::{self, Audit, Hooks};
use studio_dashboard::{Area, Shell};

use crate::api::access::{audit as api_audit, users as api_users};
use crate::api::query::{ApiQuery, Id, PageQuery};
use crate::api::{keys as api_keys, overview, projects as api_projects, webhooks as api_webhooks};
use crate::dashboard::visit::{Answer, Page, PageProblem, Visit};
use crate::model_files;
use crate::state::AppState;

pub async fn first() -> Redirect {
    Redirect::to("/settings/account")
}

pub async fn account(visit: Visit) -> Answer {
    let is_person = visit.caller.user().is_some();
    Ok(Page(settings::account(&shell(&visit, "Your account"), is_person)))
}

pub async fn users(State(state): State<AppState>, visit: Visit) -> Answer {
    let users = api_users::list(State(state), visit.caller.clone()).await?.0.items;
    Ok(Page(settings::users(&shell(&visit, "Users"), &users)))
}

pub async fn keys(State(state): State<AppState>, visit: Visit, headers: HeaderMap) -> Answer {
    let keys = api_keys::list(State(state.clone()), visit.caller.clone()).await?.0.items;
    let studio = model_files::base(&state.settings, &headers);
    let projects = all_projects(&state, &visit).await?;
    Ok(Page(settings::keys(&shell(&visit, "API keys"), &keys, &projects, &studio)))
}

pub async fn projects(State(state): State<AppState>, visit: Visit) -> Answer {
    let projects = all_projects(&state, &visit).await?;
    Ok(Page(settings::projects(&shell(&visit, "Projects"), &projects)))
}

pub async fn webhooks(State(state): State<AppState>, visit: Visit) -> Answer {
    let projects = all_projects(&state, &visit).await?;
    let hooks = api_webhooks::list(State(state), visit.caller.clone()).await?.0.items;
    Ok(Page(settings::webhooks(&shell(&visit, "Webhooks"), &Hooks { hooks, projects })))
}

pub async fn webhook(
    State(state): State<AppState>,
    visit: Visit,
    Id(id): Id,
    query: ApiQuery<PageQuery>,
) -> Answer {
    let hook = api_webhooks::show(State(state.clone()), visit.caller.clone(), Id(id.clone())).await?.0;
    let log = api_webhooks::deliveries(State(state), visit.caller.clone(), Id(id), query).await?.0;
    let next = log.next_cursor.map(|cursor| older(&[("cursor", &cursor)]));
    Ok(Page(settings::deliveries(&shell(&visit, "Webhook"), &hook, &log.items, next.as_deref())))
}

pub async fn retention(State(state): State<AppState>, visit: Visit) -> Answer {
    let projects = all_projects(&state, &visit).await?;
    let overview = overview::read(&state).await?;
    let (free, total) = (overview.disk_free_bytes, overview.disk_total_bytes);
    Ok(Page(settings::retention(&shell(&visit, "Retention"), &projects, free, total)))
}

pub async fn audit(
    State(state): State<AppState>,
    visit: Visit,
    uri: Uri,
    query: ApiQuery<api_audit::Query>,
) -> Answer {
    let entries = api_audit::list(State(state), visit.caller.clone(), query).await?.0;
    let actor = parameter(&uri, "actor").unwrap_or_default();
    let older = entries.next_cursor.map(|cursor| older(&[("actor", &actor), ("cursor", &cursor)]));
    let audit = Audit { entries: entries.items, actor, older };
    Ok(Page(settings::audit(&shell(&visit, "Audit log"), &audit)))
}

async fn all_projects(state: &AppState, visit: &Visit) -> Result<Vec<Project>, PageProblem> {
    Ok(api_projects::list(State(state.clone()), visit.caller.clone()).await?.0.items)
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The address of the next page, on the same path.
fn older(parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::for_suffix("?".to_owned(), 1);
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    query.finish()
}

fn shell(visit: &Visit, title: &str) -> Shell {
    visit.shell(title, Area::Settings)
}
