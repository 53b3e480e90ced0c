//! What a running job shows, from the worker's socket to those who watch; and what an operator asks of a worker.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use studio_protocol::StudioFrame;
use testkit::{RawSession, RawWorker};

use crate::served::Served;

const SOON: Duration = Duration::from_secs(5);

/// An event stream of the studio.
struct Watch {
    response: Response,
    text: String,
}

impl Watch {
    async fn open(studio: &Served, query: &str) -> Self {
        let response = call(studio, Method::GET, &format!("/events?{query}")).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut watch = Self { response, text: String::new() };
        assert_eq!(watch.next().await.0, "ready");
        watch
    }

    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let named = field("event: ").zip(field("data: "));
                let rest = rest.to_owned();
                self.text = rest;
                if let Some((name, data)) = named {
                    return (name, serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            let chunk = tokio::time::timeout(SOON, self.response.chunk()).await.unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    /// Text until the whole of it is `whole`.
    async fn read(&mut self, whole: &str) {
        let mut text = String::new();
        while text != whole {
            let (name, data) = self.next().await;
            if name == "delta" {
                assert!(data.get("reset").is_none(), "{data}");
                text.push_str(data["text"].as_str().unwrap());
            }
            assert!(whole.starts_with(&text), "{text}");
        }
    }

    async fn until(&mut self, wanted: &str) -> Value {
        loop {
            let (name, data) = self.next().await;
            if name == wanted {
                return data;
            }
        }
    }
}

async fn call(studio: &Served, method: Method, path: &str) -> Response {
    studio.api.request(method, path).send().await.unwrap()
}

async fn say(session: &mut RawSession, job: &str, attempt: u32, index: u64, text: &str) {
    let frame = json!({"type": "delta", "jobId": job, "attempt": attempt, "index": index, "text": text});
    session.send_json(frame).await;
}

async fn start(studio: &Served, session: &mut RawSession, attempt: u32) -> String {
    let job = studio.submit_chat().await;
    session.offer().await;
    session.send_json(json!({"type": "accept", "jobId": job, "attempt": attempt})).await;
    studio.until(&job, "running").await;
    job
}

#[tokio::test]
async fn a_text_is_seen_as_it_grows_and_its_end_ahead_of_the_job_s() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&crate::ours()).await;
    let job = start(&studio, &mut session, 1).await;
    let mut early = Watch::open(&studio, &format!("job={job}")).await;
    say(&mut session, &job, 1, 0, "Once ").await;
    early.read("Once ").await;
    // Told again after a reconnect, and a piece that is none of this attempt.
    say(&mut session, &job, 1, 0, "Once ").await;
    say(&mut session, &job, 7, 0, "stale").await;
    say(&mut session, &job, 1, 1, "upon ").await;
    early.read("upon ").await;
    let mut late = Watch::open(&studio, &format!("job={job}&types=delta,job")).await;
    late.read("Once upon ").await;
    say(&mut session, &job, 1, 2, "a time").await;
    let result = json!({"object": "chat.completion", "choices": []});
    let done = json!({"type": "completeJson", "jobId": job, "attempt": 1, "result": result, "prompt": "hi"});
    session.send_json(done).await;
    for watch in [&mut early, &mut late] {
        watch.read("a time").await;
        assert_eq!(watch.until("job").await["state"], "done");
    }
}

#[tokio::test]
async fn a_lost_try_is_taken_back_and_the_next_one_starts_anew() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&crate::ours()).await;
    let job = start(&studio, &mut session, 1).await;
    let mut watch = Watch::open(&studio, &format!("job={job}&types=delta")).await;
    say(&mut session, &job, 1, 0, "lost").await;
    watch.read("lost").await;
    session.send_json(json!({"type": "release", "jobId": job, "attempt": 1, "reason": "off"})).await;
    assert_eq!(watch.until("delta").await["reset"], true);
    let (_, mut other) = studio.worker(&crate::ours()).await;
    other.offer().await;
    other.send_json(json!({"type": "accept", "jobId": job, "attempt": 2})).await;
    say(&mut other, &job, 2, 0, "new").await;
    watch.read("new").await;
}

#[tokio::test]
async fn texts_are_told_to_those_who_ask_for_them() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&crate::ours()).await;
    let job = start(&studio, &mut session, 1).await;
    let mut all = Watch::open(&studio, "").await;
    say(&mut session, &job, 1, 0, "quiet").await;
    let progress = json!({"type": "progress", "jobId": job, "attempt": 1, "step": 0, "steps": 0,
        "stage": "downloading", "bytes": 5, "totalBytes": 10});
    session.send_json(progress).await;
    assert_eq!(all.next().await.0, "progress");
    testkit::wait_until("the download is seen", SOON, async || {
        let progress = studio.api.job(&job).await["progress"].clone();
        (progress["bytes"].clone(), progress["totalBytes"].clone()) == (json!(5), json!(10))
    })
    .await;
    let both = call(&studio, Method::GET, &format!("/events?job={job}&batch=b")).await;
    assert_eq!(both.status(), StatusCode::BAD_REQUEST);
    let unknown = call(&studio, Method::GET, "/events?job=job-0").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_operator_asks_a_worker_that_is_there_to_load_a_model() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&crate::ours()).await;
    let at = |worker: &str, model: &str, what: &str| format!("/workers/{worker}/models/{model}/{what}");
    let worker = identity.worker_id.clone();
    let asked = call(&studio, Method::POST, &at(worker.as_str(), "synthetic-chat", "load")).await;
    assert_eq!(asked.status(), StatusCode::ACCEPTED);
    let command = session.expect("loadModel", |frame| match frame {
        StudioFrame::LoadModel(command) => Some(command),
        _ => None,
    });
    let command = command.await;
    assert_eq!(command.model, "synthetic-chat");
    assert_eq!(command.model_source.unwrap().engine, "synthetic");
    call(&studio, Method::POST, &at(worker.as_str(), "synthetic-chat", "unload")).await;
    let unload = |frame| if let StudioFrame::UnloadModel(command) = frame { Some(command) } else { None };
    assert_eq!(session.expect("unloadModel", unload).await.model, "synthetic-chat");
    let unknown = call(&studio, Method::POST, &at(worker.as_str(), "no-such-model", "load")).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let (base, _session) = studio.worker(&RawWorker::synthetic()).await;
    let refused = call(&studio, Method::POST, &at(base.worker_id.as_str(), "synthetic-chat", "load")).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    session.cut();
    testkit::wait_until("the worker is offline", SOON, async || {
        let answer = call(&studio, Method::POST, &at(worker.as_str(), "synthetic-chat", "load")).await;
        answer.status() == StatusCode::CONFLICT
    })
    .await;
}
