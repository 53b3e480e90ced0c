//! A client of `/v1`, and a worker that does what a test says.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use studio_protocol::{Capabilities, Feature, FeatureSet, OfferClaim, StudioFrame};
use testkit::{RawSession, RawWorker};

use crate::served::Served;

/// An answer of a studio on a busy machine.
pub const SOON: Duration = Duration::from_secs(10);

pub fn ours() -> Capabilities {
    Capabilities { features: FeatureSet::of(&Feature::ALL), ..RawWorker::synthetic() }
}

#[expect(clippy::needless_pass_by_value, reason = "what `json!` makes is used up")]
pub fn chat(more: Value) -> Value {
    let mut body = json!({"model": "synthetic-chat", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Speaks to one studio with one key.
#[derive(Clone)]
pub struct Client {
    url: String,
    key: String,
}

impl Client {
    pub fn of(studio: &Served) -> Self {
        let key = std::fs::read_to_string(studio.home.join("studio/admin.key")).unwrap();
        Self::new(&studio.url, key.trim())
    }

    pub fn new(url: &str, key: &str) -> Self {
        studio_runtime::install_crypto();
        Self { url: url.to_owned(), key: key.to_owned() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // A connection of its own: one that is dropped is closed at once.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        client.request(method, format!("{}{path}", self.url))
    }

    pub fn with_key(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(&self.key)
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.with_key(Method::POST, path).json(body).send().await.unwrap()
    }

    /// Status and answer, on their way while the test does other things.
    pub fn asking(&self, path: &'static str, body: Value) -> tokio::task::JoinHandle<(StatusCode, Value)> {
        let client = self.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the test")]
        tokio::spawn(async move {
            let response = client.post(path, &body).await;
            let status = response.status();
            (status, response.json().await.unwrap())
        })
    }

    pub async fn stream(&self, path: &str, body: &Value) -> Stream {
        let response = self.post(path, body).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { response, text: String::new() }
    }
}

/// Server-sent events.
pub struct Stream {
    response: Response,
    text: String,
}

/// One thing that a stream says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Comment(String),
    /// Name and data.
    Event(Option<String>, String),
    End,
}

impl Stream {
    pub fn job(&self) -> String {
        self.response.headers()["x-studio-job"].to_str().unwrap().to_owned()
    }

    pub async fn said(&mut self) -> Said {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let said = match (field("data: "), field(": ")) {
                    (Some(data), _) => Said::Event(field("event: "), data),
                    (None, Some(comment)) => Said::Comment(comment),
                    (None, None) => panic!("neither data nor a comment: {event:?}"),
                };
                let rest = rest.len();
                self.text.drain(..self.text.len() - rest);
                return said;
            }
            match tokio::time::timeout(SOON, self.response.chunk()).await.unwrap().unwrap() {
                Some(chunk) => self.text.push_str(std::str::from_utf8(&chunk).unwrap()),
                None => return Said::End,
            }
        }
    }

    /// The next event, comments aside.
    pub async fn event(&mut self) -> Option<(Option<String>, String)> {
        loop {
            match self.said().await {
                Said::Comment(_) => {}
                Said::Event(name, data) => return Some((name, data)),
                Said::End => return None,
            }
        }
    }

    /// The JSON of the next event.
    pub async fn json(&mut self) -> Value {
        let (_, data) = self.event().await.expect("the stream goes on");
        serde_json::from_str(&data).unwrap_or(Value::String(data))
    }

    /// The JSON of every event that is still to come.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some((_, data)) = self.event().await {
            events.push(serde_json::from_str(&data).unwrap_or(Value::String(data)));
        }
        events
    }
}

/// A worker with a job.
pub struct Holding {
    pub session: RawSession,
    pub job: String,
    pub attempt: u32,
    index: u64,
}

impl Holding {
    /// Waits for the next offer and takes it.
    pub async fn next(mut session: RawSession) -> (Self, OfferClaim) {
        let claim = session.offer().await;
        let (job, attempt) = (claim.job_id.to_string(), claim.attempt.unwrap());
        session.send_json(json!({"type": "accept", "jobId": job, "attempt": attempt})).await;
        (Self { session, job, attempt, index: 0 }, claim)
    }

    pub async fn say(&mut self, text: &str) {
        self.say_and_think(text, None).await;
    }

    pub async fn say_and_think(&mut self, text: &str, reasoning: Option<&str>) {
        let mut frame = json!({"type": "delta", "jobId": self.job, "attempt": self.attempt,
            "index": self.index, "text": text});
        if let Some(reasoning) = reasoning {
            frame["reasoning"] = reasoning.into();
        }
        self.session.send_json(frame).await;
        self.index += 1;
    }

    /// Ends the job with a message like an engine's.
    pub async fn done(mut self, message: Value, finish: &str) -> RawSession {
        let result = json!({
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8,
                "prompt_tokens_details": {"cached_tokens": 2}},
        });
        let frame = json!({"type": "completeJson", "jobId": self.job, "attempt": self.attempt,
            "result": result, "prompt": "hi"});
        self.session.send_json(frame).await;
        self.session
    }

    pub async fn said(self, text: &str) -> RawSession {
        self.done(json!({"role": "assistant", "content": text}), "stop").await
    }

    pub async fn fail(mut self, error: &str, retryable: bool) -> RawSession {
        let frame = json!({"type": "fail", "jobId": self.job, "attempt": self.attempt, "error": error,
            "retryable": retryable});
        self.session.send_json(frame).await;
        self.session
    }

    pub async fn release(mut self) -> RawSession {
        let frame = json!({"type": "release", "jobId": self.job, "attempt": self.attempt, "reason": "off"});
        self.session.send_json(frame).await;
        self.session
    }

    /// Waits until the studio says that nobody wants the job any more.
    pub async fn until_cancelled(&mut self) {
        let job = self.job.clone();
        let is_it = |frame| matches!(frame, StudioFrame::Cancel(cancel) if cancel.job_id.as_str() == job);
        self.session.expect("a cancel", |frame| is_it(frame).then_some(())).await;
    }
}
