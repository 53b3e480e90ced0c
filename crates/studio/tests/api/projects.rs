//! Projects with their quotas, the queue as a whole, many jobs at once, and what workers may have.

use std::time::Instant;

use serde_json::{Value, json};
use studio_protocol::Timestamp;
use studio_store::{NewBatch, NewJob, Submission};

use crate::desk::{Answer, Desk, chat, image};

fn of(project: &str) -> Value {
    let mut job = image("a fox");
    job["project"] = json!(project);
    job
}

async fn put(desk: &Desk, project: &str, body: Value) -> Answer {
    desk.call(&desk.admin, "PUT", &format!("/api/v1/projects/{project}"), Some(body)).await
}

async fn patch(desk: &Desk, path: &str, body: Value) -> Answer {
    desk.call(&desk.admin, "PATCH", path, Some(body)).await
}

#[tokio::test]
async fn a_project_is_made_changed_and_removed() {
    let desk = Desk::open().await;
    let made = put(&desk, "red", json!({ "weight": 2, "maxQueued": 5, "keepJobsDays": 30 })).await.ok();
    assert_eq!(
        (&made["weight"], &made["maxQueued"], &made["keepJobsDays"]),
        (&json!(2.0), &json!(5), &json!(30))
    );
    assert_eq!(made["counts"]["queued"], 0);
    let path = "/api/v1/projects/red";
    let changed = patch(&desk, path, json!({ "maxQueued": null, "maxRunning": 3 })).await.ok();
    assert_eq!(
        (changed.get("maxQueued"), &changed["maxRunning"], &changed["weight"]),
        (None, &json!(3), &json!(2.0))
    );
    assert_eq!(desk.get(path).await.ok(), changed);
    assert_eq!(desk.get("/api/v1/projects").await.ok()["items"], json!([changed]));
    assert_eq!(patch(&desk, "/api/v1/projects/blue", json!({})).await.problem().0, 404);
    for (body, field) in [
        (json!({ "weight": 0 }), "weight"),
        (json!({ "weight": "much" }), "weight"),
        (json!({ "maxQueued": -1 }), "maxQueued"),
        (json!({ "keepArtefactsDays": 0 }), "keepArtefactsDays"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        assert_eq!(put(&desk, "red", body).await.problem(), (400, Some(field.into())));
    }
    let job = desk.id_of("/api/v1/jobs", of("red")).await;
    assert_eq!(desk.get(path).await.ok()["counts"]["queued"], 1);
    assert_eq!(desk.call(&desk.admin, "DELETE", path, None).await.problem().0, 409);
    let worker = desk.worker().await;
    desk.start(&worker, &job).await;
    let counts = desk.get(path).await.ok()["counts"].clone();
    assert_eq!(
        (&counts["queued"], &counts["offered"], &counts["running"]),
        (&json!(0), &json!(0), &json!(1))
    );
    put(&desk, "empty", json!({})).await.ok();
    assert_eq!(desk.call(&desk.admin, "DELETE", "/api/v1/projects/empty", None).await.status, 204);
    assert_eq!(desk.get("/api/v1/projects/empty").await.problem().0, 404);
}

#[tokio::test]
async fn a_key_of_a_project_sees_its_own_and_changes_none() {
    let desk = Desk::open().await;
    for project in ["red", "blue"] {
        put(&desk, project, json!({})).await.ok();
    }
    let key = desk.key("operator", Some("red")).await;
    let list = desk.call(&key, "GET", "/api/v1/projects", None).await.ok();
    assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["id"]), (1, &json!("red")));
    assert_eq!(desk.call(&key, "GET", "/api/v1/projects/blue", None).await.problem().0, 404);
    for method in ["PUT", "PATCH"] {
        let refused = desk.call(&key, method, "/api/v1/projects/red", Some(json!({ "maxQueued": 9 }))).await;
        assert_eq!(refused.problem().0, 403);
    }
    assert_eq!(desk.call(&key, "DELETE", "/api/v1/projects/red", None).await.problem().0, 403);
}

