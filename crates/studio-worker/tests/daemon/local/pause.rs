//! The owner takes the machine back: what the studio hears, what happens to engines, what a restart remembers.

use std::time::{Duration, Instant};

use serde_json::json;
use studio_protocol::Timestamp;
use worker_local::{PauseAsk, PauseUntil, PauseWhen, WorkerState};

use super::client;
use crate::support::{Studio, TestWorker, approved_config, is_alive, slow_picture, until, with_attempt};

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "goodbye", "control"];
/// What a pause may take until the memory is back.
const MEMORY_BACK: Duration = Duration::from_secs(5);

const NOW: PauseAsk = PauseAsk { until: PauseUntil::Resumed, when: PauseWhen::Now, free_memory: true };

#[tokio::test]
async fn a_pause_in_a_picture_gives_the_job_and_the_memory_back_and_a_resume_takes_jobs() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    let mut peer = studio.session(OURS).await;
    peer.offer(with_attempt(slow_picture("job-1", 60_000), 2)).await;
    peer.expect("accept").await;
    peer.expect("progress").await;
    let engine = client.status(None).await.unwrap().lanes.iter().find_map(|lane| lane.pid).unwrap();
    assert!(is_alive(engine));
    let started = Instant::now();
    let status = client.pause(&NOW).await.unwrap();
    assert_eq!((status.state, status.pause.is_some()), (WorkerState::Paused, true));
    assert!(status.jobs.is_empty(), "{:?}", status.jobs);
    let release = peer.expect("release").await;
    assert_eq!((&release["jobId"], &release["attempt"]), (&json!("job-1"), &json!(2)));
    until("the engine is gone", || (!is_alive(engine)).then_some(())).await;
    assert!(started.elapsed() < MEMORY_BACK, "{:?}", started.elapsed());
    assert!(worker.config().contains("paused = true"), "{}", worker.config());
    let status = client.resume().await.unwrap();
    assert_eq!((status.state, status.pause), (WorkerState::Idle, None));
    assert!(worker.config().contains("paused = false"));
    peer.offer(with_attempt(slow_picture("job-1", 10), 3)).await;
    assert_eq!(peer.expect("accept").await["attempt"], 3);
}

#[tokio::test]
async fn a_pause_after_the_job_ends_the_engine_after_it() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    let mut peer = studio.session(OURS).await;
    peer.offer(slow_picture("job-1", 800)).await;
    peer.expect("accept").await;
    peer.expect("progress").await;
    let ask = PauseAsk { when: PauseWhen::AfterJob, ..NOW };
    let status = client.pause(&ask).await.unwrap();
    assert_eq!(status.jobs.len(), 1, "it is finished first");
    let engine = client.status(None).await.unwrap().lanes.iter().find_map(|lane| lane.pid).unwrap();
    until("the result is uploaded", || {
        studio.requests().iter().any(|request| request.path.ends_with("/job-1/complete")).then_some(())
    })
    .await;
    until("the engine is gone", || (!is_alive(engine)).then_some(())).await;
}

#[tokio::test]
async fn a_timed_pause_goes_on_over_a_restart_and_ends_by_itself() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let at = Timestamp::now().plus_millis(4_000);
    let ask = PauseAsk { until: PauseUntil::At { at }, ..PauseAsk::default() };
    let status = client(&worker).await.pause(&ask).await.unwrap();
    assert_eq!(status.pause.unwrap().until, Some(at));
    let dir = worker.kill().await;
    // It may be there, of the one that was killed.
    let _ = std::fs::remove_file(dir.path().join(worker_local::Discovery::FILE));
    let worker = TestWorker::start_in(dir);
    let client = client(&worker).await;
    let mut status = client.status(None).await.unwrap();
    assert_eq!(status.pause.clone().unwrap().until, Some(at), "remembered");
    while status.pause.is_some() {
        assert!(Timestamp::now() < at.plus_millis(10_000), "it never ends");
        status = client.status(Some(status.generation)).await.unwrap();
    }
    assert!(Timestamp::now() >= at, "not too early");
    let config = worker.config();
    assert!(config.contains("paused = false") && !config.contains("\npaused_until"), "{config}");
}

#[tokio::test]
async fn a_pause_whose_time_is_over_at_the_start_is_none() {
    let studio = Studio::start().await;
    let config = approved_config(&studio) + "paused = true\npaused_until = \"2020-01-01T00:00:00Z\"\n";
    let worker = TestWorker::start(&config);
    let status = client(&worker).await.status(None).await.unwrap();
    assert_eq!(status.pause, None);
    until("the file says so", || worker.config().contains("paused = false").then_some(())).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    for (until, words) in [
        (PauseUntil::Minutes { minutes: 0 }, "1 to 10080"),
        (PauseUntil::Minutes { minutes: 10_081 }, "1 to 10080"),
        (PauseUntil::At { at: Timestamp::from_millis(0) }, "over already"),
    ] {
        let refused = client.pause(&PauseAsk { until, ..PauseAsk::default() }).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    }
    assert_eq!(client.status(None).await.unwrap().pause, None);
}

#[tokio::test]
async fn an_operators_resume_ends_the_owners_pause_in_the_file_too() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    let mut peer = studio.session(OURS).await;
    let minutes = PauseUntil::Minutes { minutes: 15 };
    client.pause(&PauseAsk { until: minutes, ..PauseAsk::default() }).await.unwrap();
    peer.send(json!({"type": "resume"})).await;
    until("the file says so", || worker.config().contains("paused = false").then_some(())).await;
    let mut status = client.status(None).await.unwrap();
    while status.pause.is_some() {
        status = client.status(Some(status.generation)).await.unwrap();
    }
    assert_eq!(status.state, WorkerState::Idle);
}
