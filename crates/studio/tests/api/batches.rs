//! Batches: submitted as one, counted, cancelled and retried as one.

use serde_json::{Value, json};

use crate::desk::{Desk, chat, image};

fn task(prompt: &str) -> Value {
    json!({ "task": { "kind": "image", "prompt": prompt } })
}

#[tokio::test]
async fn a_batch_says_for_all_what_its_jobs_do_not_say() {
    let desk = Desk::open().await;
    let mut own = chat("hi");
    own["priority"] = json!(9);
    let body = json!({ "name": "night", "project": "game", "priority": 3, "model": "synthetic",
        "jobs": [task("a"), own] });
    let answer = desk.post("/api/v1/batches", body).await;
    assert_eq!(answer.status, 201);
    let batch = answer.ok();
    let id = batch["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(format!("/api/v1/batches/{id}").as_str()));
    assert_eq!(
        (batch["name"].as_str(), batch["project"].as_str(), &batch["total"]),
        (Some("night"), Some("game"), &json!(2))
    );
    let counts = json!({ "queued": 2, "offered": 0, "running": 0, "done": 0, "failed": 0, "cancelled": 0, "quarantined": 0 });
    assert_eq!(batch["counts"], counts);
    assert_eq!(
        desk.get(&format!("/api/v1/batches/{id}")).await.ok(),
        batch,
        "what was answered is what is stored"
    );
    let jobs = desk.get(&format!("/api/v1/jobs?batch={id}")).await.ok();
    let mut seen: Vec<_> = jobs["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| {
            assert_eq!((job["batch"].as_str(), job["project"].as_str()), (Some(id), Some("game")));
            (job["model"].as_str().unwrap(), job["priority"].as_i64().unwrap())
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("synthetic", 3), ("synthetic-chat", 9)]);
    assert_eq!(desk.get("/api/v1/batches").await.ok()["items"][0], batch);
    assert_eq!(desk.get("/api/v1/batches?project=other").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_batch_is_named_by_its_field_and_leaves_nothing() {
    let desk = Desk::open().await;
    for (body, field) in [
        (json!({}), Some("jobs")),
        (json!({ "jobs": [] }), Some("jobs")),
        (json!({ "jobs": "all" }), Some("jobs")),
        (json!({ "jobs": [task("a")] }), Some("jobs[0].model")),
        (json!({ "model": "nobody", "jobs": [task("a")] }), Some("jobs[0].model")),
        (json!({ "model": "synthetic", "jobs": [task("a"), {}] }), Some("jobs[1].task")),
        (
            json!({ "model": "synthetic", "jobs": [task("a"), { "task": { "kind": "llm", "messages": [] } }] }),
            Some("jobs[1].task.messages"),
        ),
        (json!({ "model": "synthetic-chat", "jobs": [task("a")] }), Some("jobs[0].task.kind")),
        (json!({ "name": "", "jobs": [image("a")] }), Some("name")),
        (json!({ "name": ["x"], "jobs": [image("a")] }), Some("name")),
        (json!({ "priority": 2000, "jobs": [image("a")] }), Some("priority")),
        (json!({ "project": "a\u{0}b", "jobs": [image("a")] }), Some("project")),
    ] {
        let text = body.to_string();
        let answer = desk.post("/api/v1/batches", body).await;
        assert_eq!(answer.problem(), (400, field.map(str::to_owned)), "{text}: {}", answer.json()["detail"]);
    }
    assert_eq!(desk.get("/api/v1/batches").await.ok()["items"], json!([]));
    assert_eq!(desk.get("/api/v1/jobs").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn a_batch_sent_twice_is_one_batch() {
    let desk = Desk::open().await;
    let body = json!({ "jobs": [image("a"), image("b")] });
    let headers = &[("Idempotency-Key", "b1")];
    let first = desk.call_with(&desk.admin, "POST", "/api/v1/batches", Some(body.clone()), headers).await;
    let again = desk.call_with(&desk.admin, "POST", "/api/v1/batches", Some(body), headers).await;
    assert_eq!(first.ok(), again.ok());
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(desk.get("/api/v1/batches").await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn cancelling_a_batch_ends_what_is_open_and_a_retry_opens_it_again() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let id = desk.id_of("/api/v1/batches", json!({ "jobs": [image("a"), image("b"), image("c")] })).await;
    let jobs = desk.get(&format!("/api/v1/jobs?batch={id}")).await.ok();
    let job = |at: usize| jobs["items"][at]["id"].as_str().unwrap().to_owned();
    desk.finish(&worker, &job(0), "webp", b"bytes").await;
    desk.start(&worker, &job(1)).await;
    let counts = async || desk.get(&format!("/api/v1/batches/{id}")).await.ok()["counts"].clone();
    assert_eq!((&counts().await["done"], &counts().await["running"]), (&json!(1), &json!(1)));
    let change = desk.post(&format!("/api/v1/batches/{id}/cancel"), json!({ "reason": "enough" })).await.ok();
    assert_eq!(change["changed"], 2);
    assert_eq!(
        (&change["batch"]["counts"]["cancelled"], &change["batch"]["counts"]["done"]),
        (&json!(2), &json!(1))
    );
    assert!(change["batch"]["finishedAt"].is_string());
    let again = desk.call(&desk.admin, "POST", &format!("/api/v1/batches/{id}/cancel"), None).await.ok();
    assert_eq!(again["changed"], 0);
    let change = desk.post(&format!("/api/v1/batches/{id}/retry"), json!({})).await.ok();
    assert_eq!((&change["changed"], &change["batch"]["counts"]["queued"]), (&json!(2), &json!(2)));
    assert!(change["batch"].get("finishedAt").is_none(), "{change}");
}

#[tokio::test]
async fn batches_come_in_pages() {
    let desk = Desk::open().await;
    for _ in 0..5 {
        desk.id_of("/api/v1/batches", json!({ "jobs": [image("a")] })).await;
    }
    let first = desk.get("/api/v1/batches?limit=3").await.ok();
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = desk.get(&format!("/api/v1/batches?limit=3&cursor={cursor}")).await.ok();
    assert_eq!(second["items"].as_array().unwrap().len(), 2);
    assert!(second["nextCursor"].is_null());
    assert_eq!(desk.get("/api/v1/batches?state=done").await.problem(), (400, Some("state".into())));
}

#[tokio::test]
async fn a_count_stands_for_as_many_jobs_with_seeds_in_a_row() {
    let desk = Desk::open().await;
    let mut job = task("fox");
    job["task"]["seed"] = json!(18_446_744_073_709_551_600_u64);
    job["assetName"] = json!("fox");
    job["count"] = json!(12);
    let id =
        desk.id_of("/api/v1/batches", json!({ "model": "synthetic", "jobs": [job, task("hare")] })).await;
    let jobs = desk.get(&format!("/api/v1/jobs?batch={id}")).await.ok();
    let items = jobs["items"].as_array().unwrap();
    assert_eq!(items.len(), 13);
    let mut made = Vec::new();
    for item in items.iter().filter(|item| item["assetName"].as_str().unwrap().starts_with("fox-")) {
        let detail = desk.get(&format!("/api/v1/jobs/{}", item["id"].as_str().unwrap())).await.ok();
        made.push((item["assetName"].as_str().unwrap().to_owned(), detail["task"]["seed"].as_u64().unwrap()));
    }
    made.sort_unstable();
    assert_eq!((made.len(), made[0].0.as_str(), made[11].0.as_str()), (12, "fox-01", "fox-12"));
    assert!(
        made.iter().enumerate().all(|(at, (_, seed))| *seed == 18_446_744_073_709_551_600 + at as u64),
        "{made:?}"
    );
}

#[tokio::test]
async fn a_count_that_cannot_be_is_named() {
    let desk = Desk::open().await;
    let with = |count: u64, seed: u64| {
        let mut job = task("a");
        job["task"]["seed"] = json!(seed);
        job["count"] = json!(count);
        json!({ "model": "synthetic", "jobs": [job] })
    };
    for (body, field) in [
        (with(0, 1), "jobs[0].count"),
        (with(1001, 1), "jobs[0].count"),
        (with(2, u64::MAX), "jobs[0].task.seed"),
    ] {
        let text = body.to_string();
        let answer = desk.post("/api/v1/batches", body).await;
        assert_eq!(answer.problem(), (400, Some(field.to_owned())), "{text}");
    }
    let mut large = task(&"x".repeat(100_000));
    large["count"] = json!(1000);
    let answer = desk.post("/api/v1/batches", json!({ "model": "synthetic", "jobs": [large] })).await;
    assert_eq!(answer.problem(), (400, Some("jobs[0].count".to_owned())));
    let many = vec![with(1000, 1)["jobs"][0].clone(); 11];
    let answer = desk.post("/api/v1/batches", json!({ "model": "synthetic", "jobs": many })).await;
    assert_eq!(answer.problem().0, 413);
    assert_eq!(desk.get("/api/v1/jobs").await.ok()["items"], json!([]), "all or none");
    let mut one = image("a");
    one["count"] = json!(1);
    let answer = desk.post("/api/v1/jobs", one).await;
    assert_eq!(answer.ok()["jobs"].as_array().unwrap().len(), 1, "who counts gets a list");
}
