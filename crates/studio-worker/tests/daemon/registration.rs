//! Joining a studio, over HTTP, every answer of it. Time is paused: ticks of 30 s pass at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use studio_protocol::REGISTRATION_TICK;
use tokio::time::Instant;

use crate::support::{Answer, Request, Studio, TestWorker, until};

fn config(studio: &Studio) -> String {
    format!("api_base_url = \"{}\"\n", studio.url())
}

fn pending() -> Answer {
    Answer::json(json!({"requestId": "rr-1", "status": "pending"}))
}

/// Answers the first polls with `answers`, one each, the last one for ever.
fn polls(studio: &Studio, answers: Vec<Answer>) {
    let count = AtomicUsize::new(0);
    studio.answer(move |request: &Request| {
        if request.method == "POST" {
            return pending();
        }
        let at = count.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
        answers[at].clone()
    });
}

fn approved() -> Answer {
    Answer::json(json!({"status": "approved", "workerId": "w-7", "authToken": "tok-7", "somethingNew": 1}))
}

#[tokio::test(start_paused = true)]
async fn the_request_says_who_asks_and_the_config_remembers_it() {
    let studio = Studio::start().await;
    polls(&studio, vec![Answer::json(json!({"status": "pending"}))]);
    let worker = TestWorker::start(&config(&studio));
    let request = studio.requested(1).await.remove(0);
    assert_eq!(request.path, "/graphics/api/workers/register-request");
    assert_eq!(request.header("authorization"), None);
    let body = request.json();
    assert_eq!(body["userAgent"], concat!("studio-worker/", env!("CARGO_PKG_VERSION")));
    assert_eq!(body["registrationSecretHash"].as_str().unwrap().len(), 64);
    assert_eq!(body["capabilities"]["engine"], "multi");
    assert!(body["capabilities"]["supportedModels"].as_array().unwrap().contains(&json!("synthetic*")));
    assert!(body.get("joinCode").is_none());
    let install_id = body["installId"].as_str().unwrap().to_owned();
    let text =
        until("the request is saved", || Some(worker.config()).filter(|text| text.contains("rr-1"))).await;
    assert!(text.contains(&install_id) && text.contains("registration_secret"));
    let poll = studio.requested(2).await.remove(1);
    assert_eq!(poll.path, "/graphics/api/workers/register-requests/rr-1");
    let secret = poll.header("authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    assert!(text.contains(&secret) && secret.len() == 64);
}

#[tokio::test(start_paused = true)]
async fn approval_is_saved_and_connects_at_once() {
    let mut studio = Studio::start().await;
    polls(&studio, vec![Answer::json(json!({"status": "pending"})), approved()]);
    let worker = TestWorker::start(&config(&studio));
    let mut peer = studio.connection().await;
    let hello = peer.next().await;
    assert_eq!((&hello["type"], &hello["authToken"]), (&json!("hello"), &json!("tok-7")));
    let head = &studio.upgrades()[0];
    assert!(head.starts_with("GET /graphics/api/workers/w-7/connect "), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer tok-7"));
    let text = worker.config();
    assert!(text.contains("worker_id = \"w-7\"") && !text.contains("registration_"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_decision_is_asked_again_at_the_next_tick() {
    let studio = Studio::start().await;
    let answers = [
        Answer::of(500, "oops"),
        Answer::of(401, ""),
        Answer::of(200, "<html>"),
        Answer::json(json!({"status": "maybe"})),
    ];
    polls(&studio, answers.to_vec());
    let start = Instant::now();
    let worker = TestWorker::start(&config(&studio));
    studio.requested(6).await;
    assert!(start.elapsed() >= REGISTRATION_TICK * 5);
    assert!(worker.config().contains("registration_request_id = \"rr-1\""));
    assert_eq!(studio.requests().iter().filter(|request| request.method == "POST").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_sent_again_with_the_same_id_and_hash() {
    let studio = Studio::start().await;
    for answer in [
        Answer::of(429, "slow down"),
        Answer::of(500, ""),
        Answer::of(200, "not json"),
        Answer::json(json!({})),
    ] {
        studio.answer(move |_| answer.clone());
        let seen = studio.requests().len();
        let worker = TestWorker::start(&config(&studio));
        let requests = studio.requested(seen + 3).await;
        let bodies: Vec<_> = requests[seen..].iter().map(Request::json).collect();
        assert_eq!(bodies[0]["installId"], bodies[2]["installId"]);
        assert_eq!(bodies[0]["registrationSecretHash"], bodies[2]["registrationSecretHash"]);
        assert!(!worker.config().contains("registration_request_id"));
        worker.kill().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_worker_stays_up_and_asks_no_more_not_even_after_a_restart() {
    let studio = Studio::start().await;
    polls(&studio, vec![Answer::json(json!({"status": "rejected", "reason": "who is this"}))]);
    let mut worker = TestWorker::start(&config(&studio));
    let text =
        until("the refusal is saved", || Some(worker.config()).filter(|text| text.contains("who is this")))
            .await;
    assert!(!text.contains("registration_secret"), "{text}");
    tokio::time::sleep(REGISTRATION_TICK * 20).await;
    assert_eq!(studio.requests().len(), 2);
    assert!(!worker.has_ended());
    let restarted = TestWorker::start_in(worker.kill().await);
    tokio::time::sleep(REGISTRATION_TICK * 3).await;
    assert_eq!(studio.requests().len(), 2);
    restarted.kill().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_request_is_asked_anew_with_the_same_install_and_another_secret() {
    let studio = Studio::start().await;
    polls(&studio, vec![Answer::of(404, ""), Answer::json(json!({"status": "pending"}))]);
    let _worker = TestWorker::start(&config(&studio));
    let requests = studio.requested(3).await;
    let posts: Vec<_> =
        requests.iter().filter(|request| request.method == "POST").map(Request::json).collect();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0]["installId"], posts[1]["installId"]);
    assert_ne!(posts[0]["registrationSecretHash"], posts[1]["registrationSecretHash"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_where_the_registration_stood() {
    let mut studio = Studio::start().await;
    polls(&studio, vec![Answer::json(json!({"status": "pending"}))]);
    let worker = TestWorker::start(&config(&studio));
    until("the request is saved", || worker.config().contains("rr-1").then_some(())).await;
    let dir = worker.kill().await;
    polls(&studio, vec![approved()]);
    let before = Instant::now();
    let _worker = TestWorker::start_in(dir);
    studio.connection().await;
    assert!(before.elapsed() < Duration::from_secs(5), "it asks at once");
    assert_eq!(studio.requests().iter().filter(|request| request.method == "POST").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_studio_that_is_away_is_asked_until_it_is_there() {
    let gone = Studio::start().await;
    let (address, text) = (gone.address, config(&gone));
    drop(gone);
    let _worker = TestWorker::start(&text);
    tokio::time::sleep(REGISTRATION_TICK * 2).await;
    let studio = Studio::start_at(address).await;
    studio.answer(|_| pending());
    studio.requested(1).await;
}
