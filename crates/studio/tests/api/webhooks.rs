//! Webhooks: made, told, signed, tried again, and never led inside.

use std::collections::HashSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use studio::StudioEvent;
use testkit::wait_for;

use crate::desk::{Desk, image};
use crate::receiver::Receiver;

const LIMIT: Duration = Duration::from_secs(20);

/// A studio that may call this machine and tries again at once, and somebody who is told.
async fn open() -> (Desk, Receiver) {
    let desk = Desk::open_with(|settings| {
        settings.allow_private_webhooks = true;
        settings.webhook_delays = vec![Duration::from_millis(1); 3];
    });
    (desk.await, Receiver::open().await)
}

async fn hook(desk: &Desk, receiver: &Receiver, events: &[&str]) -> (String, String) {
    let made = desk.post("/api/v1/webhooks", json!({ "url": receiver.url(), "events": events })).await.ok();
    let part = |name: &str| made[name].as_str().expect("it has one").to_owned();
    (part("id"), part("secret"))
}

async fn log(desk: &Desk, id: &str) -> Vec<Value> {
    let page = desk.get(&format!("/api/v1/webhooks/{id}/deliveries")).await.ok();
    page["items"].as_array().expect("a list").clone()
}

/// Waits until the newest delivery is in that state.
async fn until(desk: &Desk, id: &str, state: &str) -> Value {
    wait_for("a delivery gets there", LIMIT, async || {
        log(desk, id).await.into_iter().next().filter(|delivery| delivery["state"] == state)
    })
    .await
}

fn status(code: u16) -> Response {
    StatusCode::from_u16(code).expect("a status").into_response()
}

#[tokio::test]
async fn a_receiver_is_told_of_a_job_as_the_api_shows_it() {
    let (desk, receiver) = open().await;
    let mut events = desk.state.events.subscribe();
    let (id, secret) = hook(&desk, &receiver, &["job.done", "batch.finished"]).await;
    let worker = desk.worker().await;
    let batch = desk.id_of("/api/v1/batches", json!({ "name": "b", "jobs": [image("a")] })).await;
    let jobs = desk.get(&format!("/api/v1/jobs?batch={batch}")).await.ok();
    let job = jobs["items"][0]["id"].as_str().unwrap().to_owned();
    desk.finish(&worker, &job, "png", b"bytes").await;
    let came = receiver.until(2).await;
    let of = |kind: &str| came.iter().find(|told| told.json()["type"] == kind).unwrap();
    let shown = desk.get(&format!("/api/v1/jobs?batch={batch}")).await.ok()["items"][0].clone();
    assert_eq!(of("job.done").json()["data"], shown);
    let shown = desk.get(&format!("/api/v1/batches/{batch}")).await.ok();
    assert_eq!(of("batch.finished").json()["data"], shown);
    let ids: HashSet<&str> = came.iter().map(|told| told.header("webhook-id")).collect();
    assert_eq!(ids.len(), 2);
    for told in &came {
        assert!(told.is_signed_with(&secret), "{told:?}");
        assert!(!told.is_signed_with("whsec_AAAA"));
        assert_eq!(told.header("content-type"), "application/json");
        let seconds: i64 = told.header("webhook-timestamp").parse().unwrap();
        assert!((studio_protocol::Timestamp::now().as_millis() / 1000 - seconds).abs() < 60);
        assert!(!format!("{:?}", told.headers).contains(&secret));
    }
    let delivered = until(&desk, &id, "delivered").await;
    assert_eq!((&delivered["attempts"], &delivered["status"]), (&json!(1), &json!(200)));
    let mut areas = HashSet::new();
    while let Ok(event) = events.try_recv() {
        if let StudioEvent::Changed { what } = &*event {
            areas.insert(format!("{what:?}"));
        }
    }
    assert!(areas.contains("Webhooks") && areas.contains("Deliveries"), "{areas:?}");
}

