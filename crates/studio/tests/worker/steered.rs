//! What operators decide about projects, workers and the queue, as workers feel it.

use std::time::Duration;

use serde_json::{Value, json};
use studio_protocol::{Capabilities, Feature, FeatureSet, StudioFrame};
use testkit::{RawSession, RawWorker, wait_for};

use crate::served::Served;

const SOON: Duration = Duration::from_secs(5);
/// Long enough for an offer that should not come: the studio offers within milliseconds.
const A_MOMENT: Duration = Duration::from_millis(400);

fn ours() -> Capabilities {
    Capabilities { features: FeatureSet::of(&Feature::ALL), ..RawWorker::synthetic() }
}

async fn submit(studio: &Served, project: &str) -> String {
    let task = json!({"kind": "llm", "messages": [{"role": "user", "content": "hi"}]});
    studio.api.submit(json!({"model": "synthetic-chat", "project": project, "task": task})).await
}

async fn do_it(session: &mut RawSession, job: &str) {
    session.send_json(json!({"type": "accept", "jobId": job})).await;
    session
        .send_json(json!({"type": "completeJson", "jobId": job, "result": {"object": "chat.completion"}}))
        .await;
    session
        .expect("completeAck", |frame| if let StudioFrame::CompleteAck(_) = frame { Some(()) } else { None })
        .await;
}

#[tokio::test]
async fn a_queue_that_is_held_offers_nothing_until_it_goes_on() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&ours()).await;
    let running = submit(&studio, "p").await;
    assert_eq!(session.offer().await.job_id.as_str(), running);
    studio.api.patch("/queue", &json!({"paused": true})).await;
    let waiting = submit(&studio, "p").await;
    do_it(&mut session, &running).await;
    studio.until(&running, "done").await;
    session.expect_silence(A_MOMENT).await;
    studio.api.patch("/queue", &json!({"paused": false})).await;
    assert_eq!(session.offer().await.job_id.as_str(), waiting);
}

#[tokio::test]
async fn a_project_at_its_limit_leaves_the_worker_to_others() {
    let studio = Served::start().await;
    studio.api.put("/projects/small", &json!({"maxRunning": 0})).await;
    let (_, mut session) = studio.worker(&ours()).await;
    let kept = submit(&studio, "small").await;
    let other = submit(&studio, "other").await;
    assert_eq!(session.offer().await.job_id.as_str(), other);
    do_it(&mut session, &other).await;
    session.expect_silence(A_MOMENT).await;
    studio.api.patch("/projects/small", &json!({"maxRunning": null})).await;
    assert_eq!(session.offer().await.job_id.as_str(), kept);
    let counts = studio.api.get("/projects/small").await["counts"].clone();
    assert_eq!((&counts["queued"], &counts["offered"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn a_worker_that_drains_is_told_and_gets_no_more() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&ours()).await;
    let worker = format!("/workers/{}", identity.worker_id);
    let running = submit(&studio, "p").await;
    assert_eq!(session.offer().await.job_id.as_str(), running);
    studio.api.post(&format!("{worker}/drain"), &json!({})).await;
    session.expect("drain", |frame| matches!(frame, StudioFrame::Drain).then_some(())).await;
    let waiting = submit(&studio, "p").await;
    do_it(&mut session, &running).await;
    session.expect_silence(A_MOMENT).await;
    session.cut();
    // It is back, and still nobody wants it to work.
    let mut session = studio.raw.session(&identity, &ours()).await;
    session.heartbeat(&ours(), None).await;
    session.expect_silence(A_MOMENT).await;
    studio.api.post(&format!("{worker}/resume"), &json!({})).await;
    assert_eq!(session.offer().await.job_id.as_str(), waiting);
}

#[tokio::test]
async fn limits_of_a_worker_count_in_its_session() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&ours()).await;
    let worker = format!("/workers/{}", identity.worker_id);
    studio.api.patch(&worker, &json!({"limits": {"projects": ["mine"]}})).await;
    let theirs = submit(&studio, "theirs").await;
    session.expect_silence(A_MOMENT).await;
    let mine = submit(&studio, "mine").await;
    assert_eq!(session.offer().await.job_id.as_str(), mine);
    do_it(&mut session, &mine).await;
    studio.api.patch(&worker, &json!({"limits": {}})).await;
    assert_eq!(session.offer().await.job_id.as_str(), theirs);
}

#[tokio::test]
async fn the_last_lines_of_a_worker_and_its_job_are_shown() {
    let studio = Served::start().await;
    let mut older = ours();
    older.agent_version = "studio-worker/0.0.9".to_owned();
    let (identity, mut session) = studio.worker(&older).await;
    let worker = format!("/workers/{}", identity.worker_id);
    let job = submit(&studio, "p").await;
    assert_eq!(session.offer().await.job_id.as_str(), job);
    session.send_json(json!({"type": "accept", "jobId": job})).await;
    studio.until(&job, "running").await;
    let entry = |message: &str, job: Option<&str>| json!({"ts": "2026-11-24T12:00:00Z", "level": "warn", "category": "disk", "message": message, "jobId": job});
    let entries =
        json!([entry("the disk is slow", None), entry("about the job", Some(&job)), entry("still", None)]);
    session.send_json(json!({"type": "logBatch", "entries": entries})).await;
    session.send_json(json!({"type": "progress", "jobId": job, "step": 3, "steps": 8})).await;
    let logs = format!("{worker}/logs");
    let lines = wait_for("the lines are there", SOON, async || {
        let lines = studio.api.get(&logs).await["items"].as_array().unwrap().clone();
        (lines.len() == 3).then_some(lines)
    })
    .await;
    assert_eq!((&lines[0]["message"], &lines[1]["level"]), (&json!("the disk is slow"), &json!("warn")));
    assert_eq!((lines[0].get("job"), &lines[1]["job"]), (None, &json!(job)));
    let after = lines[0]["seq"].as_u64().unwrap();
    let rest = studio.api.get(&format!("{logs}?after={after}")).await["items"].clone();
    assert_eq!(rest, json!([lines[1], lines[2]]));
    let shown: Value = wait_for("the progress is there", SOON, async || {
        let shown = studio.api.get(&worker).await;
        (shown["currentJobs"][0]["progress"]["step"] == 3).then_some(shown)
    })
    .await;
    assert_eq!((&shown["outdated"], &shown["currentJobs"][0]["id"]), (&json!(true), &json!(job)));
}

#[tokio::test]
async fn what_becomes_of_jobs_is_counted_by_the_minute() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&ours()).await;
    for _ in 0..3 {
        let job = submit(&studio, "p").await;
        assert_eq!(session.offer().await.job_id.as_str(), job);
        do_it(&mut session, &job).await;
        studio.until(&job, "done").await;
    }
    let job = submit(&studio, "p").await;
    assert_eq!(session.offer().await.job_id.as_str(), job);
    studio.api.post(&format!("/jobs/{job}/cancel"), &json!({})).await;
    // The last minute may have ended meanwhile.
    let sums = wait_for("all of it is counted", SOON, async || {
        let minutes = studio.api.get("/overview").await["minutes"].as_array().unwrap().clone();
        let sum = |key: &str| minutes.iter().map(|minute| minute[key].as_u64().unwrap()).sum::<u64>();
        let sums = [sum("submitted"), sum("done"), sum("cancelled"), sum("failed")];
        (sums == [4, 3, 1, 0]).then_some(minutes)
    })
    .await;
    assert_eq!(sums.last().unwrap()["online"], 1);
}
