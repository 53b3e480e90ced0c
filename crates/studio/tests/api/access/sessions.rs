//! What a session is good for, and when it ends.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt;
use serde_json::json;
use sha2::{Digest, Sha256};
use studio_protocol::Timestamp;
use studio_store::{PasswordHash, SecretHash};

use crate::desk::{Browser, Desk, PASSWORD, image};

const WITHIN: Duration = Duration::from_secs(10);

async fn is_in(desk: &Desk, who: &Browser) -> bool {
    desk.browse(who, "GET", "/api/v1/session", None).await.status == 200
}

#[tokio::test]
async fn only_a_page_of_the_session_changes_something() {
    let desk = Desk::open().await;
    let ann = desk.browser("operator").await;
    let other = desk.browser("admin").await;
    let submit = |headers: Vec<(&'static str, String)>| {
        let desk = &desk;
        async move {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            desk.plain("POST", "/api/v1/jobs", Some(image("x")), &headers).await
        }
    };
    let cookie = ("cookie", ann.cookie.clone());
    let wrong = [
        vec![cookie.clone()],
        vec![cookie.clone(), ("x-csrf-token", String::new())],
        vec![cookie.clone(), ("x-csrf-token", "0".repeat(64))],
        vec![cookie.clone(), ("x-csrf-token", other.csrf.clone())],
        vec![cookie.clone(), ("x-csrf-token", ann.csrf[1..].to_owned())],
    ];
    for headers in wrong {
        let answer = submit(headers.clone()).await;
        assert_eq!(answer.problem(), (403, Some("X-CSRF-Token".into())), "{headers:?}");
    }
    assert_eq!(desk.get("/api/v1/jobs").await.ok()["items"], json!([]));
    assert_eq!(submit(vec![cookie, ("x-csrf-token", ann.csrf.clone())]).await.status, 201);
    let again = desk.browse(&ann, "GET", "/api/v1/session", None).await.ok();
    assert_eq!(again["csrf"], ann.csrf.as_str(), "a page from the cache stays good");
}

#[tokio::test]
async fn only_a_page_of_the_session_asks_something_of_the_fleet() {
    let desk = Desk::open().await;
    let ann = desk.browser("submitter").await;
    let ask = async |headers: &[(&str, &str)]| {
        let body = json!({"model": "synthetic-chat", "messages": [{"role": "user", "content": "hi"}]});
        let answer = desk.plain("POST", "/v1/chat/completions", Some(body), headers).await;
        (answer.status.as_u16(), answer.json()["error"]["code"].as_str().map(str::to_owned))
    };
    let cookie = ("cookie", ann.cookie.as_str());
    assert_eq!(ask(&[cookie]).await, (403, Some("permission_denied".to_owned())));
    assert_eq!(ask(&[cookie, ("x-api-key", &desk.admin)]).await, (401, Some("invalid_api_key".to_owned())));
    // Past the guard: there is no worker.
    assert_eq!(ask(&[cookie, ("x-csrf-token", &ann.csrf)]).await, (503, Some("unavailable".to_owned())));
}

#[tokio::test]
async fn a_request_shows_one_credential() {
    let desk = Desk::open().await;
    let ann = desk.browser("operator").await;
    let bearer = format!("Bearer {}", desk.admin);
    let all = [("authorization", bearer.as_str()), ("x-api-key", &desk.admin), ("cookie", &ann.cookie)];
    for (at, credential) in all.iter().enumerate() {
        assert_eq!(desk.plain("GET", "/api/v1/session", None, &[*credential]).await.status, 200);
        let with_next = [*credential, all[(at + 1) % all.len()]];
        let answer = desk.plain("GET", "/api/v1/session", None, &with_next).await;
        assert_eq!(answer.problem().0, 401, "{with_next:?}");
    }
    let who = desk.plain("GET", "/api/v1/session", None, &[all[1]]).await.ok();
    assert!(who["csrf"].is_null() && who["id"].as_str().unwrap().starts_with("key-"), "{who}");
}

