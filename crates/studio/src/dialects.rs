//! `/v1`: what programs written for other services speak.
//!
//! A request becomes a job that a client waits for, see [`run`]; how requests and answers look is the business of
//! the crate `studio-dialects`, which this is the shell of. Whatever goes wrong is said in the shape of the dialect
//! that the address belongs to.

mod answers;
mod audio;
mod body;
mod embeddings;
mod form;
mod frame;
mod group;
mod guard;
mod images;
mod models;
mod refused;
pub mod run;
mod stream;
mod text;
mod uploads;

use axum::Router;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any;
use studio_store::Role;

use crate::api::{Access, Route, headers, route};
use crate::state::AppState;
pub use body::MAX_REQUEST_BYTES;

/// Every route and the role that it asks for.
pub fn routes() -> Vec<Route> {
    const SUBMITTER: Access = Access::AtLeast(Role::Submitter);
    const VIEWER: Access = Access::AtLeast(Role::Viewer);
    vec![
        route(Method::POST, "/v1/audio/speech", SUBMITTER, audio::speech),
        route(Method::POST, "/v1/audio/transcriptions", SUBMITTER, audio::transcriptions),
        route(Method::POST, "/v1/audio/translations", SUBMITTER, audio::translations),
        route(Method::POST, "/v1/chat/completions", SUBMITTER, text::chat),
        route(Method::POST, "/v1/completions", SUBMITTER, text::completions),
        route(Method::POST, "/v1/embeddings", SUBMITTER, embeddings::create),
        route(Method::POST, "/v1/images/edits", SUBMITTER, images::edits),
        route(Method::POST, "/v1/images/generations", SUBMITTER, images::generations),
        route(Method::POST, "/v1/images/variations", SUBMITTER, images::variations),
        route(Method::POST, "/v1/messages", SUBMITTER, text::messages),
        route(Method::GET, "/v1/models", VIEWER, models::list),
        route(Method::GET, "/v1/models/{model}", VIEWER, models::show),
        route(Method::POST, "/v1/responses", SUBMITTER, text::responses),
    ]
}

/// The dialects as a router; it answers addresses below `/v1` that nobody has, too.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for Route { path, access, handler, .. } in routes() {
        let guard = guard::Guard { state: state.clone(), access };
        router = router.route(path, handler.route_layer(from_fn_with_state(guard, guard::guard)));
    }
    router
        .method_not_allowed_fallback(frame::wrong_method)
        .route("/v1", any(frame::no_route))
        .route("/v1/{*rest}", any(frame::no_route))
        .layer(from_fn(frame::speak))
        .layer(from_fn(headers::add))
        .with_state(state)
}
