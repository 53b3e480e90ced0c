//! Who may do what: each route with each role, and keys of one project.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;
use studio::api::{Access, Route, routes};
use studio_store::Role;

use crate::desk::{Answer, Desk, image};

/// Who may call a route that checks a secret of its own.
const WITH_A_SECRET: [(&str, &str); 2] = [("POST", "/api/v1/session"), ("POST", "/api/v1/set-up")];

/// Only the head of an answer is looked at: streams have no end.
async fn status(desk: &Desk, route: &Route, path: &str, headers: &[(&str, &str)]) -> StatusCode {
    let mut request = Request::builder().method(route.method.clone()).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    desk.send(request.body(Body::empty()).expect("a request")).await.status()
}

#[tokio::test]
async fn every_route_asks_for_its_role_and_no_less() {
    let desk = Desk::open().await;
    let (mut keys, mut browsers) = (Vec::new(), Vec::new());
    for role in Role::ALL {
        keys.push((*role, desk.key(role.as_str(), None).await));
        desk.user(role.as_str(), role.as_str()).await;
        browsers.push((*role, desk.sign_in(role.as_str()).await));
    }
    for route in routes() {
        let path = route.path.replace("{id}", "nothing-there");
        let named = format!("{} {}", route.method, route.path);
        if route.access == Access::Signed {
            let answer = desk.call(&desk.admin, route.method.as_str(), &path, None).await;
            assert_eq!(answer.problem().0, 403, "{named}: no key stands for a signature");
            continue;
        }
        let nobody = status(&desk, &route, &path, &[]).await;
        if route.access == Access::Open {
            let has_secret = WITH_A_SECRET.contains(&(route.method.as_str(), route.path));
            assert_eq!(nobody.is_success(), !has_secret, "{named}: {nobody}");
            continue;
        }
        let request = Request::builder().method(route.method.clone()).uri(&path).body(Body::empty()).unwrap();
        let answer = Answer::read(desk.send(request).await).await;
        assert_eq!(answer.problem().0, 401, "{named}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"studio\""));
        let refused = |status| matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
        for (role, key) in &keys {
            let bearer = format!("Bearer {key}");
            for headers in [("authorization", bearer.as_str()), ("x-api-key", key)] {
                let status = status(&desk, &route, &path, &[headers]).await;
                assert_eq!(
                    refused(status),
                    !may(route.access, *role, true),
                    "{named} as {role} key: {status}"
                );
            }
        }
        for (role, browser) in &mut browsers {
            let headers = [("cookie", browser.cookie.as_str()), ("x-csrf-token", browser.csrf.as_str())];
            let with_token = status(&desk, &route, &path, &headers).await;
            assert_eq!(
                refused(with_token),
                !may(route.access, *role, false),
                "{named} as {role}: {with_token}"
            );
            if route.method != Method::GET {
                let without = status(&desk, &route, &path, &headers[..1]).await;
                // A session that has ended with the request before is as good.
                assert!(refused(without), "{named} as {role} without a token: {without}");
            }
            if (route.method.as_str(), route.path) == ("DELETE", "/api/v1/session") {
                *browser = desk.sign_in(role.as_str()).await;
            }
        }
    }
}

fn may(access: Access, role: Role, is_key: bool) -> bool {
    match access {
        Access::Open | Access::Signed => true,
        Access::User => !is_key,
        Access::AtLeast(least) => role >= least,
    }
}

#[tokio::test]
async fn the_table_leaves_nothing_open_but_health_and_what_checks_a_secret() {
    let open = routes().into_iter().filter(|route| route.access == Access::Open);
    let open: Vec<_> = open.map(|route| (route.method.to_string(), route.path)).collect();
    let mut expected = vec![("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/api/v1/openapi.json")];
    expected.extend(WITH_A_SECRET);
    let expected: Vec<_> = expected.into_iter().map(|(method, path)| (method.to_owned(), path)).collect();
    assert_eq!(open, expected);
    let signed = routes().into_iter().filter(|route| route.access == Access::Signed).map(|route| route.path);
    assert_eq!(signed.collect::<Vec<_>>(), ["/files/{file}", "/files/inputs/{id}"]);
}

