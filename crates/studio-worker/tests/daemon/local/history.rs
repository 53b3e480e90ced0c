//! What the worker remembers of its jobs.

use std::fs;

use worker_local::{JobEnd, JobFilter, Origin};

use super::client;
use super::jobs::recorded;
use crate::support::{Answer, Studio, TestWorker, approved_config, chat, claim, picture, until};

#[tokio::test]
async fn jobs_are_remembered_with_their_log_and_picture_beyond_a_restart() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::json(serde_json::json!({})));
    let worker = TestWorker::start(&approved_config(&studio));
    let first = client(&worker).await;
    let mut peer = studio.session(&[]).await;
    peer.offer(chat("job-1")).await;
    peer.expect("accept").await;
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    peer.offer(picture("job-2")).await;
    peer.expect("accept").await;
    until("the picture is gone from here", || {
        (studio.requests().iter().any(|request| request.method == "POST") && worker.spool().is_empty())
            .then_some(())
    })
    .await;
    peer.offer(claim(
        "job-3",
        serde_json::json!({"kind": "llm", "messages": [{"role": "user", "content": "[[fail]]"}]}),
    ))
    .await;
    let records = recorded(&first, 3).await;
    let shown: Vec<_> = records.iter().map(|record| (record.id.as_str(), record.end)).collect();
    assert_eq!(shown, [("job-3", JobEnd::Failed), ("job-2", JobEnd::Done), ("job-1", JobEnd::Done)]);
    assert!(records[1].has_thumbnail && !records[0].has_thumbnail && !records[2].has_thumbnail);
    assert_eq!((records[1].prompt.contains("Füchschen"), records[1].origin), (true, Origin::Studio));
    assert!(records[0].reason.as_ref().is_some_and(|reason| !reason.is_empty()));
    let dir = worker.kill().await;
    let mut studio = Studio::start().await;
    fs::write(dir.path().join("config.toml"), approved_config(&studio)).unwrap();
    let _ = fs::remove_file(dir.path().join(worker_local::Discovery::FILE));
    let worker = TestWorker::start_in(dir);
    studio.session(&[]).await;
    let second = client(&worker).await;
    assert_eq!(second.jobs(&JobFilter::default()).await.unwrap().jobs, records);
    assert_eq!(second.job("job-2").await.unwrap(), records[1]);
    let small = second.thumbnail("job-2").await.unwrap();
    let size = image::load_from_memory(&small).map(|picture| (picture.width(), picture.height())).unwrap();
    assert_eq!(size, (64, 48));
    assert!(second.thumbnail("job-1").await.is_err());
    let lines = second.job_log("job-3").await.unwrap();
    assert!(lines.iter().any(|line| line.level == "warn" && line.message.contains("failed")), "{lines:?}");
    let days = second.job_days().await.unwrap();
    assert_eq!((days.iter().map(|day| day.jobs).sum::<u64>(), days[0].failed), (3, 1));
    let found = |filter: JobFilter| {
        let second = second.clone();
        async move {
            let page = second.jobs(&filter).await.unwrap();
            page.jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(
        found(JobFilter { search: Some("FÜCHSCHEN".replace('Ü', "ü")), ..JobFilter::default() }).await,
        ["job-2"]
    );
    assert_eq!(found(JobFilter { end: Some(JobEnd::Failed), ..JobFilter::default() }).await, ["job-3"]);
    assert_eq!(
        found(JobFilter { before: Some(records[0].seq), limit: Some(1), ..JobFilter::default() }).await,
        ["job-2"]
    );
    assert_eq!(second.status(None).await.unwrap().last_record, records[0].seq);
}

#[tokio::test]
async fn a_broken_file_is_set_aside_and_work_goes_on() {
    let mut studio = Studio::start().await;
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    fs::write(dir.path().join("config.toml"), approved_config(&studio)).unwrap();
    fs::write(dir.path().join("history.db"), "this is no database, ".repeat(100)).unwrap();
    let worker = TestWorker::start_in(dir);
    let client = client(&worker).await;
    let mut peer = studio.session(&[]).await;
    peer.offer(chat("job-1")).await;
    peer.expect("accept").await;
    peer.expect("completeJson").await;
    assert_eq!(recorded(&client, 1).await.len(), 1);
    assert!(fs::read_to_string(worker.path("history.db.broken")).unwrap().starts_with("this is no database"));
}

#[tokio::test]
async fn without_days_there_is_no_history_at_all() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&format!("{}history_days = 0\n", approved_config(&studio)));
    let client = client(&worker).await;
    let mut peer = studio.session(&[]).await;
    peer.offer(chat("job-1")).await;
    peer.expect("accept").await;
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    until("the job is over", || worker.spool().is_empty().then_some(())).await;
    assert!(client.jobs(&JobFilter::default()).await.unwrap().jobs.is_empty());
    assert!(client.job("job-1").await.is_err() && client.job_days().await.unwrap().is_empty());
    assert!(!worker.path("history.db").exists());
}
