//! Every route of the whole router against every role, as a key, as a session, as a key of one project, and nobody.
//!
//! The table is written out: a route that is not in it fails the test, so that somebody decides who may use it and
//! how much of it a key of one project sees.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use studio::api::Access;
use studio_store::Role;

use crate::desk::{Browser, Desk};

/// How much a key of one project sees of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The things of its project.
    Own,
    /// What is the same for all.
    Shared,
    /// Nothing: it concerns all projects.
    Whole,
}

use Scope::{Own, Shared, Whole};

/// Routes of `/api/v1` and `/v1`: method, path, who, and what a key of one project sees.
pub const ROUTES: &[(&str, &str, &str, Scope)] = &[
    ("GET", "/healthz", "open", Shared),
    ("GET", "/readyz", "open", Shared),
    ("GET", "/metrics", "viewer", Whole),
    ("GET", "/api/v1/openapi.json", "open", Shared),
    ("GET", "/api/v1/status", "viewer", Own),
    ("GET", "/api/v1/overview", "viewer", Whole),
    ("GET", "/api/v1/events", "viewer", Whole),
    ("GET", "/api/v1/jobs", "viewer", Own),
    ("POST", "/api/v1/jobs", "submitter", Own),
    ("POST", "/api/v1/jobs/actions", "submitter", Own),
    ("GET", "/api/v1/jobs/{id}", "viewer", Own),
    ("PATCH", "/api/v1/jobs/{id}", "submitter", Own),
    ("GET", "/api/v1/jobs/{id}/result", "viewer", Own),
    ("GET", "/api/v1/jobs/{id}/artefact", "viewer", Own),
    ("GET", "/api/v1/jobs/{id}/logs", "viewer", Own),
    ("POST", "/api/v1/jobs/{id}/cancel", "submitter", Own),
    ("POST", "/api/v1/jobs/{id}/retry", "submitter", Own),
    ("POST", "/api/v1/jobs/{id}/move", "submitter", Own),
    ("GET", "/api/v1/batches", "viewer", Own),
    ("POST", "/api/v1/batches", "submitter", Own),
    ("GET", "/api/v1/batches/{id}", "viewer", Own),
    ("GET", "/api/v1/batches/{id}/zip", "viewer", Own),
    ("POST", "/api/v1/batches/{id}/cancel", "submitter", Own),
    ("POST", "/api/v1/batches/{id}/retry", "submitter", Own),
    ("GET", "/api/v1/artefacts", "viewer", Own),
    ("GET", "/api/v1/artefacts/{id}", "viewer", Own),
    ("DELETE", "/api/v1/artefacts/{id}", "operator", Own),
    ("POST", "/api/v1/artefacts/{id}/link", "viewer", Own),
    ("GET", "/api/v1/artefacts/{id}/thumbnail", "viewer", Own),
    ("GET", "/files/{file}", "signed", Shared),
    ("POST", "/api/v1/inputs", "submitter", Own),
    ("GET", "/api/v1/inputs/{id}", "viewer", Own),
    ("GET", "/files/inputs/{id}", "signed", Shared),
    ("GET", "/api/v1/models", "viewer", Shared),
    ("POST", "/api/v1/models", "operator", Whole),
    ("GET", "/api/v1/models/{id}", "viewer", Shared),
    ("PUT", "/api/v1/models/{id}", "operator", Whole),
    ("PATCH", "/api/v1/models/{id}", "operator", Whole),
    ("DELETE", "/api/v1/models/{id}", "operator", Whole),
    ("PUT", "/api/v1/models/{id}/files/{filename}", "operator", Whole),
    ("DELETE", "/api/v1/models/{id}/files", "operator", Whole),
    ("POST", "/api/v1/models/{id}/fetch", "operator", Whole),
    ("GET", "/api/v1/workers", "viewer", Own),
    ("GET", "/api/v1/workers/{id}", "viewer", Own),
    ("PATCH", "/api/v1/workers/{id}", "operator", Whole),
    ("DELETE", "/api/v1/workers/{id}", "operator", Whole),
    ("GET", "/api/v1/workers/{id}/logs", "viewer", Whole),
    ("POST", "/api/v1/workers/{id}/drain", "operator", Whole),
    ("POST", "/api/v1/workers/{id}/resume", "operator", Whole),
    ("POST", "/api/v1/workers/{id}/models/{model}/load", "operator", Whole),
    ("POST", "/api/v1/workers/{id}/models/{model}/unload", "operator", Whole),
    ("GET", "/api/v1/registrations", "operator", Whole),
    ("POST", "/api/v1/registrations/{id}/approve", "operator", Whole),
    ("POST", "/api/v1/registrations/{id}/reject", "operator", Whole),
    ("POST", "/api/v1/join-codes", "operator", Whole),
    ("GET", "/api/v1/queue", "viewer", Shared),
    ("PATCH", "/api/v1/queue", "operator", Whole),
    ("GET", "/api/v1/projects", "viewer", Own),
    ("GET", "/api/v1/projects/{id}", "viewer", Own),
    ("PUT", "/api/v1/projects/{id}", "operator", Whole),
    ("PATCH", "/api/v1/projects/{id}", "operator", Whole),
    ("DELETE", "/api/v1/projects/{id}", "operator", Whole),
    ("GET", "/api/v1/webhooks", "operator", Own),
    ("POST", "/api/v1/webhooks", "operator", Own),
    ("GET", "/api/v1/webhooks/{id}", "operator", Own),
    ("PATCH", "/api/v1/webhooks/{id}", "operator", Own),
    ("DELETE", "/api/v1/webhooks/{id}", "operator", Own),
    ("POST", "/api/v1/webhooks/{id}/secret", "admin", Own),
    ("POST", "/api/v1/webhooks/{id}/test", "operator", Own),
    ("GET", "/api/v1/webhooks/{id}/deliveries", "operator", Own),
    ("POST", "/api/v1/webhooks/{id}/deliveries/{delivery}/retry", "operator", Own),
    ("GET", "/api/v1/keys", "admin", Own),
    ("POST", "/api/v1/keys", "admin", Own),
    ("DELETE", "/api/v1/keys/{id}", "admin", Own),
    ("POST", "/api/v1/session", "open", Shared),
    ("GET", "/api/v1/session", "viewer", Shared),
    ("DELETE", "/api/v1/session", "user", Shared),
    ("POST", "/api/v1/session/password", "user", Shared),
    ("POST", "/api/v1/set-up", "open", Shared),
    ("POST", "/api/v1/set-up/link", "admin", Whole),
    ("GET", "/api/v1/users", "admin", Whole),
    ("POST", "/api/v1/users", "admin", Whole),
    ("PATCH", "/api/v1/users/{id}", "admin", Whole),
    ("DELETE", "/api/v1/users/{id}", "admin", Whole),
    ("GET", "/api/v1/audit", "admin", Whole),
    ("POST", "/v1/audio/speech", "submitter", Own),
    ("POST", "/v1/audio/transcriptions", "submitter", Own),
    ("POST", "/v1/audio/translations", "submitter", Own),
    ("POST", "/v1/chat/completions", "submitter", Own),
    ("POST", "/v1/completions", "submitter", Own),
    ("POST", "/v1/embeddings", "submitter", Own),
    ("POST", "/v1/images/edits", "submitter", Own),
    ("POST", "/v1/images/generations", "submitter", Own),
    ("POST", "/v1/images/variations", "submitter", Own),
    ("POST", "/v1/messages", "submitter", Own),
    ("GET", "/v1/models", "viewer", Shared),
    ("GET", "/v1/models/{model}", "viewer", Shared),
    ("POST", "/v1/responses", "submitter", Own),
];

