//! What can be seen and done of jobs that run.

use serde_json::json;
use worker_local::{ClientError, JobEnd, JobFilter, Status};

use super::client;
use crate::support::{Studio, TestWorker, approved_config, claim, slow_chat, with_attempt};

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "goodbye"];

#[tokio::test]
async fn a_job_is_given_back_and_remembered_as_such() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    let mut peer = studio.session(OURS).await;
    peer.offer(with_attempt(slow_chat("job-1", 60_000), 4)).await;
    peer.expect("accept").await;
    peer.expect("progress").await;
    assert!(!client.job_log("job-1").await.unwrap().iter().any(|line| line.level == "error"));
    client.release("job-1").await.unwrap();
    let release = peer.expect("release").await;
    assert_eq!((&release["jobId"], &release["attempt"]), (&json!("job-1"), &json!(4)));
    let record = recorded(&client, 1).await.remove(0);
    assert_eq!((record.id.as_str(), record.end), ("job-1", JobEnd::Released));
    assert!(record.reason.unwrap().contains("owner"));
    let lines = client.job_log("job-1").await.unwrap();
    assert!(lines.iter().any(|line| line.message.contains("goes back")), "{lines:?}");
    let refused = client.release("job-1").await.unwrap_err();
    assert!(matches!(refused, ClientError::Refused(problem) if problem.status == 404));
}

#[tokio::test]
async fn who_looks_sees_a_picture_grow_and_the_studio_is_sent_none() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    let mut peer = studio.session(OURS).await;
    let mut status: Status = client.status(None).await.unwrap();
    peer.offer(claim(
        "job-1",
        json!({"kind": "image", "prompt": "[[delay=300]] a fox", "width": 64, "height": 48, "steps": 30, "ext": "png"}),
    ))
    .await;
    peer.expect("accept").await;
    while status.jobs.first().is_none_or(|job| job.preview == 0) {
        status = client.status(Some(status.generation)).await.unwrap();
    }
    let look = client.preview("job-1").await.unwrap();
    assert!(
        look.starts_with(b"\xff\xd8") || look.starts_with(b"\x89PNG") || look.starts_with(b"RIFF"),
        "{look:?}"
    );
    client.release("job-1").await.unwrap();
    loop {
        let frame = peer.next().await;
        assert_ne!(frame["type"], "preview", "the session did not want any");
        if frame["type"] == "release" {
            break;
        }
    }
    recorded(&client, 1).await;
    assert!(client.preview("job-1").await.is_err());
}

/// The history once it has `number` records.
pub(super) async fn recorded(client: &worker_local::Client, number: usize) -> Vec<worker_local::JobRecord> {
    let mut status = client.status(None).await.unwrap();
    loop {
        let page = client.jobs(&JobFilter::default()).await.unwrap();
        if page.jobs.len() >= number {
            return page.jobs;
        }
        status = client.status(Some(status.generation)).await.unwrap();
    }
}