#[tokio::test]
async fn a_spent_quota_is_told_with_its_numbers() {
    let desk = Desk::open().await;
    put(&desk, "red", json!({ "maxQueued": 2 })).await.ok();
    desk.id_of("/api/v1/jobs", of("red")).await;
    let two = json!({ "jobs": [of("red"), of("red")] });
    let refused = desk.post("/api/v1/jobs", two).await;
    assert_eq!(refused.problem().0, 429);
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    let problem = refused.json();
    assert!(problem["type"].as_str().unwrap().ends_with(":quota"));
    assert_eq!(problem["quota"], json!({ "project": "red", "limit": 2, "queued": 1, "adding": 2 }));
    assert_eq!(desk.get("/api/v1/status").await.ok()["jobs"]["queued"], 1);
    desk.id_of("/api/v1/jobs", of("red")).await;
    let batch = json!({ "project": "red", "jobs": [image("b")] });
    assert_eq!(desk.post("/api/v1/batches", batch).await.problem().0, 429);
    desk.id_of("/api/v1/jobs", of("blue")).await;
}

#[tokio::test]
async fn the_queue_is_held_and_goes_on() {
    let desk = Desk::open().await;
    assert_eq!(desk.get("/api/v1/queue").await.ok(), json!({ "paused": false }));
    let held = patch(&desk, "/api/v1/queue", json!({ "paused": true })).await.ok();
    assert!(held["paused"] == true && held["pausedAt"].is_string(), "{held}");
    assert_eq!(desk.get("/api/v1/queue").await.ok(), held);
    assert_eq!(desk.get("/api/v1/overview").await.ok()["queue"], held);
    assert_eq!(
        patch(&desk, "/api/v1/queue", json!({ "paused": false })).await.ok(),
        json!({ "paused": false })
    );
    assert_eq!(patch(&desk, "/api/v1/queue", json!({})).await.problem(), (400, Some("paused".into())));
}

#[tokio::test]
async fn a_waiting_job_is_moved() {
    let desk = Desk::open().await;
    let mut jobs = Vec::new();
    for number in 0..3 {
        jobs.push(desk.image(&number.to_string()).await);
    }
    let path = |job: usize| format!("/api/v1/jobs/{}/move", jobs[job]);
    let order = async || -> Vec<usize> {
        let mut waiting = desk.state.store.read(studio_store::Db::open_work).await.unwrap().0;
        waiting.sort_by_key(|job| (job.place, job.seq));
        waiting.iter().map(|job| jobs.iter().position(|id| *id == job.id.as_str()).unwrap()).collect()
    };
    desk.post(&path(2), json!({ "to": "front" })).await.ok();
    assert_eq!(order().await, [2, 0, 1]);
    desk.post(&path(2), json!({ "to": "back" })).await.ok();
    assert_eq!(order().await, [0, 1, 2]);
    desk.post(&path(2), json!({ "before": jobs[1] })).await.ok();
    assert_eq!(order().await, [0, 2, 1]);
    for round in 0..40 {
        let (moved, other) = if round % 2 == 0 { (0, 2) } else { (2, 0) };
        desk.post(&path(moved), json!({ "before": jobs[1] })).await.ok();
        assert_eq!(order().await, [other, moved, 1]);
    }
    for (body, status) in [
        (json!({}), 400),
        (json!({ "to": "front", "before": jobs[1] }), 400),
        (json!({ "to": "middle" }), 400),
        (json!({ "before": "job-x" }), 404),
        (json!({ "before": jobs[0] }), 409),
    ] {
        assert_eq!(desk.post(&path(0), body).await.problem().0, status);
    }
    let key = desk.key("submitter", Some("red")).await;
    assert_eq!(desk.call(&key, "POST", &path(0), Some(json!({ "to": "front" }))).await.problem().0, 404);
}

