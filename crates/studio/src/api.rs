//! `/api/v1`: what people and programs do with the studio, in JSON over HTTP.
//!
//! One table says which route there is, who may use it and what answers it. Errors are
//! `application/problem+json` and name the field that is wrong.

pub(crate) mod access;
mod actions;
mod archive_name;
pub(crate) mod artefacts;
pub(crate) mod auth;
pub(crate) mod batches;
pub(crate) mod body;
pub(crate) mod commit;
pub(crate) mod convert;
mod events;
pub(crate) mod headers;
pub(crate) mod inputs;
pub(crate) mod jobs;
pub(crate) mod keys;
mod model_files;
mod model_hub;
pub(crate) mod models;
pub mod openapi;
pub(crate) mod overview;
pub(crate) mod problem;
pub(crate) mod projects;
pub(crate) mod query;
pub(crate) mod queue;
pub(crate) mod range;
pub(crate) mod registrations;
pub(crate) mod status;
pub(crate) mod submit;
mod task;
pub(crate) mod text;
pub(crate) mod webhooks;
mod worker_steering;
pub(crate) mod workers;

pub use actions::MAX_ACTION_JOBS;
pub(crate) use auth::caller;
pub use auth::{Access, Caller};
pub use body::{MAX_BODY_BYTES, MAX_SUBMISSION_BYTES};
pub use models::{OTHER_ROLES, check as check_model};
pub use problem::Problem;
pub use query::MAX_LIMIT;
pub use submit::{IDEMPOTENCY_KEY, MAX_COUNT, MAX_JOBS, MAX_PRIORITY};

pub use studio_api as types;

use std::future::{Ready, ready};

use axum::Router;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use studio_store::Role;

use crate::state::AppState;

/// One thing that the API does.
pub struct Route {
    /// How.
    pub method: Method,
    /// Where; `{id}` stands for any one segment.
    pub path: &'static str,
    /// For whom.
    pub access: Access,
    pub(crate) handler: MethodRouter<AppState>,
}

/// One row of a table of routes.
pub(crate) fn route<H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, AppState>,
    T: 'static,
{
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
    Route { method, path, access, handler: on(filter, handler) }
}

/// Every route and the role that it asks for.
pub fn routes() -> Vec<Route> {
    use Access::{AtLeast, Open};
    const VIEWER: Access = AtLeast(Role::Viewer);
    const SUBMITTER: Access = AtLeast(Role::Submitter);
    const OPERATOR: Access = AtLeast(Role::Operator);
    const ADMIN: Access = AtLeast(Role::Admin);
    let mut routes = vec![
        route(Method::GET, "/healthz", Open, status::health),
        route(Method::GET, "/readyz", Open, status::ready),
        route(Method::GET, "/metrics", VIEWER, crate::metrics::get),
        route(Method::GET, "/api/v1/openapi.json", Open, openapi::get),
        route(Method::GET, "/api/v1/status", VIEWER, status::status),
        route(Method::GET, "/api/v1/events", VIEWER, events::stream),
        route(Method::GET, "/api/v1/jobs", VIEWER, jobs::list),
        route(Method::POST, "/api/v1/jobs", SUBMITTER, jobs::submit),
        route(Method::GET, "/api/v1/jobs/{id}", VIEWER, jobs::show),
        route(Method::PATCH, "/api/v1/jobs/{id}", SUBMITTER, jobs::patch),
        route(Method::GET, "/api/v1/jobs/{id}/result", VIEWER, jobs::result),
        route(Method::GET, "/api/v1/jobs/{id}/artefact", VIEWER, artefacts::of_job),
        route(Method::GET, "/api/v1/jobs/{id}/logs", VIEWER, jobs::logs),
        route(Method::POST, "/api/v1/jobs/{id}/cancel", SUBMITTER, jobs::cancel),
        route(Method::POST, "/api/v1/jobs/{id}/retry", SUBMITTER, jobs::retry),
        route(Method::GET, "/api/v1/batches", VIEWER, batches::list),
        route(Method::POST, "/api/v1/batches", SUBMITTER, batches::submit),
        route(Method::GET, "/api/v1/batches/{id}", VIEWER, batches::show),
        route(Method::GET, "/api/v1/batches/{id}/zip", VIEWER, batches::zip::download),
        route(Method::POST, "/api/v1/batches/{id}/cancel", SUBMITTER, batches::cancel),
        route(Method::POST, "/api/v1/batches/{id}/retry", SUBMITTER, batches::retry),
        route(Method::GET, "/api/v1/models", VIEWER, models::list),
        route(Method::GET, "/api/v1/models/{id}", VIEWER, models::show),
        route(Method::PUT, "/api/v1/models/{id}", OPERATOR, models::put),
        route(Method::PATCH, "/api/v1/models/{id}", OPERATOR, models::patch),
        route(Method::DELETE, "/api/v1/models/{id}", OPERATOR, models::remove),
        route(Method::PUT, "/api/v1/models/{id}/files/{filename}", OPERATOR, model_files::put),
        route(Method::DELETE, "/api/v1/models/{id}/files", OPERATOR, model_files::remove),
        route(Method::POST, "/api/v1/models/{id}/fetch", OPERATOR, model_files::fetch),
        route(Method::GET, "/api/v1/workers", VIEWER, workers::list),
        route(Method::GET, "/api/v1/workers/{id}", VIEWER, workers::show),
        route(Method::PATCH, "/api/v1/workers/{id}", OPERATOR, workers::patch),
        route(Method::DELETE, "/api/v1/workers/{id}", OPERATOR, workers::remove),
        route(Method::POST, "/api/v1/workers/{id}/models/{model}/load", OPERATOR, workers::load),
        route(Method::POST, "/api/v1/workers/{id}/models/{model}/unload", OPERATOR, workers::unload),
        route(Method::GET, "/api/v1/registrations", OPERATOR, registrations::list),
        route(Method::POST, "/api/v1/registrations/{id}/approve", OPERATOR, registrations::approve),
        route(Method::POST, "/api/v1/registrations/{id}/reject", OPERATOR, registrations::reject),
        route(Method::POST, "/api/v1/join-codes", OPERATOR, registrations::join_code),
        route(Method::GET, "/api/v1/keys", ADMIN, keys::list),
        route(Method::POST, "/api/v1/keys", ADMIN, keys::create),
        route(Method::DELETE, "/api/v1/keys/{id}", ADMIN, keys::revoke),
    ];
    routes.extend(access::routes());
    routes.extend(artefacts::routes());
    routes.extend(inputs::routes());
    routes.extend(webhooks::routes());
    routes.extend(actions::routes());
    routes.extend(model_hub::routes());
    routes.extend(overview::routes());
    routes.extend(projects::routes());
    routes.extend(queue::routes());
    routes.extend(worker_steering::routes());
    routes
}

/// The API as a router; it answers addresses that nobody has, too.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for Route { path, access, handler, .. } in routes() {
        let guard = auth::Guard { state: state.clone(), path, access };
        router = router.route(path, handler.route_layer(from_fn_with_state(guard, auth::guard)));
    }
    router
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_route)
        .layer(from_fn(headers::add))
        .with_state(state)
}

async fn no_route(State(state): State<AppState>, method: Method, headers: HeaderMap, uri: Uri) -> Response {
    crate::dashboard::nowhere(&state, &method, &headers, &uri).await
}

#[expect(clippy::needless_pass_by_value, reason = "a handler gets what it asks for by value")]
fn wrong_method(method: Method, uri: Uri) -> Ready<Problem> {
    ready(Problem::method(method.as_str(), uri.path()))
}
