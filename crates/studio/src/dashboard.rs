//! The pages for people: who may see them, what they are made of, and the forms that work without JavaScript.

mod access;
mod page;
mod session;

pub use page::page;
pub use session::Visitor;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::api::headers;
use crate::state::AppState;

/// Every page and form.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route("/set-up", get(access::show_set_up).post(access::set_up))
        .route("/sign-in", get(access::show_sign_in).post(access::sign_in))
        .route("/sign-out", post(access::sign_out))
        .layer(from_fn(headers::add))
        .with_state(state)
}