/// Pages, with the role that they ask for.
pub const PAGES: &[(&str, &str)] = &[
    ("/", "viewer"),
    ("/batches", "viewer"),
    ("/batches/{id}", "viewer"),
    ("/gallery", "viewer"),
    ("/jobs", "viewer"),
    ("/jobs/{id}", "viewer"),
    ("/playground", "submitter"),
    ("/workers", "viewer"),
    ("/workers/{id}", "viewer"),
    ("/models", "viewer"),
    ("/models/{id}", "viewer"),
    ("/add-model", "operator"),
    ("/settings", "viewer"),
    ("/settings/account", "viewer"),
    ("/settings/users", "admin"),
    ("/settings/keys", "admin"),
    ("/settings/projects", "operator"),
    ("/settings/webhooks", "operator"),
    ("/settings/webhooks/{id}", "operator"),
    ("/settings/retention", "operator"),
    ("/settings/audit", "admin"),
];

/// Routes outside of the tables, as the sources write them.
const OF_STRANGERS: &[&str] = &["/assets/{build}/{name}", "/set-up", "/sign-in", "/sign-out"];
const OF_WORKERS: &[&str] = &[
    "/workers/register-request",
    "/workers/register-requests/{request}",
    "/workers/{worker}/connect",
    "/workers/{worker}/jobs/{job}/complete",
    "/workers/{worker}/models/{model}/files/{filename}",
];

