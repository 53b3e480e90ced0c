//! A studio, and a real worker with the synthetic engine.

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use testkit::WorkerProcess;

use crate::served::Served;

/// A worker that starts, on a busy machine.
const STARTED: Duration = Duration::from_secs(30);

pub struct Fleet {
    pub studio: Served,
    key: String,
    client: reqwest::Client,
    _worker: WorkerProcess,
}

impl Fleet {
    pub async fn open() -> Self {
        let studio = Served::start().await;
        let mut worker = WorkerProcess::new(&studio.home, "maker");
        let code = studio.api.join_code(1).await;
        worker.join_with(&studio.url, &code).await;
        worker.run().await;
        testkit::wait_until("the worker takes every kind", STARTED, async || {
            let workers = studio.api.get("/workers").await.to_string();
            ["image", "llm", "audio_stt", "audio_tts"].iter().all(|kind| workers.contains(kind))
                && workers.contains("\"online\":true")
        })
        .await;
        Self { key: key_of(&studio), client: client(), studio, _worker: worker }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.studio.url)).bearer_auth(&self.key)
    }

    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.request(Method::POST, path).json(&body).send().await.unwrap()
    }

    pub async fn form(&self, path: &str, form: Form) -> Response {
        self.request(Method::POST, path).multipart(form).send().await.unwrap()
    }

    /// What no key is needed for.
    pub async fn open_address(&self, url: &str) -> Response {
        self.client.get(url).send().await.unwrap()
    }

    /// The tasks of the jobs that made an answer.
    pub async fn tasks(&self, response: &Response) -> Vec<Value> {
        let mut tasks = Vec::new();
        for job in response.headers()["x-studio-job"].to_str().unwrap().split(',') {
            tasks.push(self.studio.api.job(job).await["task"].clone());
        }
        tasks
    }

    /// The bytes behind the address of an input.
    pub async fn input(&self, address: &Value) -> Vec<u8> {
        let address = address.as_str().unwrap();
        let id = address.strip_prefix("studio:///inputs/").unwrap();
        let response = self.request(Method::GET, &format!("/api/v1/inputs/{id}")).send().await.unwrap();
        response.bytes().await.unwrap().to_vec()
    }

    /// Starts a request, waits until `jobs` of its jobs are there, hangs up and waits until all are cancelled.
    pub async fn hang_up(&self, request: RequestBuilder, jobs: usize) {
        // A connection of its own: dropping the request closes it.
        let sending = tokio::time::timeout(Duration::from_mins(1), request.send());
        let submitted = testkit::wait_until("the jobs are there", STARTED, async || {
            self.studio.api.jobs("").await.len() == jobs
        });
        tokio::select! {
            answer = sending => panic!("answered before it was hung up: {answer:?}"),
            () = submitted => {}
        }
        testkit::wait_until("every job is cancelled", STARTED, async || {
            self.studio.api.jobs("state=cancelled").await.len() == jobs
        })
        .await;
    }
}

pub fn key_of(studio: &Served) -> String {
    std::fs::read_to_string(studio.home.join("studio/admin.key")).unwrap().trim().to_owned()
}

pub fn client() -> reqwest::Client {
    studio_runtime::install_crypto();
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

pub fn file(bytes: Vec<u8>, name: &str, mime: &str) -> Part {
    Part::bytes(bytes).file_name(name.to_owned()).mime_str(mime).unwrap()
}

pub async fn answered(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Status, field and message of a failure in OpenAI's shape.
pub async fn refused(response: Response) -> (u16, Value, String) {
    let status = response.status().as_u16();
    let error = response.json::<Value>().await.unwrap()["error"].clone();
    assert!(error["type"].is_string(), "{error}");
    (status, error["param"].clone(), error["message"].as_str().unwrap().to_owned())
}

/// Name and data of every event.
pub fn events(text: &str) -> Vec<(String, Value)> {
    let field =
        |event: &str, name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let events =
        text.split("\n\n").filter_map(|event| Some((field(event, "event: ")?, field(event, "data: ")?)));
    events.map(|(name, data)| (name, serde_json::from_str(&data).unwrap_or_else(|_| json!(data)))).collect()
}

pub fn unpacked(base64: &Value) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64.as_str().unwrap()).unwrap()
}
