//! A local program: it knows the discovery file and nothing else.

use std::path::Path;

use futures_util::StreamExt;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestWorker, until};

pub struct Program {
    http: reqwest::Client,
    pub url: String,
    pub token: String,
}

/// A worker with no studio in reach.
pub fn alone() -> TestWorker {
    TestWorker::start("api_base_url = \"http://127.0.0.1:9\"\nlocal_api_port = 0\n")
}

impl Program {
    pub async fn of(worker: &TestWorker) -> Self {
        let path = worker.path("local-api.json");
        let found = until("the discovery file", || std::fs::read(&path).ok()).await;
        let found: Value = serde_json::from_slice(&found).unwrap();
        studio_runtime::install_crypto();
        let text = |name: &str| found[name].as_str().unwrap().to_owned();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { http, url: text("url"), token: text("token") }
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer =
            self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn post(&self, path: &str, body: Value) -> Response {
        let request = self.http.post(format!("{}/v1{path}", self.url)).bearer_auth(&self.token);
        request.json(&body).send().await.unwrap()
    }

    /// The answer of a request that is done.
    pub async fn ask(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// The status, headers and error of a request that is not.
    pub async fn refused(&self, path: &str, body: Value) -> (u16, Option<String>, Value) {
        told(self.post(path, body).await).await
    }

    pub async fn send_form(&self, path: &str, form: reqwest::multipart::Form) -> Response {
        let request = self.http.post(format!("{}/v1{path}", self.url)).bearer_auth(&self.token);
        request.multipart(form).send().await.unwrap()
    }

    /// What runs, as the window sees it.
    pub async fn running(&self) -> Vec<Value> {
        self.get("/api/v1/status").await["jobs"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until so many jobs run.
    pub async fn until_running(&self, wanted: usize) -> Vec<Value> {
        let end = std::time::Instant::now() + crate::support::DEADLINE;
        loop {
            let running = self.running().await;
            if running.len() == wanted {
                return running;
            }
            assert!(std::time::Instant::now() < end, "never {wanted}: {running:?}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Waits for the first record of the history.
    pub async fn until_recorded(&self) -> Value {
        let end = std::time::Instant::now() + crate::support::DEADLINE;
        loop {
            let page = self.get("/api/v1/jobs").await;
            if let Some(record) = page["jobs"].get(0) {
                return record.clone();
            }
            assert!(std::time::Instant::now() < end, "nothing was recorded");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// The one process of the synthetic engine.
    pub async fn engine_pid(&self) -> Option<u32> {
        let status = self.get("/api/v1/status").await;
        let lanes = status["lanes"].as_array().unwrap();
        lanes.iter().find_map(|lane| lane["pid"].as_u64()).map(|pid| pid as u32)
    }
}

pub async fn told(answer: Response) -> (u16, Option<String>, Value) {
    let retry = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert!(body["error"]["message"].is_string(), "no error of OpenAI's: {body}");
    (status, retry, body["error"].clone())
}

/// The data of every event until the end.
pub async fn events(answer: Response) -> Vec<String> {
    assert_eq!(answer.status(), StatusCode::OK);
    let mut text = String::new();
    let mut bytes = answer.bytes_stream();
    while let Some(chunk) = bytes.next().await {
        text.push_str(&String::from_utf8_lossy(&chunk.unwrap()));
    }
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

pub fn chat(text: &str) -> Value {
    json!({"model": "synthetic", "messages": [{"role": "user", "content": text}], "max_tokens": 24})
}

pub fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// What is left of jobs and requests.
pub fn left(worker: &TestWorker) -> Vec<String> {
    let names = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let mut left = names(&worker.path("work"));
    left.retain(|name| name.starts_with("local-") || name.starts_with("upload-"));
    left
}