fn word(access: Access) -> String {
    match access {
        Access::Open => "open".to_owned(),
        Access::Signed => "signed".to_owned(),
        Access::User => "user".to_owned(),
        Access::AtLeast(role) => role.to_string(),
    }
}

/// The addresses that a source file gives to `route` itself.
fn written(source: &str) -> BTreeSet<&str> {
    let after = |text: &'static str| source.split(text).skip(1);
    after(".route(").filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next()).collect()
}

#[test]
fn every_route_is_in_the_table() {
    let table: BTreeSet<(String, &str, String)> = ROUTES
        .iter()
        .map(|(method, path, who, _)| ((*method).to_owned(), *path, (*who).to_owned()))
        .collect();
    let routes = studio::api::routes().into_iter().chain(studio::dialects::routes());
    let there: BTreeSet<_> =
        routes.map(|route| (route.method.to_string(), route.path, word(route.access))).collect();
    assert_eq!(there.difference(&table).collect::<Vec<_>>(), [] as [&_; 0], "not in the table");
    assert_eq!(table.difference(&there).collect::<Vec<_>>(), [] as [&_; 0], "not there any more");
    let pages: BTreeSet<_> =
        studio::dashboard::pages().into_iter().map(|page| (page.path, word(page.access))).collect();
    assert_eq!(pages, PAGES.iter().map(|(path, who)| (*path, (*who).to_owned())).collect());
    let of = |paths: &[&'static str]| paths.iter().copied().collect::<BTreeSet<&str>>();
    assert_eq!(written(include_str!("../../../src/dashboard.rs")), of(OF_STRANGERS));
    assert_eq!(written(include_str!("../../../src/worker_api.rs")), of(OF_WORKERS));
    assert_eq!(written(include_str!("../../../src/api.rs")), of(&[]));
    assert_eq!(written(include_str!("../../../src/dialects.rs")), of(&["/v1", "/v1/{*rest}"]));
    let whole = include_str!("../../../src/serve.rs");
    assert!(written(whole).is_empty() && whole.matches(".merge(").count() == 3, "another router is served");
}

/// Only the head of an answer is looked at: streams have no end.
async fn status(desk: &Desk, method: &str, path: &str, headers: &[(&str, &str)]) -> StatusCode {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    desk.send(request.body(Body::empty()).expect("a request")).await.status()
}

/// An address with ids that nobody has.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "nothing-there" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

fn may(who: &str, role: Role, is_key: bool) -> bool {
    match who {
        "open" => true,
        "signed" => false,
        "user" => !is_key,
        least => role >= *Role::ALL.iter().find(|role| role.as_str() == least).expect("a role"),
    }
}

fn refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED)
}

struct People {
    keys: Vec<(Role, String)>,
    bound: Vec<(Role, String)>,
    browsers: Vec<(Role, Browser)>,
}

async fn people(desk: &Desk) -> People {
    let mut people = People { keys: Vec::new(), bound: Vec::new(), browsers: Vec::new() };
    for role in Role::ALL {
        people.keys.push((*role, desk.key(role.as_str(), None).await));
        people.bound.push((*role, desk.key(role.as_str(), Some("red")).await));
        people.browsers.push((*role, desk.browser(role.as_str()).await));
    }
    people
}