#[tokio::test]
async fn forged_sessions_are_nobodys() {
    let desk = Desk::open().await;
    let ann = desk.browser("admin").await;
    let secret = ann.cookie.split('=').nth(1).unwrap();
    let hash = studio_hash(secret);
    let upper = secret.to_uppercase();
    for forged in
        [&"0".repeat(64), &hash, &secret[1..].to_owned(), &format!("{secret}0"), &upper, &String::new()]
    {
        if forged == secret {
            continue;
        }
        let cookie = format!("studio_session={forged}");
        let answer = desk.plain("GET", "/api/v1/users", None, &[("cookie", &cookie)]).await;
        assert_eq!(answer.problem().0, 401, "{forged}");
    }
    let twice = format!("{0}; {0}", ann.cookie);
    assert_eq!(desk.plain("GET", "/api/v1/users", None, &[("cookie", &twice)]).await.problem().0, 401);
    // The cookie's secret is no key, and a key is no cookie's secret.
    let bearer = format!("Bearer {secret}");
    assert_eq!(
        desk.plain("GET", "/api/v1/users", None, &[("authorization", &bearer)]).await.problem().0,
        401
    );
    let key = format!("studio_session={}", desk.admin);
    assert_eq!(desk.plain("GET", "/api/v1/users", None, &[("cookie", &key)]).await.problem().0, 401);
}

fn studio_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[tokio::test]
async fn what_a_session_rests_on_ends_it_at_once() {
    let desk = Desk::open().await;
    let id = desk.user("bob", "viewer").await;
    let path = format!("/api/v1/users/{id}");
    for change in
        [json!({ "role": "submitter" }), json!({ "password": PASSWORD }), json!({ "disabled": true })]
    {
        let bob = desk.sign_in("bob").await;
        assert!(is_in(&desk, &bob).await);
        desk.call(&desk.admin, "PATCH", &path, Some(change.clone())).await.ok();
        assert!(!is_in(&desk, &bob).await, "{change}");
    }
    desk.call(&desk.admin, "PATCH", &path, Some(json!({ "disabled": false }))).await.ok();
    let bob = desk.sign_in("bob").await;
    assert_eq!(desk.call(&desk.admin, "DELETE", &path, None).await.status, 204);
    assert!(!is_in(&desk, &bob).await);
}

#[tokio::test]
async fn signing_out_ends_this_session_and_no_other() {
    let desk = Desk::open().await;
    let here = desk.browser("viewer").await;
    let there = desk.sign_in("viewer").await;
    let answer = desk.browse(&here, "DELETE", "/api/v1/session", None).await;
    assert_eq!(answer.status, 204);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("studio_session=;") && cookie.contains("Max-Age=0"), "{cookie}");
    assert!(!is_in(&desk, &here).await && is_in(&desk, &there).await);
    assert_eq!(desk.call(&desk.admin, "DELETE", "/api/v1/session", None).await.problem().0, 403);
}

#[tokio::test]
async fn another_password_ends_the_sessions_elsewhere() {
    let desk = Desk::open().await;
    let here = desk.browser("viewer").await;
    let there = desk.sign_in("viewer").await;
    let change = |current: &str, new: &str| Some(json!({ "current": current, "new": new }));
    let path = "/api/v1/session/password";
    let wrong = desk.browse(&here, "POST", path, change("not it at all", "another good one")).await;
    assert_eq!(wrong.problem(), (400, Some("current".into())));
    let silly = desk.browse(&here, "POST", path, change(PASSWORD, "viewer")).await;
    assert_eq!(silly.problem(), (400, Some("new".into())));
    assert!(is_in(&desk, &there).await);
    let changed = Browser::of(&desk.browse(&here, "POST", path, change(PASSWORD, "another good one")).await);
    assert!(is_in(&desk, &changed).await);
    assert!(!is_in(&desk, &here).await && !is_in(&desk, &there).await);
    // Guessing the current one from a browser that was left open is limited as at the door.
    for _ in 0..10 {
        desk.browse(&changed, "POST", path, change("not it at all", "another good one")).await;
    }
    let limited = desk.browse(&changed, "POST", path, change("another good one", "a third good one")).await;
    assert_eq!(limited.problem().0, 429);
}

