//! Clients that go away, and jobs that do not end well.

use std::time::Duration;

use serde_json::json;

use crate::client::{Client, Holding, Said, chat, ours};
use crate::served::Served;

#[tokio::test]
async fn a_stream_that_is_dropped_cancels_its_job() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&ours()).await;
    let stream = Client::of(&studio).stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    let (mut holding, _) = Holding::next(session).await;
    holding.say("Once").await;
    drop(stream);
    holding.until_cancelled().await;
    let job = studio.until(&holding.job, "cancelled").await;
    assert_eq!(job["error"], "its client is gone");
}

#[tokio::test]
async fn a_request_that_is_dropped_cancels_its_job_too() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&ours()).await;
    let asking = Client::of(&studio).asking("/v1/chat/completions", chat(json!({"n": 2})));
    let (mut holding, _) = Holding::next(session).await;
    asking.abort();
    holding.until_cancelled().await;
    studio.until(&holding.job, "cancelled").await;
    let waits =
        async || studio.api.jobs("state=queued").await.len() + studio.api.jobs("state=running").await.len();
    testkit::wait_until("no job is open", Duration::from_secs(10), async || waits().await == 0).await;
}

#[tokio::test]
async fn who_waits_for_too_long_is_told_so() {
    let studio = Served::with(|settings| settings.client_wait = Duration::from_millis(300)).await;
    let client = Client::of(&studio);
    let (_, session) = studio.worker(&ours()).await;
    let asking = client.asking("/v1/chat/completions", chat(json!({})));
    let (mut holding, _) = Holding::next(session).await;
    let (status, answer) = asking.await.unwrap();
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (504, &json!("timeout")), "{answer}");
    holding.until_cancelled().await;
    let mut stream = client
        .stream(
            "/v1/messages",
            &json!({"model": "synthetic-chat", "max_tokens": 9, "stream": true,
        "messages": [{"role": "user", "content": "hi"}]}),
        )
        .await;
    let (name, data) = stream.event().await.unwrap();
    assert_eq!(name.as_deref(), Some("error"), "{data}");
    assert!(data.contains("timeout_error"), "{data}");
    assert_eq!(stream.said().await, Said::End);
}

#[tokio::test]
async fn failures_say_whether_another_try_makes_sense() {
    let studio = Served::start().await;
    let client = Client::of(&studio);
    let (_, session) = studio.worker(&ours()).await;
    let asking = client.asking("/v1/chat/completions", chat(json!({})));
    let (holding, _) = Holding::next(session).await;
    let mut session = holding.fail("prompt has 9 tokens, the context holds 4", false).await;
    let (status, answer) = asking.await.unwrap();
    assert_eq!(status, 422, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("the context holds 4"), "{answer}");
    session.heartbeat(&ours(), None).await;
    let mut stream = client.stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    let (holding, _) = Holding::next(session).await;
    studio.api.post(&format!("/jobs/{}/cancel", holding.job), &json!({"reason": "not now"})).await;
    let rest = stream.rest().await;
    assert!(rest.last().unwrap()["error"]["message"].as_str().unwrap().contains("not now"), "{rest:?}");
}

#[tokio::test]
async fn a_studio_that_stops_ends_its_streams_with_an_error() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&ours()).await;
    let mut stream = Client::of(&studio).stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    let (mut holding, _) = Holding::next(session).await;
    holding.say("Once").await;
    assert_eq!(stream.json().await["choices"][0]["delta"]["role"], "assistant");
    studio.state.tasks.stop_softly();
    let rest = stream.rest().await;
    assert_eq!(rest.last().unwrap()["error"]["code"], "unavailable", "{rest:?}");
    studio.until(&holding.job, "cancelled").await;
}
