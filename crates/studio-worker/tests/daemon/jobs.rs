//! Offers and what becomes of them, on the real synthetic engine.

use std::fs;

use serde_json::{Value, json};
use studio_worker::Exit;

use crate::support::{Studio, TestWorker, approved_config, chat, claim, slow_chat, until, with_attempt};

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "slots", "goodbye", "control"];

#[tokio::test]
async fn a_chat_is_accepted_run_and_completed() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&[]).await;
    for job in ["job-1", "job-2"] {
        peer.offer(chat(job)).await;
        assert_eq!(peer.expect("accept").await, json!({"type": "accept", "jobId": job}));
        let complete = peer.expect("completeJson").await;
        assert_eq!((&complete["jobId"], &complete["prompt"]), (&json!(job), &json!(format!("hello {job}"))));
        assert_eq!(complete["result"]["object"], "chat.completion");
        assert!(complete["result"]["choices"][0]["message"]["content"].is_string());
        assert_eq!(worker.spool(), [format!("{job}.json")], "on disk until it is acknowledged");
        peer.acknowledge(job).await;
        until("the spool is empty", || worker.spool().is_empty().then_some(())).await;
    }
}

#[tokio::test]
async fn under_a_lease_every_frame_names_the_attempt() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    peer.offer(with_attempt(slow_chat("job-1", 600), 3)).await;
    assert_eq!(peer.expect("accept").await["attempt"], 3);
    let progress = peer.expect("progress").await;
    assert_eq!((&progress["jobId"], &progress["attempt"]), (&json!("job-1"), &json!(3)));
    assert_eq!(peer.expect("completeJson").await["attempt"], 3);
}

fn busy_config(studio: &Studio) -> String {
    approved_config(studio)
}

async fn answer(peer: &mut crate::support::Peer, claim: Value) -> Value {
    peer.offer(claim).await;
    loop {
        let frame = peer.next().await;
        match frame["type"].as_str().unwrap() {
            "heartbeat" => peer.send(json!({"type": "heartbeatAck"})).await,
            "logBatch" | "progress" => {}
            _ => return frame,
        }
    }
}

#[tokio::test]
async fn a_busy_worker_refuses_and_a_paused_one_says_so() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&busy_config(&studio));
    let mut peer = studio.session(OURS).await;
    assert_eq!(answer(&mut peer, slow_chat("job-1", 5_000)).await["type"], "accept");
    let busy = answer(&mut peer, chat("job-2")).await;
    assert_eq!((&busy["type"], &busy["code"]), (&json!("reject"), &json!("busy")));
    assert!(!busy["reason"].as_str().unwrap().is_empty());
    peer.send(json!({"type": "pause"})).await;
    assert_eq!(answer(&mut peer, chat("job-3")).await["code"], "paused", "paused is said before busy");
}

#[tokio::test]
async fn presence_is_asked_for_before_the_slot() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&format!("{}only_when_idle = true\n", approved_config(&studio)));
    let mut peer = studio.session(OURS).await;
    assert_eq!(answer(&mut peer, chat("job-1")).await["code"], "paused");
}

#[tokio::test]
async fn an_operators_pause_is_kept_in_the_config_and_refused_where_the_owner_forbids_it() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    peer.send(json!({"type": "pause"})).await;
    until("it is saved", || worker.config().contains("paused = true").then_some(())).await;
    peer.send(json!({"type": "resume"})).await;
    until("it is saved", || worker.config().contains("paused = false").then_some(())).await;
    worker.kill().await;
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&format!("{}remote_control = false\n", approved_config(&studio)));
    let mut peer = studio.session(OURS).await;
    assert!(
        !peer.first_heartbeat["capabilities"]["features"].as_array().unwrap().contains(&json!("control"))
    );
    peer.send(json!({"type": "pause"})).await;
    assert_eq!(answer(&mut peer, chat("job-1")).await["type"], "accept");
    assert!(!worker.config().contains("paused"));
}

#[tokio::test]
async fn an_unknown_kind_and_an_unknown_engine_fail_by_name_and_the_session_goes_on() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&[]).await;
    let fail = answer(&mut peer, claim("job-1", json!({"kind": "hologram", "prompt": "x"}))).await;
    assert_eq!((&fail["type"], &fail["jobId"]), (&json!("fail"), &json!("job-1")));
    assert!(fail["error"].as_str().unwrap().contains("hologram"), "{fail}");
    peer.send(json!({"type": "failAck", "jobId": "job-1"})).await;
    let mut absent = chat("job-2");
    absent["modelSource"]["engine"] = json!("warp-drive");
    let fail = answer(&mut peer, absent).await;
    assert!(fail["error"].as_str().unwrap().contains("warp-drive"), "{fail}");
    peer.send(json!({"type": "failAck", "jobId": "job-2"})).await;
    let mut other = chat("job-3");
    other["model"] = json!("gpt-oss-120b");
    assert_eq!(answer(&mut peer, other).await["type"], "accept");
    let fail = peer.expect("fail").await;
    assert!(fail["error"].as_str().unwrap().contains("gpt-oss-120b"), "no placeholder: {fail}");
    peer.send(json!({"type": "failAck", "jobId": "job-3"})).await;
    assert_eq!(answer(&mut peer, chat("job-4")).await["type"], "accept");
    peer.expect("completeJson").await;
}

