//! `/api/v1/openapi.json`: this API as a document for programs, OpenAPI 3.1.
//!
//! What a route is asked and answers stands in the tables below; who may use it comes from the table of routes, so
//! that the document cannot say anything else than the guards do. A test compares both tables.

mod library;
mod operation;
mod people;
mod work;

use std::sync::OnceLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::auth::Access;
use super::{Route, routes};
use operation::{Operation, Schemas};

/// What stands before every operation.
const ABOUT: &str = "\
A queue of generation jobs, and the workers that run them.

Every request but those marked open names its caller: `Authorization: Bearer <key>`, or the cookie of a signed-in \
browser with the header `X-CSRF-Token` on what changes something. `x-role` is the least role that may use an \
operation. Errors are `application/problem+json` and name the field that is wrong.";

/// Every operation that is described.
fn operations() -> Vec<Operation> {
    let mut all = work::operations();
    all.extend(library::operations());
    all.extend(people::operations());
    all
}

/// The whole document.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let mut paths: Map<String, Value> = Map::new();
    let routes = routes();
    for operation in operations() {
        let access = access_of(&routes, &operation);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        let method = operation.method.as_str().to_ascii_lowercase();
        path[method] = operation.json(access, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Studio",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "security": [{ "bearer": [] }, { "cookie": [] }],
        "tags": operation::TAGS.map(|(name, description)| json!({ "name": name, "description": description })),
        "paths": paths,
        "components": {
            "schemas": schemas.json(),
            "responses": operation::problems(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An API key" },
                "cookie": {
                    "type": "apiKey", "in": "cookie", "name": "studio_session",
                    "description": "A signed-in browser; what changes something needs X-CSRF-Token beside it",
                },
            },
        },
    })
}

/// The committed copy of the document: readable, and the same for the same routes.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// Without a route nobody may: the test of both tables says so.
fn access_of(routes: &[Route], operation: &Operation) -> Option<Access> {
    let route = routes.iter().find(|route| route.path == operation.path && route.method == operation.method);
    route.map(|route| route.access)
}

/// `GET /api/v1/openapi.json`
pub async fn get() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(text).as_str();
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Where the API begins; what lies elsewhere is not in the document.
    const ROOT: &str = "/api/v1/";

    fn named(method: &axum::http::Method, path: &str) -> String {
        format!("{method} {path}")
    }

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let routes: BTreeSet<String> = routes()
            .iter()
            .filter(|route| route.path.starts_with(ROOT))
            .map(|route| named(&route.method, route.path))
            .collect();
        let all = operations();
        let described: BTreeSet<String> = all.iter().map(|one| named(&one.method, one.path)).collect();
        assert_eq!(described.len(), all.len(), "an operation is described twice");
        let missing: Vec<_> = routes.difference(&described).collect();
        let extra: Vec<_> = described.difference(&routes).collect();
        assert!(missing.is_empty() && extra.is_empty(), "not described: {missing:?}; no route: {extra:?}");
    }

    #[test]
    fn every_operation_says_who_may_and_what_its_path_holds() {
        let document = document();
        let mut ids = BTreeSet::new();
        for route in routes().iter().filter(|route| route.path.starts_with(ROOT)) {
            let operation = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
            match route.access {
                Access::AtLeast(role) => assert_eq!(operation["x-role"], role.as_str(), "{}", route.path),
                Access::User => {
                    assert_eq!(operation["security"], json!([{ "cookie": [] }]), "{}", route.path);
                }
                Access::Open | Access::Signed => {
                    assert_eq!(operation["security"], json!([]), "{}", route.path);
                }
            }
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(ids.insert(id.clone()), "two operations are called {id}");
            for name in route.path.split('/').filter_map(|part| part.strip_prefix('{')) {
                let name = name.trim_end_matches('}');
                let stated = operation["parameters"].as_array().unwrap().iter().any(|p| p["name"] == name);
                assert!(stated, "{}: {name} is not described", route.path);
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn look(value: &Value, document: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(at) = fields.get("$ref").and_then(Value::as_str) {
                        assert!(document.pointer(at.trim_start_matches('#')).is_some(), "{at} is not there");
                    }
                    fields.values().for_each(|value| look(value, document));
                }
                Value::Array(values) => values.iter().for_each(|value| look(value, document)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let document = document();
        look(&document, &document);
    }

    #[test]
    fn the_committed_copy_is_the_document() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let now = text();
        if std::env::var_os("STUDIO_WRITE_OPENAPI").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == now, "docs/openapi.json is old: STUDIO_WRITE_OPENAPI=1 cargo test -p studio openapi");
    }
}
