//! `/api/v1/session`, `/users`, `/set-up`, `/audit`: who is who, and who did what.

pub(crate) mod audit;
mod session;
pub(crate) mod users;

use axum::http::Method;
use studio_store::Role;

use super::{Access, Route, route};

/// The routes of people.
pub fn routes() -> Vec<Route> {
    use Access::{AtLeast, Open, User};
    const VIEWER: Access = AtLeast(Role::Viewer);
    const ADMIN: Access = AtLeast(Role::Admin);
    vec![
        route(Method::POST, "/api/v1/session", Open, session::sign_in),
        route(Method::GET, "/api/v1/session", VIEWER, session::who_am_i),
        route(Method::DELETE, "/api/v1/session", User, session::sign_out),
        route(Method::POST, "/api/v1/session/password", User, session::change_password),
        route(Method::POST, "/api/v1/set-up", Open, session::set_up),
        route(Method::POST, "/api/v1/set-up/link", ADMIN, users::set_up_link),
        route(Method::GET, "/api/v1/users", ADMIN, users::list),
        route(Method::POST, "/api/v1/users", ADMIN, users::create),
        route(Method::PATCH, "/api/v1/users/{id}", ADMIN, users::patch),
        route(Method::DELETE, "/api/v1/users/{id}", ADMIN, users::remove),
        route(Method::GET, "/api/v1/audit", ADMIN, audit::list),
    ]
}