#[tokio::test]
async fn what_fails_comes_again_with_the_same_id_until_it_is_given_up() {
    let (desk, receiver) = open().await;
    let (id, secret) = hook(&desk, &receiver, &["job.cancelled"]).await;
    let redirect = Response::builder().status(302).header("Location", receiver.url()).body(Body::empty());
    receiver.answer([status(500), redirect.unwrap(), status(404), status(429)]);
    let job = desk.image("a").await;
    desk.post(&format!("/api/v1/jobs/{job}/cancel"), json!({})).await.ok();
    let failed = until(&desk, &id, "failed").await;
    assert_eq!((&failed["attempts"], &failed["status"]), (&json!(4), &json!(429)));
    assert!(failed["error"].as_str().unwrap().contains("429") && failed.get("nextAt").is_none());
    let came = receiver.until(4).await;
    assert_eq!(came.len(), 4, "a redirect is not followed");
    assert!(
        came.iter().all(|told| told.header("webhook-id") == failed["id"] && told.is_signed_with(&secret))
    );
    // By hand once more.
    let again = format!("/api/v1/webhooks/{id}/deliveries/{}/retry", failed["id"].as_str().unwrap());
    assert_eq!(desk.post(&again, json!({})).await.ok()["state"], "waiting");
    let delivered = until(&desk, &id, "delivered").await;
    assert_eq!((&delivered["id"], &delivered["attempts"]), (&failed["id"], &json!(5)));
    assert!(delivered.get("error").is_none());
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone() {
    let (desk, receiver) = open().await;
    let (id, _) = hook(&desk, &receiver, &["job.done"]).await;
    receiver.answer([status(410)]);
    desk.post(&format!("/api/v1/webhooks/{id}/test"), json!({})).await.ok();
    until(&desk, &id, "failed").await;
    assert_eq!(desk.get(&format!("/api/v1/webhooks/{id}")).await.ok()["disabled"], true);
    assert_eq!(desk.post(&format!("/api/v1/webhooks/{id}/test"), json!({})).await.problem().0, 409);
    let path = format!("/api/v1/webhooks/{id}");
    desk.call(&desk.admin, "PATCH", &path, Some(json!({ "disabled": false }))).await.ok();
    desk.post(&format!("/api/v1/webhooks/{id}/test"), json!({})).await.ok();
    until(&desk, &id, "delivered").await;
    assert_eq!(receiver.came().len(), 2);
}

#[tokio::test]
async fn a_hostile_receiver_hurts_nobody_but_itself() {
    let (desk, hostile) = open().await;
    let (bad, _) = hook(&desk, &hostile, &["job.done"]).await;
    let good = Receiver::open().await;
    let (fine, _) = hook(&desk, &good, &["job.done"]).await;
    // A body without an end, and one that never begins.
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 64 * 1024]));
    hostile.answer([Response::new(Body::from_stream(endless))]);
    desk.post(&format!("/api/v1/webhooks/{bad}/test"), json!({})).await.ok();
    desk.post(&format!("/api/v1/webhooks/{fine}/test"), json!({})).await.ok();
    assert_eq!(until(&desk, &bad, "delivered").await["attempts"], 1, "the answer counts, not its body");
    until(&desk, &fine, "delivered").await;
    let silent = stream::pending::<Result<Vec<u8>, std::io::Error>>();
    hostile.answer([Response::new(Body::from_stream(silent))]);
    for _ in 0..3 {
        desk.post(&format!("/api/v1/webhooks/{bad}/test"), json!({})).await.ok();
        desk.post(&format!("/api/v1/webhooks/{fine}/test"), json!({})).await.ok();
    }
    good.until(4).await;
    hostile.close();
    desk.post(&format!("/api/v1/webhooks/{bad}/test"), json!({})).await.ok();
    let failed = until(&desk, &bad, "failed").await;
    assert!(failed["error"].as_str().is_some_and(|why| !why.contains("token=t")), "{failed}");
    assert!(failed.get("status").is_none());
}

#[tokio::test]
async fn machines_are_told_of_as_well() {
    let (desk, receiver) = open().await;
    hook(&desk, &receiver, &["registration.pending"]).await;
    let registration = desk.registration().await;
    let told = receiver.until(1).await.remove(0).json();
    assert_eq!(
        (told["type"].as_str(), told["data"]["id"].as_str()),
        (Some("registration.pending"), Some(registration.as_str()))
    );
}

