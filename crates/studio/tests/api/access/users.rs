//! Accounts, the first of them, and the log of what everybody did.

use serde_json::{Value, json};

use crate::desk::{Answer, Browser, Desk, PASSWORD};

async fn link(desk: &Desk) -> String {
    let link = desk.post("/api/v1/set-up/link", json!({})).await.ok();
    let token = link["path"].as_str().and_then(|path| path.strip_prefix("/set-up?token="));
    token.expect("the link has a token").to_owned()
}

async fn set_up(desk: &Desk, token: &str, name: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "name": name, "password": password });
    desk.plain("POST", "/api/v1/set-up", Some(body), &[]).await
}

#[tokio::test]
async fn the_link_makes_one_admin_and_no_more() {
    let desk = Desk::open().await;
    assert_eq!(set_up(&desk, "guessed", "eve", PASSWORD).await.problem().0, 403);
    let old = link(&desk).await;
    let token = link(&desk).await;
    assert_eq!(set_up(&desk, &old, "eve", PASSWORD).await.problem().0, 403, "only the latest is good");
    // A slip does not use it up.
    assert_eq!(set_up(&desk, &token, "ann", "short").await.problem(), (400, Some("password".into())));
    assert_eq!(set_up(&desk, &token, " ", PASSWORD).await.problem(), (400, Some("name".into())));
    let ann = Browser::of(&set_up(&desk, &token, " Ann ", PASSWORD).await);
    let me = desk.browse(&ann, "GET", "/api/v1/session", None).await.ok();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("Ann"), Some("admin")));
    assert_eq!(set_up(&desk, &token, "eve", PASSWORD).await.problem().0, 403);
    assert_eq!(desk.post("/api/v1/set-up/link", json!({})).await.problem().0, 409);
    assert_eq!(desk.get("/api/v1/users").await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_who_have_the_link_do_not_both_become_admin() {
    let desk = Desk::open().await;
    let token = link(&desk).await;
    let (first, second) =
        tokio::join!(set_up(&desk, &token, "ann", PASSWORD), set_up(&desk, &token, "eve", PASSWORD));
    let good = [first, second].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1);
    assert_eq!(desk.get("/api/v1/users").await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn accounts_are_made_changed_and_removed() {
    let desk = Desk::open().await;
    let made = desk.post("/api/v1/users", json!({ "name": "bob", "role": "viewer" })).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    let drawn = made["password"].as_str().expect("a password that the studio drew is shown once");
    let sign_in = json!({ "name": "BOB", "password": drawn });
    Browser::of(&desk.plain("POST", "/api/v1/session", Some(sign_in), &[]).await);
    let list = desk.get("/api/v1/users").await.ok();
    assert!(list["items"][0]["lastSeenAt"].is_string(), "{list}");
    assert!(!list.to_string().contains(drawn) && !list.to_string().contains("argon2"));

    let path = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
    let change = |body: Value| desk.call(&desk.admin, "PATCH", &path, Some(body));
    assert_eq!(change(json!({ "role": "operator" })).await.ok()["role"], "operator");
    assert_eq!(change(json!({ "disabled": true })).await.ok()["disabled"], true);
    assert_eq!(change(json!({ "password": "qwertyuiop" })).await.problem(), (400, Some("password".into())));
    assert_eq!(change(json!({ "role": "god" })).await.problem(), (400, Some("role".into())));
    assert_eq!(desk.call(&desk.admin, "DELETE", &path, None).await.status, 204);
    assert_eq!(change(json!({ "role": "viewer" })).await.problem().0, 404);
}

#[tokio::test]
async fn a_wrong_account_is_named_by_field() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    for (body, status, field) in [
        (json!({ "role": "viewer" }), 400, Some("name")),
        (json!({ "name": "x" }), 400, Some("role")),
        (json!({ "name": "x".repeat(65), "role": "viewer" }), 400, Some("name")),
        (json!({ "name": "a\nb", "role": "viewer" }), 400, Some("name")),
        (json!({ "name": "x", "role": "viewer", "password": "short" }), 400, Some("password")),
        (json!({ "name": "ANN", "role": "viewer" }), 409, None),
    ] {
        let answer = desk.post("/api/v1/users", body.clone()).await;
        assert_eq!(answer.problem(), (status, field.map(str::to_owned)), "{body}");
    }
}

#[tokio::test]
async fn somebody_always_may_administer() {
    let desk = Desk::open().await;
    let keys = desk.get("/api/v1/keys").await.ok();
    let key = format!("/api/v1/keys/{}", keys["items"][0]["id"].as_str().unwrap());
    let id = desk.user("ann", "admin").await;
    let ann = desk.sign_in("ann").await;
    // Her account takes the place of the key, which may go now.
    assert_eq!(desk.browse(&ann, "DELETE", &key, None).await.status, 204);
    let path = format!("/api/v1/users/{id}");
    for change in [json!({ "role": "operator" }), json!({ "disabled": true })] {
        assert_eq!(desk.browse(&ann, "PATCH", &path, Some(change)).await.problem().0, 409);
    }
    assert_eq!(desk.browse(&ann, "DELETE", &path, None).await.problem().0, 409);
    let another = json!({ "name": "bob", "role": "admin", "password": PASSWORD });
    assert_eq!(desk.browse(&ann, "POST", "/api/v1/users", Some(another)).await.status, 201);
    assert_eq!(desk.browse(&ann, "DELETE", &path, None).await.status, 204);
    assert_eq!(desk.browse(&ann, "GET", "/api/v1/session", None).await.problem().0, 401);
}

#[tokio::test]
async fn a_key_of_one_project_administers_that_project() {
    let desk = Desk::open().await;
    let red = desk.key("admin", Some("red")).await;
    for (method, path) in [
        ("GET", "/api/v1/users"),
        ("GET", "/api/v1/audit"),
        ("POST", "/api/v1/set-up/link"),
        ("DELETE", "/api/v1/users/user-1"),
    ] {
        assert_eq!(desk.call(&red, method, path, None).await.problem().0, 403, "{method} {path}");
    }
    let new = json!({ "name": "eve", "role": "admin", "password": PASSWORD });
    assert_eq!(desk.call(&red, "POST", "/api/v1/users", Some(new)).await.problem().0, 403);
    let other = json!({ "name": "x", "role": "viewer", "project": "blue" });
    assert_eq!(desk.call(&red, "POST", "/api/v1/keys", Some(other)).await.problem().0, 403);
    let own =
        desk.call(&red, "POST", "/api/v1/keys", Some(json!({ "name": "x", "role": "admin" }))).await.ok();
    assert_eq!(own["project"], "red", "never more than its own");
    let seen = desk.call(&red, "GET", "/api/v1/keys", None).await.ok();
    assert!(seen["items"].as_array().unwrap().iter().all(|key| key["project"] == "red"), "{seen}");
    let all = desk.get("/api/v1/keys").await.ok();
    let first = all["items"][0]["id"].as_str().unwrap();
    assert_eq!(desk.call(&red, "DELETE", &format!("/api/v1/keys/{first}"), None).await.problem().0, 404);
}

#[tokio::test]
async fn what_changes_something_is_written_down_without_its_body() {
    let desk = Desk::open().await;
    let id = desk.user("ann", "operator").await;
    let ann = desk.sign_in("ann").await;
    desk.browse(&ann, "POST", "/api/v1/workers/w-9/models/m/load", None).await;
    desk.browse(&ann, "POST", "/api/v1/keys", Some(json!({ "name": "x", "role": "admin" }))).await;
    desk.browse(&ann, "GET", "/api/v1/jobs", None).await;
    desk.plain("POST", "/api/v1/jobs", None, &[("authorization", "Bearer nobody")]).await;
    desk.settle().await;
    let log = desk.get("/api/v1/audit?actor=ann").await.ok();
    let lines = log["items"].as_array().unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line["action"].as_str().unwrap(), &line["status"])).collect();
    assert_eq!(
        told,
        [
            ("POST /api/v1/keys", &json!(403)),
            ("POST /api/v1/workers/{id}/models/{model}/load", &json!(404)),
            ("sign-in", &json!(200)),
        ]
    );
    assert_eq!(lines[1]["target"], "w-9/m");
    assert_eq!(lines[2]["detail"]["address"], "127.0.0.1");
    assert_eq!(lines[0]["actorId"], id.as_str());
    let all = desk.get("/api/v1/audit").await.ok();
    let made = all["items"].as_array().unwrap().iter().find(|line| line["action"] == "POST /api/v1/users");
    assert_eq!(made.unwrap()["target"], id.as_str(), "what was made is named");
    assert!(!all.to_string().contains(PASSWORD) && !all.to_string().contains("nobody"));
    assert_eq!(desk.get("/api/v1/audit?action=sign").await.ok()["items"].as_array().unwrap().len(), 1);
    let first = desk.get("/api/v1/audit?limit=1").await.ok();
    let next = format!("/api/v1/audit?limit=1&cursor={}", first["nextCursor"].as_str().unwrap());
    assert_ne!(desk.get(&next).await.ok()["items"], first["items"]);
}
