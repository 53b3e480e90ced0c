//! The kit against a real studio: what every story of `tests/e2e` takes for granted.

use std::time::Duration;

use serde_json::json;
use studio_protocol::StudioFrame;
use testkit::{Exit, FaultyLink, Home, RawWorker, Received, StudioProcess, WorkerProcess, wait_until};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_raw_worker_joins_takes_a_job_and_answers_it() {
    let home = Home::new();
    let studio = StudioProcess::start(&home).await;
    let api = studio.api();
    let raw = RawWorker::new(&studio.url());
    let identity = raw.join(&RawWorker::synthetic(), &api.join_code(1).await).await;
    let mut session = raw.session(&identity, &RawWorker::synthetic()).await;
    session.heartbeat(&RawWorker::synthetic(), None).await;
    api.until_online(1, LIMIT).await;

    let messages = json!([{"role": "user", "content": "hi"}]);
    let chat = json!({"model": "synthetic-chat", "task": {"kind": "llm", "messages": messages}});
    let job = api.submit(chat).await;
    let claim = session.offer().await;
    assert_eq!(claim.job_id.as_str(), job);
    session.send_json(json!({"type": "accept", "jobId": job})).await;
    session
        .send_json(json!({"type": "completeJson", "jobId": job, "result": {"object": "chat.completion"}}))
        .await;
    session.expect("completeAck", |frame| matches!(frame, StudioFrame::CompleteAck(_)).then_some(())).await;
    let done = api.until_job(&job, "done", LIMIT).await;
    assert_eq!(done["result"]["object"], "chat.completion");
    session.close("session ended").await;
}

#[tokio::test]
async fn a_cut_link_ends_the_session_and_a_restored_one_lets_it_begin_again() {
    let home = Home::new();
    let studio = StudioProcess::start(&home).await;
    let link = FaultyLink::to(studio.address()).await;
    let raw = RawWorker::new(&link.url());
    let identity = raw.join(&RawWorker::synthetic(), &studio.api().join_code(1).await).await;
    let mut session = raw.session(&identity, &RawWorker::synthetic()).await;
    link.cut();
    assert!(matches!(session.receive(LIMIT).await, Some(Received::Cut)));
    raw.session(&identity, &RawWorker::synthetic()).await.heartbeat(&RawWorker::synthetic(), None).await;
}

#[tokio::test]
async fn a_studio_ends_when_asked_and_comes_back_on_its_port() {
    let home = Home::new();
    let mut studio = StudioProcess::start(&home).await;
    let (url, key) = (studio.url(), studio.admin_key());
    studio.sigterm();
    assert_eq!(studio.exit(LIMIT).await, Exit::Code(0));
    studio.restart().await;
    assert_eq!((studio.url(), studio.admin_key()), (url, key));
    studio.kill9();
    assert_eq!(studio.ended(), Some(Exit::Signal(9)));
    studio.restart().await;
    wait_until("the studio says that it is ready", LIMIT, async || studio.log().contains("127.0.0.1")).await;
    assert_eq!(studio.api().get("/status").await["workersOnline"], 0);
}

#[tokio::test]
async fn a_worker_joins_over_a_link_works_and_ends_when_asked() {
    let home = Home::new();
    let studio = StudioProcess::start(&home).await;
    let api = studio.api();
    let link = FaultyLink::to(studio.address()).await;
    let mut worker = WorkerProcess::new(&home, "attic");
    worker.join_with(&link.url(), &api.join_code(1).await).await;
    assert!(worker.config_value("worker_id").is_some_and(|id| id.starts_with("w-")));
    worker.run().await;
    api.until_online(1, LIMIT).await;

    let picture = json!({"kind": "image", "prompt": "a fox", "width": 64, "height": 64, "ext": "png"});
    let batch = api.submit_batch("foxes", vec![json!({"model": "synthetic", "task": picture}); 3]).await;
    api.until_done(&batch, 3, LIMIT).await;
    let jobs = api.jobs(&format!("batch={batch}&state=done")).await;
    assert_eq!(jobs.len(), 3);
    assert!(api.artefact(jobs[0]["id"].as_str().unwrap()).await.starts_with(b"\x89PNG"));

    assert_eq!(worker.engines(LIMIT).await.len(), 1);
    worker.kill9();
    assert_eq!(worker.ended(), Some(Exit::Signal(9)));
    // Who is online next is the new process, not what the studio remembers of the old one.
    api.until_online(0, LIMIT).await;
    worker.run().await;
    api.until_online(1, LIMIT).await;
    worker.sigterm();
    assert_eq!(worker.exit(LIMIT).await, Exit::Code(0));
}