#[tokio::test]
async fn one_action_changes_many_jobs_and_tells_of_each() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let (first, second, failed) = (desk.image("1").await, desk.image("2").await, desk.image("3").await);
    desk.fail(&worker, &failed, "no").await;
    let act = async |body: Value| desk.post("/api/v1/jobs/actions", body).await;
    let ids = json!([first, failed, "job-x", first]);
    let cancelled = act(json!({ "action": "cancel", "ids": ids })).await.ok();
    assert_eq!((&cancelled["changed"], &cancelled["more"]), (&json!(1), &json!(false)));
    let items = cancelled["items"].as_array().unwrap();
    assert_eq!(items.len(), 3, "a job that is named twice is changed once");
    assert_eq!(items[0], json!({ "id": first, "changed": true }));
    assert!(items[1]["problem"].as_str().unwrap().contains("is failed already"), "{items:?}");
    assert!(items[2]["problem"].as_str().unwrap().contains("no job"), "{items:?}");
    let retried = act(json!({ "action": "retry", "filter": { "project": "default" } })).await.ok();
    assert_eq!(retried["changed"], 2);
    let raised = act(json!({ "action": "priority", "priority": 9, "filter": { "q": second } })).await.ok();
    assert_eq!((raised["changed"].as_u64(), &raised["items"][0]["id"]), (Some(1), &json!(second)));
    assert_eq!(desk.get(&format!("/api/v1/jobs/{second}")).await.ok()["priority"], 9);
    let none = act(json!({ "action": "cancel", "filter": { "state": ["done"] } })).await.ok();
    assert_eq!(none["items"], json!([]));
    for (body, field) in [
        (json!({ "action": "cancel" }), "ids"),
        (json!({ "action": "cancel", "ids": [] }), "ids"),
        (json!({ "action": "cancel", "ids": [first], "filter": {} }), "ids"),
        (json!({ "action": "cancel", "ids": [first], "priority": 1 }), "priority"),
        (json!({ "action": "priority", "ids": [first] }), "priority"),
        (json!({ "action": "priority", "ids": [first], "priority": 5000 }), "priority"),
        (json!({ "action": "explode", "ids": [first] }), "action"),
    ] {
        assert_eq!(act(body).await.problem(), (400, Some(field.into())));
    }
    let many: Vec<String> = (0..1_001).map(|number| format!("job-{number}")).collect();
    assert_eq!(act(json!({ "action": "retry", "ids": many })).await.problem(), (413, Some("ids".into())));
    let key = desk.key("submitter", Some("red")).await;
    let theirs = json!({ "action": "cancel", "ids": [first] });
    let hidden = desk.call(&key, "POST", "/api/v1/jobs/actions", Some(theirs)).await.ok();
    assert_eq!(
        (&hidden["changed"], desk.get(&format!("/api/v1/jobs/{first}")).await.ok()["state"].as_str()),
        (&json!(0), Some("queued"))
    );
}

#[tokio::test]
async fn a_filter_that_finds_more_than_is_changed_at_once_says_so() {
    let desk = Desk::open().await;
    let mut job = chat("hi");
    job["count"] = json!(1_000);
    desk.post("/api/v1/jobs", json!({ "jobs": [job] })).await.ok();
    desk.post("/api/v1/jobs", chat("one more")).await.ok();
    let cancel = json!({ "action": "cancel", "filter": {} });
    let first = desk.post("/api/v1/jobs/actions", cancel.clone()).await.ok();
    assert_eq!((&first["changed"], &first["more"]), (&json!(1_000), &json!(true)));
    let rest = desk.post("/api/v1/jobs/actions", cancel).await.ok();
    assert_eq!((&rest["changed"], &rest["more"]), (&json!(1), &json!(false)));
}

#[tokio::test]
async fn limits_and_drain_of_a_worker_are_kept_and_shown() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let path = format!("/api/v1/workers/{worker}");
    let limits = json!({ "kinds": ["image"], "projects": ["red"], "maxJobs": 2, "labels": ["attic"] });
    let changed = patch(&desk, &path, json!({ "limits": limits })).await.ok();
    assert_eq!(changed["limits"], limits);
    assert_eq!(patch(&desk, &path, json!({ "limits": {} })).await.ok()["limits"], json!({}));
    for (wrong, field) in [
        (json!({ "maxJobs": 0 }), "limits.maxJobs"),
        (json!({ "labels": [""] }), "limits.labels"),
        (json!({ "projects": ["\u{7}"] }), "limits.projects"),
        (json!({ "kinds": ["poem"] }), "limits.kinds[0]"),
    ] {
        assert_eq!(
            patch(&desk, &path, json!({ "limits": wrong })).await.problem(),
            (400, Some(field.into()))
        );
    }
    assert_eq!(desk.post(&format!("{path}/drain"), json!({})).await.ok()["draining"], true);
    assert_eq!(desk.get(&path).await.ok()["draining"], true);
    let resumed = desk.post(&format!("{path}/resume"), json!({})).await.ok();
    assert_eq!((&resumed["draining"], &resumed["paused"]), (&json!(false), &json!(false)));
    assert_eq!(desk.post("/api/v1/workers/w-x/drain", json!({})).await.problem().0, 404);
    assert_eq!(desk.get("/api/v1/workers/w-x/logs").await.problem().0, 404);
    assert_eq!(desk.get(&format!("{path}/logs?after=x")).await.problem(), (400, Some("after".into())));
    assert_eq!(desk.get(&format!("{path}/logs")).await.ok()["items"], json!([]));
    let job = desk.image("a").await;
    desk.start(&worker, &job).await;
    assert_eq!(desk.get("/api/v1/workers").await.ok()["items"][0]["currentJobs"][0]["id"], job);
    let key = desk.key("viewer", Some("red")).await;
    let seen = desk.call(&key, "GET", &path, None).await.ok();
    assert_eq!((&seen["jobs"], seen.get("currentJobs")), (&json!([]), None));
}