#[test]
fn changes_ask_for_the_role_that_answers_for_them() {
    for route in routes() {
        let Access::AtLeast(least) = route.access else { continue };
        let thing = route.path.trim_start_matches("/api/v1/").split('/').next().unwrap();
        let expected = match (thing, route.method.as_str()) {
            ("keys" | "users" | "audit" | "set-up", _) => Role::Admin,
            ("webhooks", _) if route.path.ends_with("/secret") => Role::Admin,
            ("registrations" | "join-codes" | "webhooks", _) | ("artefacts", "DELETE") => Role::Operator,
            // A link to an artefact shows its maker nothing new.
            (_, "GET") | ("artefacts", "POST") => Role::Viewer,
            ("jobs" | "batches" | "inputs", _) => Role::Submitter,
            ("models" | "projects" | "queue" | "workers", _) => Role::Operator,
            other => panic!("who may do this? {other:?}"),
        };
        assert_eq!(least, expected, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn a_wrong_key_learns_nothing() {
    let desk = Desk::open().await;
    let mut answers = Vec::new();
    let wrong = ["Bearer x", "Bearer ", "Basic YTpi", "", "bearer", "Bearer \u{e4}"];
    for value in wrong {
        let request =
            Request::get("/api/v1/jobs").header("authorization", value).body(Body::empty()).unwrap();
        let answer = Answer::read(desk.send(request).await).await;
        assert_eq!(answer.problem().0, 401, "{value}");
        answers.push(answer.bytes);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    // Not in an address either, where logs would keep it.
    let path = format!("/api/v1/jobs?api_key={}", desk.admin);
    let request = Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(desk.send(request).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_of_one_project_lives_in_that_project() {
    let desk = Desk::open().await;
    let key = desk.key("submitter", Some("red")).await;
    let mut blue = image("blue");
    blue["project"] = json!("blue");
    let theirs = desk.id_of("/api/v1/jobs", blue.clone()).await;
    let their_batch = desk.id_of("/api/v1/batches", json!({ "project": "blue", "jobs": [image("b")] })).await;

    let own = desk.call(&key, "POST", "/api/v1/jobs", Some(image("red"))).await.ok();
    assert_eq!(own["project"], "red");
    let refused = desk.call(&key, "POST", "/api/v1/jobs", Some(blue)).await;
    assert_eq!(refused.problem(), (403, Some("project".into())));
    let refused =
        desk.call(&key, "POST", "/api/v1/batches", Some(json!({ "project": "blue", "jobs": [image("b")] })));
    assert_eq!(refused.await.problem(), (403, Some("project".into())));

    for (method, path) in [
        ("GET", format!("/api/v1/jobs/{theirs}")),
        ("GET", format!("/api/v1/jobs/{theirs}/result")),
        ("GET", format!("/api/v1/jobs/{theirs}/artefact")),
        ("GET", format!("/api/v1/jobs/{theirs}/logs")),
        ("POST", format!("/api/v1/jobs/{theirs}/cancel")),
        ("POST", format!("/api/v1/jobs/{theirs}/retry")),
        ("GET", format!("/api/v1/batches/{their_batch}")),
        ("POST", format!("/api/v1/batches/{their_batch}/cancel")),
        ("POST", format!("/api/v1/batches/{their_batch}/retry")),
        ("GET", format!("/api/v1/artefacts?batch={their_batch}")),
        ("GET", format!("/api/v1/events?batch={their_batch}")),
    ] {
        assert_eq!(desk.call(&key, method, &path, None).await.problem().0, 404, "{method} {path}");
    }
    let patch =
        desk.call(&key, "PATCH", &format!("/api/v1/jobs/{theirs}"), Some(json!({ "priority": 1 }))).await;
    assert_eq!(patch.problem().0, 404);
    assert_eq!(desk.get(&format!("/api/v1/jobs/{theirs}")).await.ok()["state"], "queued");

    let list = desk.call(&key, "GET", "/api/v1/jobs", None).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["id"], own["id"]);
    assert!(
        desk.call(&key, "GET", "/api/v1/batches", None).await.ok()["items"].as_array().unwrap().is_empty()
    );
    let other = desk.call(&key, "GET", "/api/v1/jobs?project=blue", None).await;
    assert_eq!(other.problem(), (403, Some("project".into())));
    assert_eq!(desk.call(&key, "GET", "/api/v1/events", None).await.problem(), (403, Some("batch".into())));
}

#[tokio::test]
async fn artefacts_of_other_projects_are_not_there() {
    let desk = Desk::open().await;
    let key = desk.key("viewer", Some("red")).await;
    let worker = desk.worker().await;
    let job = desk.image("of the default project").await;
    let artefact = desk.finish(&worker, &job, "png", b"bytes").await;
    assert_eq!(desk.call(&key, "GET", &format!("/api/v1/artefacts/{artefact}"), None).await.problem().0, 404);
    assert_eq!(desk.call(&key, "GET", "/api/v1/artefacts", None).await.ok()["items"], json!([]));
    assert_eq!(desk.get("/api/v1/artefacts").await.ok()["items"][0]["id"], artefact.as_str());
}