#[tokio::test]
async fn a_session_that_is_too_old_is_over() {
    let desk = Desk::open().await;
    let id = desk.user("ann", "viewer").await;
    let hours_ago = |hours: i64| Timestamp::now().plus_millis(-hours * 3_600_000);
    for (started, used, good) in [(1, 1, true), (13, 13, false), (100, 1, true), (169, 1, false)] {
        let secret = format!("{started:064x}");
        let (hash, id) = (SecretHash::from(studio_hash(&secret)), id.clone().into());
        let (started, used) = (hours_ago(started), hours_ago(used));
        let store = &desk.state.store;
        let write = store.write(move |db| {
            let verified = db.password_of(&id)?.unwrap_or_else(|| PasswordHash::new(""));
            db.start_session(&id, &verified, &hash, started)?;
            db.note_session(&hash, used)
        });
        write.await.unwrap();
        let cookie = format!("studio_session={secret}");
        let answer = desk.plain("GET", "/api/v1/session", None, &[("cookie", &cookie)]).await;
        assert_eq!(answer.status == 200, good, "{started} {used}");
    }
}

#[tokio::test]
async fn a_restart_keeps_sessions() {
    let desk = Desk::open().await;
    let ann = desk.browser("operator").await;
    let desk = desk.restart().await;
    assert!(is_in(&desk, &ann).await);
    // With their tokens: a page that was open goes on.
    assert_eq!(desk.browse(&ann, "POST", "/api/v1/jobs", Some(image("x"))).await.status, 201);
}

#[tokio::test]
async fn an_open_stream_ends_with_its_session_or_key() {
    let desk = Desk::open().await;
    let ann = desk.browser("viewer").await;
    let made = desk.post("/api/v1/keys", json!({ "name": "x", "role": "viewer" })).await.ok();
    let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
    let open = |name: &'static str, value: String| {
        let request = Request::get("/api/v1/events").header(name, value).body(Body::empty()).unwrap();
        async { Box::pin(desk.send(request).await.into_body().into_data_stream()) }
    };
    let (mut of_ann, mut of_key) =
        (open("cookie", ann.cookie.clone()).await, open("authorization", bearer).await);
    for stream in [&mut of_ann, &mut of_key] {
        assert!(stream.next().await.is_some(), "it is told that it has begun");
    }
    desk.browse(&ann, "DELETE", "/api/v1/session", None).await;
    let ended = async { while of_ann.next().await.is_some() {} };
    tokio::time::timeout(WITHIN, ended).await.expect("the stream of the session ends");
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    desk.call(&desk.admin, "DELETE", &path, None).await;
    let ended = async { while of_key.next().await.is_some() {} };
    tokio::time::timeout(WITHIN, ended).await.expect("the stream of the key ends");
}

#[tokio::test]
async fn a_key_ends_when_it_should_and_tells_when_it_was_used() {
    let desk = Desk::open().await;
    for (body, field) in [
        (json!({ "name": "x", "role": "viewer", "expiresAt": "2020-01-01T00:00:00Z" }), "expiresAt"),
        (json!({ "name": "x", "role": "viewer", "ttlDays": 0 }), "ttlDays"),
        (
            json!({ "name": "x", "role": "viewer", "ttlDays": 1, "expiresAt": "2999-01-01T00:00:00Z" }),
            "ttlDays",
        ),
    ] {
        assert_eq!(desk.post("/api/v1/keys", body).await.problem(), (400, Some(field.into())));
    }
    let made = desk.post("/api/v1/keys", json!({ "name": "x", "role": "viewer", "ttlDays": 2 })).await.ok();
    assert!(made["expiresAt"].is_string() && made["lastUsedAt"].is_null(), "{made}");
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(desk.call(secret, "GET", "/api/v1/status", None).await.status, 200);
    desk.settle().await;
    let list = desk.get("/api/v1/keys").await.ok();
    let shown = list["items"].as_array().unwrap().iter().find(|key| key["id"] == made["id"]).unwrap();
    assert!(shown["lastUsedAt"].is_string(), "{shown}");
    // The time passes.
    let end = Timestamp::now().plus_millis(50);
    let soon = json!({ "name": "y", "role": "viewer", "expiresAt": end.to_string() });
    let made = desk.post("/api/v1/keys", soon).await.ok();
    let secret = made["secret"].as_str().unwrap();
    let mut answer = desk.call(secret, "GET", "/api/v1/status", None).await;
    let deadline = tokio::time::Instant::now() + WITHIN;
    while answer.status == 200 {
        assert!(tokio::time::Instant::now() < deadline, "an expired key opens the studio");
        answer = desk.call(secret, "GET", "/api/v1/status", None).await;
    }
    assert_eq!(answer.problem().0, 401);
}