#[tokio::test]
async fn the_minute_that_is_under_way_is_in_the_overview() {
    let desk = Desk::open().await;
    desk.image("a").await;
    let overview = desk.get("/api/v1/overview").await.ok();
    let minutes = overview["minutes"].as_array().unwrap();
    let submitted: u64 = minutes.iter().map(|minute| minute["submitted"].as_u64().unwrap()).sum();
    assert_eq!((submitted, &minutes.last().unwrap()["queued"]), (1, &json!(1)));
    assert_eq!(minutes.last().unwrap()["at"].as_i64().unwrap() % 60_000, 0);
    assert!(overview["diskTotalBytes"].as_u64() >= overview["diskFreeBytes"].as_u64());
    assert!(overview["diskFreeBytes"].as_u64() > Some(0));
}

#[tokio::test]
async fn several_states_are_asked_for_at_once_and_counted() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let (failed, waiting, running) = (desk.image("1").await, desk.image("2").await, desk.image("3").await);
    desk.fail(&worker, &failed, "no").await;
    desk.start(&worker, &running).await;
    let list = desk.get("/api/v1/jobs?state=failed,queued").await.ok();
    let ids: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [waiting.as_str(), failed.as_str()]);
    assert_eq!((&list["counts"]["running"], &list["counts"]["failed"]), (&json!(1), &json!(1)));
    assert!(desk.get("/api/v1/jobs?model=synthetic").await.ok().get("counts").is_none());
    assert_eq!(desk.get("/api/v1/jobs?state=failed,lost").await.problem(), (400, Some("state".into())));
}

/// The figure is printed; what is asserted is that a page is a page, however many jobs there are.
#[tokio::test]
async fn a_page_of_fifty_thousand_jobs_is_one_page() {
    let desk = Desk::open().await;
    for part in 0..5 {
        let jobs = (0..10_000).map(|number| NewJob {
            id: format!("job-{part}-{number}").into(),
            project: ["red", "blue"][number % 2].into(),
            asset_name: format!("foxes/{number}"),
            model: "synthetic".to_owned(),
            kind: studio_protocol::TaskKind::Image,
            task_json: r#"{"kind":"image","prompt":"a fox"}"#.to_owned(),
            priority: 0,
            max_attempts: 5,
            needs_options: false,
        });
        let batch = NewBatch { id: format!("batch-{part}").into(), name: None, project: "red".into() };
        let new = Submission { batch: Some(batch), jobs: jobs.collect(), idempotency: None };
        desk.state.store.write(move |db| db.submit(new, Timestamp::now())).await.unwrap();
    }
    for query in [
        "",
        "state=queued",
        "state=failed,quarantined,queued",
        "project=red&state=queued",
        "q=foxes",
        "batch=batch-3",
    ] {
        let began = Instant::now();
        let list = desk.get(&format!("/api/v1/jobs?{query}")).await.ok();
        println!("a page of 50,000 jobs, `{query}`: {:.2?}", began.elapsed());
        assert_eq!(list["items"].as_array().unwrap().len(), 50, "{query}");
        assert!(list["nextCursor"].is_string());
    }
    let began = Instant::now();
    let projects = desk.get("/api/v1/projects").await.ok();
    println!("projects of 50,000 jobs: {:.2?}", began.elapsed());
    assert_eq!(projects["items"][0]["counts"]["queued"], 25_000);
}
