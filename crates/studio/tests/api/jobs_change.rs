//! One change to many jobs.

use serde_json::{Value, json};

use crate::desk::{Desk, image};

async fn change(desk: &Desk, body: Value) -> (u64, u64) {
    let told = desk.post("/api/v1/jobs/change", body).await.ok();
    let number = |name: &str| told[name].as_u64().expect("a number");
    (number("matched"), number("changed"))
}

async fn states(desk: &Desk, field: &str) -> Vec<Value> {
    let listed = desk.get("/api/v1/jobs").await.ok();
    listed["items"].as_array().expect("a list").iter().map(|job| job[field].clone()).collect()
}

#[tokio::test]
async fn those_that_are_named_are_cancelled_and_retried() {
    let desk = Desk::open().await;
    let (a, b, _c) = (desk.image("a").await, desk.image("b").await, desk.image("c").await);
    let named = json!({ "action": "cancel", "jobs": [a, b, "job-x"], "reason": "not needed" });
    assert_eq!(change(&desk, named.clone()).await, (2, 2));
    assert_eq!(states(&desk, "state").await, ["queued", "cancelled", "cancelled"]);
    assert_eq!(desk.get(&format!("/api/v1/jobs/{a}")).await.ok()["error"], "not needed");
    assert_eq!(change(&desk, named).await, (2, 0));
    assert_eq!(change(&desk, json!({ "action": "retry", "jobs": [a] })).await, (1, 1));
    assert_eq!(states(&desk, "state").await, ["queued", "cancelled", "queued"]);
}

#[tokio::test]
async fn all_that_match_are_reached_beyond_one_page() {
    let desk = Desk::open().await;
    let mut many = image("many");
    many["count"] = json!(1000);
    many["task"]["seed"] = json!(1);
    desk.post("/api/v1/jobs", many.clone()).await.ok();
    many["project"] = json!("other");
    many["count"] = json!(3);
    desk.post("/api/v1/jobs", many).await.ok();
    let matching = json!({ "project": "default", "state": "queued" });
    assert_eq!(change(&desk, json!({ "action": "cancel", "matching": matching })).await, (1000, 1000));
    let counts = desk.get("/api/v1/status").await.ok()["jobs"].clone();
    assert_eq!((&counts["cancelled"], &counts["queued"]), (&json!(1000), &json!(3)));
}

#[tokio::test]
async fn jobs_move_up_down_and_to_the_front() {
    let desk = Desk::open().await;
    let (a, b) = (desk.image("a").await, desk.image("b").await);
    assert_eq!(change(&desk, json!({ "action": "priority", "jobs": [a], "priority": 7 })).await, (1, 1));
    assert_eq!(change(&desk, json!({ "action": "priority", "matching": {}, "by": -2 })).await, (2, 2));
    assert_eq!(states(&desk, "priority").await, [-2, 5]);
    assert_eq!(change(&desk, json!({ "action": "front", "jobs": [b] })).await, (1, 1));
    assert_eq!(states(&desk, "priority").await, [6, 5]);
    assert_eq!(change(&desk, json!({ "action": "priority", "jobs": [b], "by": 1000 })).await, (1, 1));
    assert_eq!(states(&desk, "priority").await[0], 1000);
    assert_eq!(change(&desk, json!({ "action": "front", "jobs": [a] })).await, (1, 1));
    assert_eq!(states(&desk, "priority").await, [1000, 1000], "there is nothing beyond the highest");
}

#[tokio::test]
async fn what_is_meant_must_be_said() {
    let desk = Desk::open().await;
    for (body, field) in [
        (json!({ "action": "cancel" }), "jobs"),
        (json!({ "action": "cancel", "jobs": [], "matching": {} }), "jobs"),
        (json!({ "action": "priority", "jobs": [] }), "priority"),
        (json!({ "action": "priority", "jobs": [], "priority": 1, "by": 1 }), "priority"),
        (json!({ "action": "priority", "jobs": [], "priority": 1001 }), "priority"),
        (json!({ "action": "priority", "jobs": [], "by": -1001 }), "by"),
        (json!({ "action": "cancel", "matching": { "colour": "red" } }), "matching.colour"),
    ] {
        let problem = desk.post("/api/v1/jobs/change", body.clone()).await.problem();
        assert_eq!(problem, (400, Some(field.to_owned())), "{body}");
    }
    let many: Vec<String> = (0..10_001).map(|number| format!("job-{number}")).collect();
    let answer = desk.post("/api/v1/jobs/change", json!({ "action": "cancel", "jobs": many })).await;
    assert_eq!(answer.problem().0, 413);
}

#[tokio::test]
async fn jobs_of_other_projects_are_not_reached() {
    let desk = Desk::open().await;
    let foreign = desk.image("a").await;
    let bound = desk.key("submitter", Some("mine")).await;
    for which in [json!({ "jobs": [foreign] }), json!({ "matching": {} })] {
        let mut body = which;
        body["action"] = json!("cancel");
        let told = desk.call(&bound, "POST", "/api/v1/jobs/change", Some(body)).await.ok();
        assert_eq!(told, json!({ "matched": 0, "changed": 0 }));
    }
    assert_eq!(states(&desk, "state").await, ["queued"]);
    let body = json!({ "action": "cancel", "matching": { "project": "default" } });
    let answer = desk.call(&bound, "POST", "/api/v1/jobs/change", Some(body)).await;
    assert_eq!(answer.problem(), (403, Some("project".to_owned())));
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
