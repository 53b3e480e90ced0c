//! The status, and what is asked of the daemon as a whole.

use std::time::{Duration, Instant};

use serde_json::json;
use worker_local::{ClientError, RegistrationState, SessionState, ShutdownAsk, WorkerState};

use super::client;
use crate::support::{Studio, TestWorker, approved_config, slow_chat, until};
use studio_worker::Exit;

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "goodbye"];

#[tokio::test]
async fn a_change_answers_who_waits_for_it() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    let mut peer = studio.session(OURS).await;
    let mut status = client.status(None).await.unwrap();
    while status.session != SessionState::Open || status.engines[0].kinds.is_empty() {
        status = client.status(Some(status.generation)).await.unwrap();
    }
    assert_eq!((status.state, status.registration.state), (WorkerState::Idle, RegistrationState::Approved));
    assert_eq!((status.registration.worker_id.as_deref(), status.pid), (Some("w-1"), std::process::id()));
    assert!(status.machine.processors > 0 && !status.machine.name.is_empty());
    peer.offer(slow_chat("job-1", 60_000)).await;
    peer.expect("accept").await;
    let start = Instant::now();
    while status.jobs.is_empty() || status.jobs[0].steps == 0 {
        status = client.status(Some(status.generation)).await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let job = &status.jobs[0];
    assert_eq!((job.id.as_str(), job.project.as_str(), job.name.as_str()), ("job-1", "g", "a"));
    assert!(job.prompt.contains("job-1") && status.state == WorkerState::Busy);
}

#[tokio::test]
async fn nothing_new_answers_when_the_wait_is_over_and_a_strange_number_at_once() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    studio.session(OURS).await;
    let found = super::found(&worker.path("")).await;
    let ask = |after: u64, wait: u64| {
        let line = format!("GET /api/v1/status?after={after}&waitMs={wait}");
        super::request(&found, &line, "", "")
    };
    let start = Instant::now();
    super::send(super::port(&found), &ask(9_999_999, 30_000)).await;
    assert!(start.elapsed() < Duration::from_secs(10), "a number of another daemon is not waited for");
    // Quiet comes within a moment; then a wait lasts as long as it says.
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let before = client.status(None).await.unwrap().generation;
        let start = Instant::now();
        let answer = super::send(super::port(&found), &ask(before, 700)).await;
        if answer.json()["generation"] == json!(before) {
            assert!(start.elapsed() >= Duration::from_millis(700));
            break;
        }
        assert!(Instant::now() < end, "it never comes to rest");
    }
}

#[tokio::test]
async fn who_raises_the_window_sees_it_counted() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    assert_eq!(client.raise().await.unwrap().raises, 1);
    assert_eq!(client.raise().await.unwrap().raises, 2);
    assert_eq!(client.status(None).await.unwrap().raises, 2);
}

#[tokio::test]
async fn a_shutdown_gives_back_what_runs_and_answers_first() {
    let mut studio = Studio::start().await;
    let mut worker = TestWorker::start(&format!("{}shutdown_grace_secs = 0\n", approved_config(&studio)));
    let client = client(&worker).await;
    let mut peer = studio.session(OURS).await;
    peer.offer(slow_chat("job-1", 60_000)).await;
    peer.expect("accept").await;
    peer.expect("progress").await;
    let status = client.shutdown(&ShutdownAsk::default()).await.unwrap();
    assert!(status.ending);
    assert_eq!(peer.expect("release").await["jobId"], "job-1");
    assert_eq!(worker.exit().await, Exit::Clean);
    assert!(!worker.path(worker_local::Discovery::FILE).exists());
}

#[tokio::test]
async fn a_shutdown_after_the_jobs_waits_for_them_and_goes_on_to_answer() {
    let mut studio = Studio::start().await;
    let mut worker = TestWorker::start(&format!("{}shutdown_grace_secs = 0\n", approved_config(&studio)));
    let client = client(&worker).await;
    let mut peer = studio.session(OURS).await;
    peer.offer(slow_chat("job-1", 1_000)).await;
    peer.expect("accept").await;
    assert!(client.shutdown(&ShutdownAsk { after_jobs: true }).await.unwrap().ending);
    assert_eq!(client.status(None).await.unwrap().jobs.len(), 1);
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    assert_eq!(worker.exit().await, Exit::Clean);
}

#[tokio::test]
async fn what_is_not_there_is_said_in_words() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    let found = super::found(&worker.path("")).await;
    let refused = client.release("job-9").await.unwrap_err();
    assert!(matches!(&refused, ClientError::Refused(problem) if problem.status == 404), "{refused:?}");
    assert!(refused.to_string().contains("job-9"));
    for (line, status, code) in [
        ("GET /api/v1/nothing", 404, "notFound"),
        ("DELETE /api/v1/status", 405, "methodNotAllowed"),
        ("GET /api/v1/status?waitMs=-1", 400, "invalid"),
        ("GET /api/v1/logs?level=loud", 400, "invalid"),
        ("GET /api/v1/jobs?kind=hologram", 400, "invalid"),
    ] {
        let answer = super::send(super::port(&found), &super::request(&found, line, "", "")).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{line}");
    }
    let body = super::request(&found, "POST /api/v1/shutdown", super::JSON, r#"{"afterJob":true}"#);
    let answer = super::send(super::port(&found), &body).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"));
    let body = super::request(&found, "POST /api/v1/shutdown", super::JSON, "{");
    assert_eq!(super::send(super::port(&found), &body).await.status, 400);
    until("it is still there", || worker.path("config.toml").exists().then_some(())).await;
}
