//! A small client of `/api/v1`.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::wait::wait_for;

/// One request: a studio under load on a busy machine.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// An answer of any status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body; text that is not JSON stands as a JSON string.
    pub body: Value,
}

/// `/api/v1` of one studio with one key.
#[derive(Debug, Clone)]
pub struct Api {
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Api {
    /// The studio at `url`, with `key`.
    pub fn new(url: &str, key: &str) -> Self {
        Self::over(reqwest::Client::builder(), url, key)
    }

    /// The studio at an `https` address, whose certificate `authority` (PEM) has signed.
    pub fn trusting(url: &str, key: &str, authority: &[u8]) -> Self {
        let authority = reqwest::Certificate::from_pem(authority).expect("a certificate");
        Self::over(reqwest::Client::builder().tls_certs_merge([authority]), url, key)
    }

    fn over(client: reqwest::ClientBuilder, url: &str, key: &str) -> Self {
        studio_runtime::install_crypto();
        let client = client.timeout(REQUEST_LIMIT).build().expect("a client can be built");
        Self { client, url: url.trim_end_matches('/').to_owned(), key: key.to_owned() }
    }

    /// The same studio with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// A request to `path` below `/api/v1`, to be completed and sent.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}/api/v1{path}", self.url)).bearer_auth(&self.key)
    }

    /// Sends a request and takes any answer; an error is that of the connection.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Answer { status, body })
    }

    /// `GET` that must succeed.
    pub async fn get(&self, path: &str) -> Value {
        self.succeed(Method::GET, path, None).await
    }

    /// `POST` that must succeed.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        self.succeed(Method::POST, path, Some(body)).await
    }

    /// `PATCH` that must succeed.
    pub async fn patch(&self, path: &str, body: &Value) -> Value {
        self.succeed(Method::PATCH, path, Some(body)).await
    }

    /// `PUT` that must succeed.
    pub async fn put(&self, path: &str, body: &Value) -> Value {
        self.succeed(Method::PUT, path, Some(body)).await
    }

    /// `DELETE` that must succeed.
    pub async fn delete(&self, path: &str) -> Value {
        self.succeed(Method::DELETE, path, None).await
    }

    async fn succeed(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = self.send(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.body);
        answer.body
    }

    /// Submits a job and returns its id.
    pub async fn submit(&self, job: Value) -> String {
        text(&self.post("/jobs", &job).await, "id")
    }

    /// Submits `jobs` as a batch and returns its id.
    pub async fn submit_batch(&self, name: &str, jobs: Vec<Value>) -> String {
        text(&self.post("/batches", &json!({"name": name, "jobs": jobs})).await, "id")
    }

    /// One job with task, attempts and result.
    pub async fn job(&self, id: &str) -> Value {
        self.get(&format!("/jobs/{id}")).await
    }

    /// Every job of a list, all pages of it; `query` is like `state=done&batch=...`.
    pub async fn jobs(&self, query: &str) -> Vec<Value> {
        let mut jobs = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("/jobs?limit=500&{query}{cursor}")).await;
            jobs.append(page["items"].as_array_mut().expect("a page has items"));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return jobs,
            }
        }
    }

    /// Waits until the job is in `state`, and returns it.
    pub async fn until_job(&self, id: &str, state: &str, limit: Duration) -> Value {
        let mut last = Value::Null;
        let found = wait_in_time(limit, async || {
            // The studio may be away for a while: that is no failure of the story.
            if let Ok(answer) = self.send(self.request(Method::GET, &format!("/jobs/{id}"))).await {
                last = answer.body;
            }
            (last["state"] == state).then(|| last.clone())
        })
        .await;
        found.unwrap_or_else(|| panic!("waited {limit:?} in vain until {id} is {state}: {last}"))
    }

    /// Waits until `count` jobs of the batch are done, and returns the batch.
    pub async fn until_done(&self, batch: &str, count: u64, limit: Duration) -> Value {
        let mut last = Value::Null;
        let found = wait_in_time(limit, async || {
            if let Ok(answer) = self.send(self.request(Method::GET, &format!("/batches/{batch}"))).await {
                last = answer.body;
            }
            (last["counts"]["done"].as_u64() >= Some(count)).then(|| last.clone())
        })
        .await;
        found.unwrap_or_else(|| panic!("waited {limit:?} in vain until {count} of {batch} are done: {last}"))
    }

    /// Waits until `count` workers are online.
    pub async fn until_online(&self, count: u64, limit: Duration) {
        wait_for(&format!("{count} workers are online"), limit, async || {
            let answer = self.send(self.request(Method::GET, "/status")).await.ok()?;
            (answer.body["workersOnline"].as_u64() == Some(count)).then_some(())
        })
        .await;
    }

    /// A code with which `uses` workers may join.
    pub async fn join_code(&self, uses: u32) -> String {
        text(&self.post("/join-codes", &json!({"uses": uses})).await, "code")
    }

    /// The bytes that the job made.
    pub async fn artefact(&self, job: &str) -> Vec<u8> {
        let request = self.request(Method::GET, &format!("/jobs/{job}/artefact"));
        let answer = request.send().await.unwrap_or_else(|error| panic!("artefact of {job}: {error:?}"));
        assert!(answer.status().is_success(), "artefact of {job}: {}", answer.status());
        answer.bytes().await.expect("the body comes to its end").to_vec()
    }
}

async fn wait_in_time<T>(limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    /// Each look is a request: not as often as a condition in memory.
    const PAUSE: Duration = Duration::from_millis(30);
    let started = std::time::Instant::now();
    loop {
        let found = look().await;
        if found.is_some() || started.elapsed() >= limit {
            return found;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn text(body: &Value, key: &str) -> String {
    body[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {body}")).to_owned()
}
