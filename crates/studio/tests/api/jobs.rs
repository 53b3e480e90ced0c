//! Jobs: submitted, listed, looked at, cancelled, retried, reordered.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::desk::{Desk, chat, image};

#[tokio::test]
async fn a_job_is_taken_with_its_defaults_and_found_again() {
    let desk = Desk::open().await;
    let answer = desk.post("/api/v1/jobs", image("a fox")).await;
    assert_eq!(answer.status, 201);
    let job = answer.ok();
    let id = job["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(format!("/api/v1/jobs/{id}").as_str()));
    assert!(id.starts_with("job-"), "{id}");
    for (key, value) in [
        ("state", json!("queued")),
        ("kind", json!("image")),
        ("model", json!("synthetic")),
        ("project", json!("default")),
        ("assetName", json!(id)),
        ("priority", json!(0)),
        ("attempts", json!(0)),
        ("maxAttempts", json!(5)),
    ] {
        assert_eq!(job[key], value, "{key}");
    }
    let mut detail = desk.get(&format!("/api/v1/jobs/{id}")).await.ok();
    // Defaults of the model and of the protocol are for the worker to put in.
    assert_eq!(detail["task"], json!({ "kind": "image", "prompt": "a fox" }));
    assert_eq!(detail["history"], json!([]));
    let detail = detail.as_object_mut().unwrap();
    detail.remove("task");
    detail.remove("history");
    assert_eq!(&Value::Object(detail.clone()), &job, "what was answered is what is stored");
}

#[tokio::test]
async fn what_a_job_states_is_kept() {
    let desk = Desk::open().await;
    let stated = json!({ "model": "synthetic", "project": "game", "assetName": "g/creatures/fox", "priority": -7,
        "maxAttempts": 1, "task": { "kind": "image", "prompt": "fox", "seed": 18_446_744_073_709_551_615_u64 } });
    let job = desk.post("/api/v1/jobs", stated.clone()).await.ok();
    for key in ["project", "assetName", "priority", "maxAttempts", "model"] {
        assert_eq!(job[key], stated[key], "{key}");
    }
    let detail = desk.get(&format!("/api/v1/jobs/{}", job["id"].as_str().unwrap())).await.ok();
    assert_eq!(detail["task"], stated["task"]);
}

#[tokio::test]
async fn several_jobs_are_taken_together_or_not_at_all() {
    let desk = Desk::open().await;
    let answer = desk.post("/api/v1/jobs", json!({ "jobs": [image("a"), chat("b")] })).await;
    assert_eq!(answer.status, 201);
    let jobs = answer.ok();
    assert_eq!((&jobs["jobs"][0]["kind"], &jobs["jobs"][1]["kind"]), (&json!("image"), &json!("llm")));
    let mut wrong = chat("d");
    wrong["model"] = json!("nobody");
    let answer = desk.post("/api/v1/jobs", json!({ "jobs": [image("c"), wrong] })).await;
    assert_eq!(answer.problem(), (400, Some("jobs[1].model".into())));
    assert_eq!(desk.get("/api/v1/jobs").await.ok()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_wrong_field_is_named_by_its_path() {
    let desk = Desk::open().await;
    let model =
        desk.call(&desk.admin, "PATCH", "/api/v1/models/synthetic-stt", Some(json!({ "enabled": false })));
    model.await.ok();
    let with = |key: &str, value: Value| {
        let mut job = image("x");
        job[key] = value;
        job
    };
    let task = |task: Value| with("task", task);
    for (body, field) in [
        (json!([]), None),
        (json!("text"), None),
        (json!({}), Some("model")),
        (json!({ "model": "synthetic" }), Some("task")),
        (with("model", json!(7)), Some("model")),
        (with("model", json!("nobody")), Some("model")),
        (with("model", json!("")), Some("model")),
        (with("model", json!("synthetic-chat")), Some("task.kind")),
        (with("priority", json!("high")), Some("priority")),
        (with("priority", json!(1001)), Some("priority")),
        (with("priority", json!(99_999_999_999_i64)), Some("priority")),
        (with("maxAttempts", json!(0)), Some("maxAttempts")),
        (with("maxAttempts", json!(-1)), Some("maxAttempts")),
        (with("project", json!("")), Some("project")),
        (with("project", json!("p".repeat(101))), Some("project")),
        (with("assetName", json!("two\nlines")), Some("assetName")),
        (with("assetName", json!({})), Some("assetName")),
        (task(json!(null)), Some("task")),
        (task(json!([1])), Some("task")),
        (task(json!({ "prompt": "x" })), Some("task.kind")),
        (task(json!({ "kind": "image" })), Some("task.prompt")),
        (task(json!({ "kind": "image", "prompt": "x", "width": -5 })), Some("task.width")),
        (task(json!({ "kind": "image", "prompt": "x", "ext": "a/../b" })), Some("task.ext")),
        (
            json!({ "model": "synthetic-stt", "task": { "kind": "audio_stt", "inputUrl": "x" } }),
            Some("model"),
        ),
        (json!({ "jobs": [] }), Some("jobs")),
        (json!({ "jobs": {} }), Some("jobs")),
        (json!({ "jobs": [image("x"), { "model": "synthetic" }] }), Some("jobs[1].task")),
        (json!({ "jobs": [image("x"), 5] }), Some("jobs[1]")),
        (json!({ "jobs": [with("priority", json!(5000))] }), Some("jobs[0].priority")),
        (json!({ "jobs": [task(json!({ "kind": "image", "prompt": 4 }))] }), Some("jobs[0].task.prompt")),
    ] {
        let text = body.to_string();
        let answer = desk.post("/api/v1/jobs", body).await;
        assert_eq!(answer.problem(), (400, field.map(str::to_owned)), "{text}: {}", answer.json()["detail"]);
    }
    assert_eq!(desk.get("/api/v1/jobs").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn the_same_idempotency_key_makes_one_submission() {
    let desk = Desk::open().await;
    let post = async |key: &str, body: Value| {
        desk.call_with(&desk.admin, "POST", "/api/v1/jobs", Some(body), &[("Idempotency-Key", key)]).await
    };
    let first = post("k1", image("a")).await;
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = post("k1", image("a")).await;
    assert_eq!(again.status, 201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.ok()["id"], first.ok()["id"]);
    assert_eq!(post("k1", image("b")).await.problem().0, 409);
    assert_ne!(post("k2", image("a")).await.ok()["id"], first.ok()["id"]);
    // Keys of two clients never meet.
    let other = desk.key("submitter", None).await;
    let theirs =
        desk.call_with(&other, "POST", "/api/v1/jobs", Some(image("z")), &[("Idempotency-Key", "k1")]).await;
    assert_ne!(theirs.ok()["id"], first.ok()["id"]);
    // Nor do two routes.
    let body = json!({ "jobs": [image("a")] });
    let many = post("k3", body.clone()).await.ok();
    assert_eq!(many["jobs"].as_array().unwrap().len(), 1);
    let batch = desk
        .call_with(&desk.admin, "POST", "/api/v1/batches", Some(body), &[("Idempotency-Key", "k3")])
        .await;
    assert_eq!(batch.problem().0, 409);
    let long = "k".repeat(256);
    for wrong in ["", "with space", "tab\there", &long] {
        let answer = post(wrong, image("a")).await;
        assert_eq!(answer.problem(), (400, Some("Idempotency-Key".into())), "{wrong}");
    }
}

#[tokio::test]
async fn twenty_hasty_clients_with_one_key_make_one_job() {
    let desk = Desk::open().await;
    let post = || {
        let headers = &[("Idempotency-Key", "hasty")];
        desk.call_with(&desk.admin, "POST", "/api/v1/jobs", Some(image("a")), headers)
    };
    let answers = futures_util::future::join_all((0..20).map(|_| post())).await;
    let ids: BTreeSet<String> = answers.iter().map(|answer| answer.ok()["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(desk.get("/api/v1/jobs").await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn pages_show_every_job_once_and_filters_hold() {
    let desk = Desk::open().await;
    let jobs: Vec<Value> = (0..23).map(|at| if at % 2 == 0 { image("x") } else { chat("x") }).collect();
    desk.post("/api/v1/jobs", json!({ "jobs": jobs })).await.ok();
    let mut seen = Vec::new();
    let mut path = "/api/v1/jobs?limit=5".to_owned();
    loop {
        let page = desk.get(&path).await.ok();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 5);
        seen.extend(items.iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        // New jobs in between do not shift what was not shown yet.
        desk.image("late").await;
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/jobs?limit=5&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 23);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 23);
    let count = async |query: &str| {
        let path = format!("/api/v1/jobs?limit=500&{query}");
        desk.get(&path).await.ok()["items"].as_array().unwrap().len()
    };
    assert_eq!(count("kind=llm").await, 11);
    assert_eq!(count("kind=llm&state=queued&model=synthetic-chat&project=default").await, 11);
    assert_eq!(count("state=done").await, 0);
    assert_eq!(count("model=nobody").await, 0);
    assert_eq!(count("worker=w-nobody").await, 0);
    assert_eq!(count(&format!("q={}", seen[0])).await, 1);
    assert_eq!(count("state=").await, 17 + 11);
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let desk = Desk::open().await;
    for (query, field) in [
        ("state=nearly", "state"),
        ("kind=sculpture", "kind"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=%27%20OR%201%3D1", "cursor"),
        ("stat=done", "stat"),
        ("state=done&state=failed", "state"),
    ] {
        let answer = desk.get(&format!("/api/v1/jobs?{query}")).await;
        assert_eq!(answer.problem(), (400, Some(field.into())), "{query}");
    }
}

#[tokio::test]
async fn a_cancelled_job_waits_again_after_a_retry() {
    let desk = Desk::open().await;
    let id = desk.image("a").await;
    let path = |what: &str| format!("/api/v1/jobs/{id}{what}");
    assert_eq!(desk.post(&path("/retry"), json!({})).await.problem().0, 409, "it waits already");
    let cancelled = desk.post(&path("/cancel"), json!({ "reason": "changed my mind" })).await.ok();
    assert_eq!(cancelled["state"], "cancelled");
    assert!(cancelled["finishedAt"].is_string());
    // Again is no error, and a body is not asked for.
    let again = desk.call(&desk.admin, "POST", &path("/cancel"), None).await;
    assert_eq!(again.ok()["state"], "cancelled");
    assert_eq!(desk.post(&path("/retry"), json!({})).await.ok()["state"], "queued");
    assert_eq!(desk.get(&path("")).await.ok()["state"], "queued");
    let worker = desk.worker().await;
    desk.finish(&worker, &id, "webp", b"bytes").await;
    assert_eq!(desk.post(&path("/cancel"), json!({})).await.problem().0, 409);
    assert_eq!(desk.post(&path("/retry"), json!({})).await.problem().0, 409);
    let wrong = desk.post(&path("/cancel"), json!({ "reason": 7 })).await;
    assert_eq!(wrong.problem(), (400, Some("reason".into())));
}

#[tokio::test]
async fn a_job_tells_its_history_and_its_result() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let id = desk.id_of("/api/v1/jobs", chat("hi")).await;
    let result_path = format!("/api/v1/jobs/{id}/result");
    assert_eq!(desk.get(&result_path).await.problem().0, 404);
    desk.fail(&worker, &id, "out of memory").await;
    let failed = desk.get(&format!("/api/v1/jobs/{id}")).await.ok();
    assert_eq!((failed["state"].as_str(), failed["error"].as_str()), (Some("failed"), Some("out of memory")));
    assert_eq!(failed["history"][0]["outcome"], "failed");
    assert_eq!(failed["history"][0]["worker"], worker.as_str());
    assert_eq!(failed["history"][0]["error"], "out of memory");
    desk.post(&format!("/api/v1/jobs/{id}/retry"), json!({})).await.ok();
    desk.answer(&worker, &id, "{\"object\": \"chat.completion\",\n \"n\": 1.0}").await;
    let done = desk.get(&format!("/api/v1/jobs/{id}")).await.ok();
    assert_eq!(done["state"], "done");
    assert_eq!(done["result"]["object"], "chat.completion");
    assert_eq!(done["history"].as_array().unwrap().len(), 2);
    let raw = desk.get(&result_path).await;
    assert_eq!(raw.header("content-type"), Some("application/json"));
    assert_eq!(&raw.bytes[..], b"{\"object\": \"chat.completion\",\n \"n\": 1.0}", "as the worker wrote it");
    assert_eq!(desk.get(&format!("/api/v1/jobs/{id}/artefact")).await.problem().0, 404);
    assert_eq!(
        desk.get(&format!("/api/v1/jobs/{id}/logs")).await.ok(),
        json!({ "items": [], "nextCursor": null })
    );
}

#[tokio::test]
async fn a_waiting_job_can_be_moved() {
    let desk = Desk::open().await;
    let id = desk.image("a").await;
    let patch =
        async |body: Value| desk.call(&desk.admin, "PATCH", &format!("/api/v1/jobs/{id}"), Some(body)).await;
    assert_eq!(patch(json!({ "priority": 42 })).await.ok()["priority"], 42);
    assert_eq!(desk.get(&format!("/api/v1/jobs/{id}")).await.ok()["priority"], 42);
    assert_eq!(patch(json!({ "priority": 1001 })).await.problem(), (400, Some("priority".into())));
    assert_eq!(patch(json!({})).await.problem(), (400, Some("priority".into())));
    assert_eq!(patch(json!({ "priority": 1.5 })).await.problem(), (400, Some("priority".into())));
}

#[tokio::test]
async fn a_page_back_follows_a_page_on() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(desk.image(name).await);
    }
    let page = desk.get(&format!("/api/v1/jobs?limit=2&newerThan={}", ids[0])).await.ok();
    let seen: Vec<_> = page["items"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect();
    assert_eq!(seen, [ids[2].as_str(), ids[1].as_str()]);
    let cursor = page["nextCursor"].as_str().unwrap();
    let older = desk.get(&format!("/api/v1/jobs?cursor={cursor}")).await.ok();
    assert_eq!(older["items"][0]["id"], ids[0].as_str());
    let both = desk.get(&format!("/api/v1/jobs?cursor={cursor}&newerThan={}", ids[0])).await;
    assert_eq!(both.problem(), (400, Some("newerThan".to_owned())));
}
