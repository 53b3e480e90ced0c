//! A studio that dies while clients wait.

use serde_json::json;
use testkit::{Home, RawWorker, StudioProcess};

use crate::client::{Client, SOON, chat, ours};

#[tokio::test]
async fn jobs_of_clients_are_cancelled_at_the_next_start_and_others_are_kept() {
    let home = Home::new();
    let mut studio = StudioProcess::start(&home).await;
    let api = studio.api();
    let raw = RawWorker::new(&studio.url());
    let identity = raw.join(&RawWorker::synthetic(), &api.join_code(1).await).await;
    let mut session = raw.session(&identity, &ours()).await;
    session.heartbeat(&ours(), None).await;
    let client = Client::new(&studio.url(), &studio.admin_key());
    let running = client.stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    let claim = session.offer().await;
    session.send_json(json!({"type": "accept", "jobId": claim.job_id, "attempt": claim.attempt})).await;
    api.until_job(&running.job(), "running", SOON).await;
    let waiting = client.stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    let task = json!({"kind": "llm", "messages": [{"role": "user", "content": "hi"}]});
    let other = api.submit(json!({"model": "synthetic-chat", "task": task})).await;
    studio.restart().await;
    for job in [running.job(), waiting.job()] {
        let job = api.job(&job).await;
        assert_eq!(
            (&job["state"], &job["error"]),
            (&json!("cancelled"), &json!("the studio was started again"))
        );
    }
    assert_eq!(api.job(&other).await["state"], "queued");
}
