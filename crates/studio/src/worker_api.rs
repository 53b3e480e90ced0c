//! The worker protocol's side of the studio: registration, sessions, uploads (protocol sections 2, 3 and 10), and
//! files of models.

mod auth;
mod model_file;
mod offers;
mod registration;
mod session;
mod socket;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use studio_protocol::{API_PREFIX, REGISTRATION_WINDOW, REGISTRATIONS_PER_WINDOW};

use crate::rate::RateLimit;
use crate::state::AppState;

/// The routes under the protocol's prefix.
pub fn router(state: AppState) -> Router {
    let limit = Arc::new(RateLimit::new(REGISTRATIONS_PER_WINDOW, REGISTRATION_WINDOW));
    let register = post(registration::register).with_state((state.clone(), limit));
    let routes = Router::new()
        .route("/workers/register-requests/{request}", get(registration::poll))
        .route("/workers/{worker}/connect", get(socket::connect))
        .route("/workers/{worker}/models/{model}/files/{filename}", get(model_file::bytes))
        // Streamed to the artefact store; its own limit is the setting.
        .route(
            "/workers/{worker}/jobs/{job}/complete",
            post(upload::complete).layer(DefaultBodyLimit::disable()),
        )
        .with_state(state)
        .route("/workers/register-request", register);
    Router::new().nest(API_PREFIX, routes)
}
