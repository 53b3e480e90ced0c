//! The dashboard: pages for people, made by `studio-dashboard` from what the API answers.
//!
//! Every page is guarded like a route of the API and calls the same functions, so it shows no more than the API
//! would tell. Reading needs no script; what pages change, they change through `/api/v1`.

mod access;
mod assets;
mod gzip;
mod headers;
mod pages;
mod session;
mod visit;

pub use visit::Visit;

use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use studio_store::Role;

use crate::api::{Access, Problem};
use crate::state::AppState;

/// A page and who may see it.
pub struct PageRoute {
    /// Where; `{id}` stands for any one segment.
    pub path: &'static str,
    /// For whom.
    pub access: Access,
    handler: MethodRouter<AppState>,
}

fn page<H, T>(path: &'static str, role: Role, handler: H) -> PageRoute
where
    H: Handler<T, AppState>,
    T: 'static,
{
    PageRoute { path, access: Access::AtLeast(role), handler: get(handler) }
}

/// Every page that asks for a role.
pub fn pages() -> Vec<PageRoute> {
    pages::routes()
}

/// Pages and what they are made of.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for PageRoute { path, access, handler } in pages() {
        let guard = visit::Guard { state: state.clone(), access };
        router = router.route(path, handler.route_layer(from_fn_with_state(guard, visit::guard)));
    }
    router
        .route("/assets/{build}/{name}", get(assets::serve))
        .route("/set-up", get(access::show_set_up).post(access::set_up))
        .route("/sign-in", get(access::show_sign_in).post(access::sign_in))
        .route("/sign-out", post(access::sign_out))
        .layer(from_fn(gzip::compress))
        .layer(from_fn(headers::add))
        .with_state(state)
}

/// Answers an address that nobody has: people get a page, programs a problem.
pub async fn nowhere(state: &AppState, method: &Method, headers: &HeaderMap, uri: &Uri) -> Response {
    if method == Method::GET && wants_page(headers) && !is_of_programs(uri.path()) {
        return visit::problem_page(state, headers, uri, &Problem::no_page(uri.path())).await;
    }
    Problem::no_route(uri.path()).into_response()
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

fn is_of_programs(path: &str) -> bool {
    ["/api", "/v1", "/graphics"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_no_pages() {
        for path in ["/api/v1/none", "/v1/models", "/graphics/api/none", "/api"] {
            assert!(is_of_programs(path), "{path}");
        }
        for path in ["/none", "/apiary", "/v10", "/"] {
            assert!(!is_of_programs(path), "{path}");
        }
    }
}