#[tokio::test]
async fn an_engine_that_crashes_fails_its_job_and_serves_the_next() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&[]).await;
    let crash =
        claim("job-1", json!({"kind": "llm", "messages": [{"role": "user", "content": "[[crash]]"}]}));
    assert_eq!(answer(&mut peer, crash).await["type"], "accept");
    let fail = peer.expect("fail").await;
    assert_eq!(fail["retryable"], true);
    peer.send(json!({"type": "failAck", "jobId": "job-1"})).await;
    assert_eq!(answer(&mut peer, chat("job-2")).await["type"], "accept");
    peer.expect("completeJson").await;
}

#[tokio::test]
async fn a_cancel_stops_the_engine_and_frees_the_slot() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    assert_eq!(answer(&mut peer, slow_chat("job-1", 60_000)).await["type"], "accept");
    peer.expect("progress").await;
    let start = std::time::Instant::now();
    peer.send(json!({"type": "cancel", "jobId": "job-1", "reason": "not needed"})).await;
    let fail = peer.expect("fail").await;
    assert!(start.elapsed() < std::time::Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!((&fail["error"], &fail["retryable"]), (&json!("cancelled"), &json!(false)));
    peer.send(json!({"type": "failAck", "jobId": "job-1"})).await;
    assert_eq!(answer(&mut peer, chat("job-2")).await["type"], "accept");
    peer.expect("completeJson").await;
}

#[tokio::test]
async fn a_job_outlives_its_connection() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    assert_eq!(answer(&mut peer, with_attempt(slow_chat("job-1", 3_000), 1)).await["type"], "accept");
    drop(peer);
    let mut peer = studio.session(OURS).await;
    assert_eq!(peer.first_heartbeat["heldJobs"], json!(["job-1"]));
    assert_eq!(peer.first_heartbeat["currentJobId"], "job-1");
    assert_eq!(peer.expect("completeJson").await["attempt"], 1);
}

#[tokio::test]
async fn slots_run_several_jobs_at_once() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&format!("{}slots = 3\n", approved_config(&studio)));
    let mut peer = studio.session(OURS).await;
    assert_eq!(peer.first_heartbeat["capabilities"]["slots"]["llm"], 3);
    for job in ["job-1", "job-2", "job-3"] {
        assert_eq!(answer(&mut peer, slow_chat(job, 500)).await["type"], "accept");
    }
    assert_eq!(answer(&mut peer, chat("job-4")).await["code"], "busy");
    let mut done = Vec::new();
    for _ in 0..3 {
        let job = peer.expect("completeJson").await["jobId"].as_str().unwrap().to_owned();
        peer.acknowledge(&job).await;
        done.push(job);
    }
    done.sort();
    assert_eq!(done, ["job-1", "job-2", "job-3"]);
}

#[tokio::test]
async fn a_drain_finishes_what_runs_and_ends_the_worker() {
    let mut studio = Studio::start().await;
    let mut worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    assert_eq!(answer(&mut peer, slow_chat("job-1", 500)).await["type"], "accept");
    peer.send(json!({"type": "drain"})).await;
    assert_eq!(answer(&mut peer, chat("job-2")).await["code"], "busy");
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    peer.expect("goodbye").await;
    let (_, close) = peer.closed().await;
    assert_eq!(close, Some((1000, "session ended".to_owned())));
    assert_eq!(worker.exit().await, Exit::Clean);
}

#[tokio::test]
async fn the_studio_hears_what_the_log_says_about_its_jobs() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&[]).await;
    let fail = claim("job-1", json!({"kind": "llm", "messages": [{"role": "user", "content": "[[fail]]"}]}));
    assert_eq!(answer(&mut peer, fail).await["type"], "accept");
    peer.expect("fail").await;
    let batch = peer.expect("logBatch").await;
    let entry = &batch["entries"][0];
    assert_eq!((&entry["jobId"], &entry["level"]), (&json!("job-1"), &json!("warn")));
    assert!(entry["ts"].as_str().unwrap().ends_with('Z') && entry["category"].is_string());
}

#[tokio::test]
async fn status_shows_what_runs() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&[]).await;
    assert_eq!(answer(&mut peer, slow_chat("job-1", 30_000)).await["type"], "accept");
    let read = || -> Option<Value> {
        serde_json::from_str(&fs::read_to_string(worker.path("status.json")).ok()?).ok()
    };
    let shown = until("the job is shown", || read().filter(|shown| shown["jobs"][0]["id"] == "job-1")).await;
    assert_eq!((&shown["session"], &shown["workerId"]), (&json!("open"), &json!("w-1")));
}
