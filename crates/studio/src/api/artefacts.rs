//! `/api/v1/artefacts`: the bytes that jobs made, and signed addresses of them.

mod link;
mod serve;
mod thumbnail;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use studio_store::{Artefact, ArtefactFilter, ArtefactId, BatchId, Role, StoreError};

use super::auth::Caller;
use super::commit::commit;
use super::jobs::{no_result, visible};
use super::problem::Problem;
use super::query::{ApiQuery, Id, PageQuery, kind};
use super::{Access, Route, batches, convert, route, types};
use crate::events::{Area, StudioEvent};
use crate::retention;
use crate::state::AppState;

pub(super) use link::{Signed, not_signed};
pub(super) use serve::Stored;

/// The routes about artefacts.
pub(super) fn routes() -> Vec<Route> {
    const VIEWER: Access = Access::AtLeast(Role::Viewer);
    vec![
        route(Method::GET, "/api/v1/artefacts", VIEWER, list),
        route(Method::GET, "/api/v1/artefacts/{id}", VIEWER, bytes),
        route(Method::DELETE, "/api/v1/artefacts/{id}", Access::AtLeast(Role::Operator), remove),
        route(Method::POST, "/api/v1/artefacts/{id}/link", VIEWER, link::make),
        route(Method::GET, "/api/v1/artefacts/{id}/thumbnail", VIEWER, thumbnail::show),
        route(Method::GET, "/files/{file}", Access::Signed, link::open),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    pub batch: Option<String>,
    pub project: Option<String>,
    pub model: Option<String>,
    pub kind: Option<String>,
    pub limit: Option<String>,
    pub cursor: Option<String>,
}

pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<types::Items<types::Artefact>>, Problem> {
    let (cursor, limit) = PageQuery::new(query.limit, query.cursor).read()?;
    let filter = ArtefactFilter {
        batch: query.batch.map(BatchId::from),
        project: caller.narrow(query.project)?,
        model: query.model,
        kind: kind(query.kind.as_deref())?,
    };
    let page = state
        .store
        .read(move |db| {
            if let Some(batch) = &filter.batch {
                batches::visible(db, &caller, batch)?;
            }
            db.artefacts_of(&filter, cursor, limit)
        })
        .await?;
    Ok(Json(types::Items {
        items: page.items.into_iter().map(convert::artefact).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

pub async fn bytes(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let artefact = visible_artefact(&state, caller, id).await?;
    Stored::from(artefact).serve(&state, &method, &headers).await
}

/// An artefact that the caller may see; one of another project does not exist for it.
pub(super) async fn visible_artefact(
    state: &AppState,
    caller: Caller,
    id: String,
) -> Result<Artefact, Problem> {
    let found = state.store.read(move |db| {
        let artefact = db.artefact(&ArtefactId::from(id.as_str()))?;
        if caller.sees(&artefact.project) {
            return Ok(artefact);
        }
        Err(StoreError::not_found("artefact", id))
    });
    Ok(found.await?)
}

/// `/api/v1/jobs/{id}/artefact`
pub async fn of_job(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = visible(&state, caller, id).await?.job;
    let id = job.id.clone();
    match state.store.read(move |db| db.artefact_of_job(&id)).await? {
        Some(artefact) => Stored::from(artefact).serve(&state, &method, &headers).await,
        None => Err(no_result(&job)),
    }
}

/// Deletes an artefact for good; its job stays, and says that the artefact is gone.
async fn remove(State(state): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    let keys = commit(
        &state,
        move |db| {
            let id = ArtefactId::from(id);
            if !caller.sees(&db.artefact(&id)?.project) {
                return Err(StoreError::not_found("artefact", id.as_str()));
            }
            db.delete_artefacts(&[id])
        },
        |state, _| state.events.publish(StudioEvent::Changed { what: Area::Artefacts }),
    )
    .await?;
    retention::delete_bytes(&state, &keys).await;
    Ok(StatusCode::NO_CONTENT)
}
