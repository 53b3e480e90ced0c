//! `/api/v1/projects`: how much of the fleet is whose, and what is kept of it.

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use studio_protocol::{ProjectId, Timestamp};
use studio_scheduler::ProjectRules;
use studio_store::{Db, ProjectChange, Role};

use super::auth::{Access, Caller, WholeStudio};
use super::body::{ApiJson, OptionalJson};
use super::commit::commit;
use super::problem::Problem;
use super::query::Id;
use super::text::{MAX_PROJECT_CHARS, checked_text};
use super::types::{Items, Project, ProjectPatch};
use super::{Route, convert, route};
use crate::events::{Area, StudioEvent};
use crate::state::AppState;

/// Those of projects.
pub fn routes() -> Vec<Route> {
    const VIEWER: Access = Access::AtLeast(Role::Viewer);
    const OPERATOR: Access = Access::AtLeast(Role::Operator);
    vec![
        route(Method::GET, "/api/v1/projects", VIEWER, list),
        route(Method::GET, "/api/v1/projects/{id}", VIEWER, show),
        route(Method::PUT, "/api/v1/projects/{id}", OPERATOR, put),
        route(Method::PATCH, "/api/v1/projects/{id}", OPERATOR, patch),
        route(Method::DELETE, "/api/v1/projects/{id}", OPERATOR, remove),
    ]
}

/// Every project that the caller may see, by name.
pub async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Items<Project>>, Problem> {
    let projects = state.store.read(Db::projects).await?;
    let seen = projects.into_iter().filter(|project| caller.sees(&project.id));
    Ok(Json(Items { items: seen.map(|project| convert::project(&project)).collect(), next_cursor: None }))
}

/// One project.
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Project>, Problem> {
    let id = ProjectId::from(id);
    if !caller.sees(&id) {
        return Err(Problem::not_found("project", id.as_str()));
    }
    let project = state.store.read(move |db| db.project(&id)).await?;
    Ok(Json(convert::project(&project)))
}

async fn put(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
    OptionalJson(body): OptionalJson<ProjectPatch>,
) -> Result<Json<Project>, Problem> {
    change(&state, id, body, true).await
}

async fn patch(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
    ApiJson(body): ApiJson<ProjectPatch>,
) -> Result<Json<Project>, Problem> {
    change(&state, id, body, false).await
}

async fn change(
    state: &AppState,
    id: String,
    body: ProjectPatch,
    make: bool,
) -> Result<Json<Project>, Problem> {
    let id = ProjectId::from(checked_text("id", id, MAX_PROJECT_CHARS)?);
    let ProjectPatch { weight, max_queued, max_running, keep_artefacts_days, keep_jobs_days } = body;
    let change = ProjectChange { weight, max_queued, max_running, keep_artefacts_days, keep_jobs_days };
    let now = Timestamp::now();
    let project = commit(
        state,
        move |db| db.change_project(&id, &change, make, now),
        |state, project| {
            state.coordinator.project_ruled(project.id.clone(), project.rules());
            state.events.publish(StudioEvent::Changed { what: Area::Projects });
        },
    )
    .await?;
    Ok(Json(convert::project(&project)))
}

async fn remove(State(state): State<AppState>, _: WholeStudio, Id(id): Id) -> Result<StatusCode, Problem> {
    let id = ProjectId::from(id);
    let told = id.clone();
    commit(
        &state,
        move |db| db.remove_project(&id),
        move |state, ()| {
            state.coordinator.project_ruled(told, ProjectRules::default());
            state.events.publish(StudioEvent::Changed { what: Area::Projects });
        },
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
