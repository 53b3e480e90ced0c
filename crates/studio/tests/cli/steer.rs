//! `studio projects`, `studio queue`, and what operators let workers have.

use serde_json::json;

use crate::shop::Shop;

#[tokio::test]
async fn a_project_is_set_shown_and_removed() {
    let shop = Shop::open().await;
    let set = ["projects", "set", "red", "--weight", "2.5", "--max-queued", "1", "--keep-jobs-days", "30"];
    let made = shop.json(&set).await;
    assert_eq!(
        (&made["weight"], &made["maxQueued"], &made["keepJobsDays"]),
        (&json!(2.5), &json!(1), &json!(30))
    );
    let text = shop.ok(&["projects", "show", "red"]).await;
    assert!(text.contains("max queued") && text.contains("30 days"), "{text}");
    assert!(shop.ok(&["projects"]).await.contains("0/1"));
    let submit = ["jobs", "submit", "--model", "synthetic", "--project", "red", "a fox"];
    shop.ok(&submit).await;
    let refused = shop.run(&submit).await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("may have 1 jobs waiting"), "{refused:?}");
    shop.ok(&["projects", "set", "red", "--max-queued", "none"]).await;
    shop.ok(&submit).await;
    assert_eq!(shop.run(&["projects", "set", "red", "--max-running", "some"]).await.code, 2);
    assert!(shop.run(&["projects", "remove", "red"]).await.err.contains("has jobs"));
    shop.ok(&["projects", "set", "empty"]).await;
    assert_eq!(shop.ok(&["projects", "remove", "empty"]).await, "empty is removed");
}

#[tokio::test]
async fn the_queue_is_held_reordered_and_goes_on() {
    let shop = Shop::open().await;
    let mut worker = shop.worker().await;
    assert_eq!(shop.ok(&["queue"]).await, "jobs are offered");
    assert!(shop.ok(&["queue", "hold"]).await.starts_with("held since"));
    let submit = |prompt: &'static str| ["jobs", "submit", "--model", "synthetic", prompt];
    let first = shop.json(&submit("first")).await["id"].as_str().unwrap().to_owned();
    let second = shop.json(&submit("second")).await["id"].as_str().unwrap().to_owned();
    shop.ok(&["queue", "move", &second, "--before", &first]).await;
    assert_eq!(shop.run(&["queue", "move", &second]).await.code, 2);
    assert_eq!(shop.ok(&["queue", "resume"]).await, "jobs are offered");
    worker.work(1).await;
    let done = shop.json(&["jobs", "list", "--state", "done,failed"]).await;
    assert_eq!((done["items"].as_array().unwrap().len(), &done["items"][0]["id"]), (1, &json!(second)));
}

#[tokio::test]
async fn a_worker_is_limited_drained_and_resumed() {
    let shop = Shop::open().await;
    let _worker = shop.worker().await;
    let id = shop.json(&["workers"]).await["items"][0]["id"].as_str().unwrap().to_owned();
    assert!(shop.ok(&["workers", "limits", &id]).await.contains("no limits"));
    let limit = ["workers", "limits", &id, "--kinds", "image,llm", "--max-jobs", "2", "--labels", "attic"];
    let limits = shop.json(&limit).await;
    assert_eq!(limits, json!({ "kinds": ["image", "llm"], "maxJobs": 2, "labels": ["attic"] }));
    let more = shop.json(&["workers", "limits", &id, "--projects", "red"]).await;
    assert_eq!((&more["projects"], &more["maxJobs"]), (&json!(["red"]), &json!(2)));
    let shown = shop.ok(&["workers", "show", &id]).await;
    assert!(shown.contains("only projects") && shown.contains("jobs at once"), "{shown}");
    assert_eq!(shop.json(&["workers", "limits", &id, "--clear"]).await, json!({}));
    assert!(shop.ok(&["workers", "drain", &id]).await.ends_with("draining"));
    assert!(shop.ok(&["workers", "resume", &id]).await.ends_with("is online"));
    assert!(shop.ok(&["workers", "logs", &id]).await.starts_with("nothing to show"));
}

#[tokio::test]
async fn what_an_operator_decided_outlives_a_studio_that_is_killed() {
    let mut shop = Shop::open().await;
    shop.ok(&["queue", "hold"]).await;
    shop.ok(&["projects", "set", "red", "--max-running", "0"]).await;
    let submit =
        |project: &'static str| ["jobs", "submit", "--model", "synthetic", "--project", project, "a fox"];
    let kept = shop.json(&submit("red")).await["id"].as_str().unwrap().to_owned();
    let free = shop.json(&submit("blue")).await["id"].as_str().unwrap().to_owned();
    shop.studio.restart().await;
    let mut worker = shop.worker().await;
    assert!(shop.ok(&["queue"]).await.starts_with("held since"));
    let waiting = shop.json(&["jobs", "list", "--state", "queued"]).await;
    assert_eq!(waiting["items"].as_array().unwrap().len(), 2);
    shop.ok(&["queue", "resume"]).await;
    // The older job is the one that may not run.
    worker.work(1).await;
    let done = async || shop.json(&["jobs", "list", "--state", "done"]).await["items"][0]["id"].clone();
    assert_eq!(done().await, json!(free));
    shop.ok(&["projects", "set", "red", "--max-running", "none"]).await;
    worker.work(1).await;
    assert_eq!(shop.json(&["jobs", "show", &kept]).await["state"], "done");
}