#[tokio::test]
async fn every_route_lets_in_whom_the_table_says() {
    let desk = Desk::open().await;
    let mut people = people(&desk).await;
    for (method, path, who, scope) in ROUTES {
        let (at, named) = (filled(path), format!("{method} {path}"));
        if *who == "open" {
            continue; // What they tell or check is tested where they are.
        }
        let nobody = status(&desk, method, &at, &[]).await;
        let expected = if *who == "signed" { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        assert_eq!(nobody, expected, "{named} as nobody");
        for wrong in ["Bearer sk-studio-0", "Basic YWRtaW46YWRtaW4=", "Bearer"] {
            assert!(
                refused(status(&desk, method, &at, &[("authorization", wrong)]).await),
                "{named} with {wrong}"
            );
        }
        for (role, key) in &people.keys {
            let found = status(&desk, method, &at, &[("authorization", &format!("Bearer {key}"))]).await;
            assert_eq!(refused(found), !may(who, *role, true), "{named} as a key, {role}: {found}");
            assert!(found.as_u16() < 500 || found == StatusCode::SERVICE_UNAVAILABLE, "{named}: {found}");
        }
        for (role, key) in &people.bound {
            let found = status(&desk, method, &at, &[("authorization", &format!("Bearer {key}"))]).await;
            let lets_in = may(who, *role, true) && *scope != Whole;
            assert_eq!(refused(found), !lets_in, "{named} as a key of one project, {role}: {found}");
        }
        for (role, browser) in &mut people.browsers {
            let cookie = ("cookie", browser.cookie.as_str());
            if *method != "GET" {
                for token in ["", "0", &"0".repeat(64)] {
                    let forged = status(&desk, method, &at, &[cookie, ("x-csrf-token", token)]).await;
                    assert_eq!(forged, StatusCode::FORBIDDEN, "{named} as {role} with a forged token");
                }
                let without = status(&desk, method, &at, &[cookie, ("sec-fetch-site", "same-origin")]).await;
                assert_eq!(without, StatusCode::FORBIDDEN, "{named} as {role} without a token");
            }
            let found = status(&desk, method, &at, &[cookie, ("x-csrf-token", &browser.csrf)]).await;
            assert_eq!(refused(found), !may(who, *role, false), "{named} as a session, {role}: {found}");
            if *path == "/api/v1/session" && *method == "DELETE" {
                *browser = desk.sign_in(role.as_str()).await;
            }
        }
    }
}

#[tokio::test]
async fn every_page_lets_in_whom_the_table_says() {
    let desk = Desk::open().await;
    let people = people(&desk).await;
    for (path, who) in PAGES {
        let at = filled(path);
        assert_eq!(status(&desk, "GET", &at, &[]).await, StatusCode::SEE_OTHER, "{path} as nobody");
        for (role, browser) in &people.browsers {
            let found = status(&desk, "GET", &at, &[("cookie", &browser.cookie)]).await;
            assert_eq!(found == StatusCode::FORBIDDEN, !may(who, *role, false), "{path} as {role}: {found}");
            assert!(found.as_u16() < 500, "{path} as {role}: {found}");
        }
    }
}

/// No key and no session stands for the token of a worker, and no worker's address tells who works here.
#[tokio::test]
async fn workers_are_nobody_else() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let browser = desk.browser("admin").await;
    let bearer = format!("Bearer {}", desk.admin);
    for path in OF_WORKERS {
        let method = if path.ends_with("complete") || path.ends_with("request") { "POST" } else { "GET" };
        let at = format!("/graphics/api{}", filled(&path.replace("{worker}", worker.as_str())));
        for headers in [
            &[][..],
            &[("authorization", bearer.as_str())],
            &[("x-api-key", desk.admin.as_str())],
            &[("cookie", browser.cookie.as_str()), ("x-csrf-token", browser.csrf.as_str())],
        ] {
            let found = status(&desk, method, &at, headers).await;
            assert!(found.is_client_error() || *path == OF_WORKERS[0], "{at}: {found}");
        }
    }
}

#[tokio::test]
async fn strangers_change_nothing_without_a_form_of_ours() {
    let desk = Desk::open().await;
    desk.user("ann", "admin").await;
    for path in ["/sign-in", "/set-up"] {
        let found =
            status(&desk, "POST", path, &[("content-type", "application/x-www-form-urlencoded")]).await;
        assert_eq!(found, StatusCode::FORBIDDEN, "{path}");
    }
    let browser = desk.sign_in("ann").await;
    let cookie = [("cookie", browser.cookie.as_str())];
    assert_eq!(status(&desk, "POST", "/sign-out", &cookie).await, StatusCode::FORBIDDEN);
    assert_eq!(status(&desk, "GET", "/api/v1/session", &cookie).await, StatusCode::OK, "still signed in");
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT"] {
        let found = status(&desk, method, "/sign-in", &cookie).await;
        assert!(found.is_client_error(), "{method}: {found}");
    }
}
