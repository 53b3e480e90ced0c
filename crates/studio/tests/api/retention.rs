//! What is kept how long: the right things go, nothing else does, and a kill in between leaves nothing behind.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use studio::StudioEvent;
use studio::retention::{Swept, sweep};
use studio_protocol::Timestamp;
use studio_store::ArtefactId;
use testkit::wait_until;

use crate::desk::{Desk, image};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn in_days(days: i64) -> Timestamp {
    Timestamp::now().plus_millis(days * DAY_MS + 60_000)
}

async fn rule(desk: &Desk, project: &str, body: Value) {
    let path = format!("/api/v1/projects/{project}");
    desk.call(&desk.admin, "PATCH", &path, Some(body)).await.ok();
}

async fn made(desk: &Desk, project: &str) -> String {
    let worker = desk.worker().await;
    let mut job = image("a");
    job["project"] = json!(project);
    let job = desk.id_of("/api/v1/jobs", job).await;
    desk.finish(&worker, &job, "png", b"bytes").await;
    job
}

async fn has_artefact(desk: &Desk, job: &str) -> bool {
    desk.get(&format!("/api/v1/jobs/{job}/artefact")).await.status == 200
}

async fn has_job(desk: &Desk, job: &str) -> bool {
    desk.get(&format!("/api/v1/jobs/{job}")).await.status == 200
}

#[tokio::test]
async fn each_project_has_its_own_rules() {
    let desk = Desk::open().await;
    let (red, blue, green) =
        (made(&desk, "red").await, made(&desk, "blue").await, made(&desk, "green").await);
    let mut waiting = image("later");
    waiting["project"] = json!("blue");
    let waiting = desk.id_of("/api/v1/jobs", waiting).await;
    rule(&desk, "red", json!({ "keepArtefactsDays": 3 })).await;
    rule(&desk, "blue", json!({ "keepJobsDays": 5 })).await;
    let mut events = desk.state.events.subscribe();
    assert_eq!(sweep(&desk.state, in_days(2)).await.unwrap(), Swept::default());
    let third = sweep(&desk.state, in_days(3)).await.unwrap();
    assert_eq!((third.artefacts, third.jobs), (1, 0));
    assert!(has_job(&desk, &red).await && !has_artefact(&desk, &red).await);
    assert!(has_artefact(&desk, &blue).await && has_artefact(&desk, &green).await);
    assert!(
        matches!(&*events.try_recv().unwrap(), StudioEvent::Changed { what } if format!("{what:?}") == "Artefacts")
    );
    let fifth = sweep(&desk.state, in_days(5)).await.unwrap();
    assert_eq!((fifth.artefacts, fifth.jobs), (0, 1));
    assert!(!has_job(&desk, &blue).await && has_job(&desk, &waiting).await);
    sweep(&desk.state, in_days(10_000)).await.unwrap();
    assert!(has_artefact(&desk, &green).await, "without a rule things are kept");
    let keys = desk.state.artefacts.keys().await.unwrap();
    assert_eq!(keys, [format!("{green}/1")]);
    let counts = desk.get("/api/v1/projects/blue").await.ok()["counts"].clone();
    assert_eq!((&counts["done"], &counts["queued"]), (&json!(0), &json!(1)));
    assert_eq!(desk.get("/api/v1/status").await.ok()["jobs"]["done"], 2);
}

#[tokio::test]
async fn a_kill_between_rows_and_bytes_leaves_nothing_after_the_next_start() {
    let desk = Desk::open().await;
    let (gone, stays) = (made(&desk, "p").await, made(&desk, "p").await);
    let orphan = ArtefactId::from(format!("art-of-{gone}"));
    desk.state.store.write(move |db| db.delete_artefacts(&[orphan])).await.unwrap();
    assert_eq!(desk.state.artefacts.keys().await.unwrap().len(), 2, "its bytes are still there");
    // A thumbnail of what stays, and one of what is gone.
    for job in [&gone, &stays] {
        let stream = futures_util::stream::iter([Ok::<_, String>(bytes::Bytes::from_static(b"small"))]);
        desk.state.artefacts.put(&format!("{job}/1.thumbnail-256"), 9, stream).await.unwrap();
    }
    let desk = desk.reopen().await;
    let expected = [format!("{stays}/1"), format!("{stays}/1.thumbnail-256")];
    wait_until("the start has swept", Duration::from_secs(20), async || {
        desk.state.artefacts.keys().await.unwrap().len() == 2
    })
    .await;
    let mut kept = desk.state.artefacts.keys().await.unwrap();
    kept.sort_unstable();
    assert_eq!(kept, expected);
    assert!(has_artefact(&desk, &stays).await);
}

#[tokio::test]
async fn inputs_go_when_no_job_wants_them() {
    let desk = Desk::open().await;
    let mut urls = Vec::new();
    for _ in 0..2 {
        let request = Request::post("/api/v1/inputs")
            .header(header::AUTHORIZATION, format!("Bearer {}", desk.admin))
            .header(header::CONTENT_TYPE, "image/png")
            .body(Body::from("picture"))
            .unwrap();
        let made = crate::desk::Answer::read(desk.send(request).await).await.ok();
        urls.push(made["url"].as_str().unwrap().to_owned());
    }
    let mut job = image("an edit");
    job["task"]["initImageUrl"] = json!(urls[0]);
    let job = desk.id_of("/api/v1/jobs", job).await;
    assert_eq!(sweep(&desk.state, Timestamp::now()).await.unwrap().inputs, 0);
    assert_eq!(sweep(&desk.state, in_days(1)).await.unwrap().inputs, 1);
    assert_eq!(desk.state.artefacts.keys().await.unwrap().len(), 1, "the other is named by a job that waits");
    desk.post(&format!("/api/v1/jobs/{job}/cancel"), json!({})).await.ok();
    assert_eq!(sweep(&desk.state, in_days(1)).await.unwrap().inputs, 1);
    assert!(desk.state.artefacts.keys().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_sweep_of_many_goes_in_slices_and_others_get_their_turn() {
    let desk = Desk::open().await;
    let jobs: Vec<Value> = (0..300).map(|n| image(&format!("{n}"))).collect();
    let batch = desk.id_of("/api/v1/batches", json!({ "project": "p", "jobs": jobs })).await;
    desk.post(&format!("/api/v1/batches/{batch}/cancel"), json!({})).await.ok();
    let last = made(&desk, "other").await;
    rule(&desk, "p", json!({ "keepJobsDays": 1 })).await;
    let (swept, other) = tokio::join!(sweep(&desk.state, in_days(1)), desk.image("meanwhile"));
    assert_eq!(swept.unwrap().jobs, 300);
    assert!(has_job(&desk, &other).await && has_job(&desk, &last).await);
    let shown = desk.get(&format!("/api/v1/batches/{batch}")).await.ok();
    assert_eq!(shown["counts"]["cancelled"], 300, "a batch keeps its counts");
    let problems = desk.state.store.read(studio_store::Db::integrity_check).await.unwrap();
    assert!(problems.is_empty(), "{problems:?}");
}