#[tokio::test]
async fn addresses_inside_are_refused_unless_the_owner_allows_them() {
    let desk = Desk::open().await;
    let new = |url: &str| json!({ "url": url, "events": ["job.done"] });
    for url in [
        "http://hooks.example/",
        "https://127.0.0.1/",
        "https://localhost:8443/",
        "https://10.1.2.3/",
        "https://[::ffff:10.1.2.3]/",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://me:secret@hooks.example/",
        "ftp://hooks.example/",
        "gopher://x",
        "",
    ] {
        let refused = desk.post("/api/v1/webhooks", new(url)).await;
        assert_eq!(refused.problem(), (400, Some("url".into())), "{url}");
    }
    let made = desk.post("/api/v1/webhooks", new("https://hooks.example/x")).await.ok();
    let path = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap());
    let changed = desk.call(&desk.admin, "PATCH", &path, Some(json!({ "url": "https://127.0.0.1/" }))).await;
    assert_eq!(changed.problem(), (400, Some("url".into())));
    // What was made while it was allowed is not called any more.
    let (open, receiver) = open().await;
    assert!(open.post("/api/v1/webhooks", new("http://169.254.169.254/")).await.problem().0 == 400);
    let old = studio_store::NewWebhook {
        id: "hook-old".into(),
        url: receiver.url(),
        events: vec![studio_store::WebhookEvent::JobDone],
        project: None,
    };
    let now = studio_protocol::Timestamp::now();
    desk.state.store.write(move |db| db.create_webhook(&old, now)).await.unwrap();
    desk.post("/api/v1/webhooks/hook-old/test", json!({})).await.ok();
    let tried = wait_for("it is tried", LIMIT, async || {
        log(&desk, "hook-old").await.into_iter().next().filter(|delivery| delivery["attempts"] == 1)
    });
    assert!(tried.await["error"].as_str().unwrap().contains("http"));
    assert!(receiver.came().is_empty());
}

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_removed() {
    let (desk, receiver) = open().await;
    for (body, field) in [
        (json!({ "url": receiver.url(), "events": [] }), "events"),
        (json!({ "url": receiver.url(), "events": ["job.done", "job.doen"] }), "events[1]"),
        (json!({ "url": receiver.url(), "events": ["webhook.test"] }), "events[0]"),
        (json!({ "url": receiver.url(), "events": ["worker.online"], "project": "p" }), "events"),
        (json!({ "url": receiver.url() }), "events"),
        (json!({ "events": ["job.done"] }), "url"),
        (json!({ "url": format!("https://h/{}", "x".repeat(2000)), "events": ["job.done"] }), "url"),
    ] {
        let refused = desk.post("/api/v1/webhooks", body.clone()).await;
        assert_eq!(refused.problem(), (400, Some(field.into())), "{body}");
    }
    let (id, secret) = hook(&desk, &receiver, &["job.done", "job.done"]).await;
    let path = format!("/api/v1/webhooks/{id}");
    let shown = desk.get(&path).await;
    assert_eq!(shown.ok()["events"], json!(["job.done"]));
    assert!(!String::from_utf8_lossy(&shown.bytes).contains("whsec_"));
    assert!(!String::from_utf8_lossy(&desk.get("/api/v1/webhooks").await.bytes).contains("whsec_"));
    let secret_path = format!("{path}/secret");
    assert_eq!(desk.post(&secret_path, json!({})).await.ok()["secret"], secret.as_str());
    let rotated = desk.post(&secret_path, json!({ "rotate": true })).await.ok();
    assert_ne!(rotated["secret"], secret.as_str());
    desk.post(&format!("{path}/test"), json!({})).await.ok();
    let told = receiver.until(1).await.remove(0);
    assert!(told.is_signed_with(rotated["secret"].as_str().unwrap()) && !told.is_signed_with(&secret));
    let changed =
        desk.call(&desk.admin, "PATCH", &path, Some(json!({ "events": ["job.failed"] }))).await.ok();
    assert_eq!(changed["events"], json!(["job.failed"]));
    assert_eq!(desk.call(&desk.admin, "DELETE", &path, None).await.status, 204);
    assert_eq!(desk.get(&path).await.problem().0, 404);
    assert_eq!(desk.get(&format!("{path}/deliveries")).await.problem().0, 404);
}

#[tokio::test]
async fn an_operator_of_one_project_has_webhooks_of_that_project() {
    let (desk, receiver) = open().await;
    let (other, _) = hook(&desk, &receiver, &["job.done"]).await;
    let key = desk.key("operator", Some("red")).await;
    let body = json!({ "url": receiver.url(), "events": ["job.cancelled"] });
    let own = desk.call(&key, "POST", "/api/v1/webhooks", Some(body)).await.ok();
    assert_eq!(own["project"], "red");
    let theirs = json!({ "url": receiver.url(), "events": ["job.done"], "project": "blue" });
    assert_eq!(desk.call(&key, "POST", "/api/v1/webhooks", Some(theirs)).await.problem().0, 403);
    let list = desk.call(&key, "GET", "/api/v1/webhooks", None).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    for (method, path) in [
        ("GET", format!("/api/v1/webhooks/{other}")),
        ("PATCH", format!("/api/v1/webhooks/{other}")),
        ("DELETE", format!("/api/v1/webhooks/{other}")),
        ("POST", format!("/api/v1/webhooks/{other}/test")),
        ("GET", format!("/api/v1/webhooks/{other}/deliveries")),
        ("POST", format!("/api/v1/webhooks/{other}/deliveries/msg-1/retry")),
    ] {
        let body = (method == "PATCH").then(|| json!({ "disabled": true }));
        assert_eq!(desk.call(&key, method, &path, body).await.problem().0, 404, "{method} {path}");
    }
    for project in ["blue", "red"] {
        let mut job = image("x");
        job["project"] = json!(project);
        let job = desk.id_of("/api/v1/jobs", job).await;
        desk.post(&format!("/api/v1/jobs/{job}/cancel"), json!({})).await.ok();
    }
    let came = receiver.until(1).await;
    assert_eq!(came[0].json()["data"]["project"], "red");
}
