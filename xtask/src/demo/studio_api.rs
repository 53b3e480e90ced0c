//! The few calls of `/api/v1` that the demo makes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

/// One call to a studio on this machine.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// A studio, as its administrator.
pub struct StudioApi {
    agent: Agent,
    url: String,
    bearer: String,
}

/// How many jobs of a batch are in which state.
pub struct BatchState {
    pub done: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub quarantined: u64,
}

/// A job that a worker holds.
pub struct RunningJob {
    pub worker: String,
    pub asset_name: String,
    /// Steps done, and of how many, once the worker has said so.
    pub steps: Option<(u64, u64)>,
}

impl StudioApi {
    pub fn new(url: &str, key: &str) -> Self {
        Self { agent: agent(), url: url.to_owned(), bearer: format!("Bearer {key}") }
    }

    /// Whether a studio answers at `url`.
    pub fn is_ready(url: &str) -> bool {
        agent().get(format!("{url}/readyz")).call().is_ok_and(|answer| answer.status().is_success())
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A code with which one worker may join.
    pub fn join_code(&self) -> Result<String> {
        text(&self.post("/join-codes", &json!({"uses": 1}))?, "code")
    }

    /// Path and query of the page where the first account is made, good once.
    pub fn set_up_link(&self) -> Result<String> {
        text(&self.post("/set-up/link", &json!({}))?, "path")
    }

    pub fn rename_worker(&self, id: &str, name: &str) -> Result<()> {
        self.call(&Method::PATCH, &format!("/workers/{id}"), Some(&json!({"name": name}))).map(drop)
    }

    /// Submits jobs together and returns the id of the batch.
    pub fn submit(&self, name: &str, jobs: &[Value]) -> Result<String> {
        text(&self.post("/batches", &json!({"name": name, "jobs": jobs}))?, "id")
    }

    pub fn batch(&self, id: &str) -> Result<BatchState> {
        let batch = self.get(&format!("/batches/{id}"))?;
        let count = |state: &str| batch["counts"][state].as_u64().unwrap_or_default();
        Ok(BatchState {
            done: count("done"),
            failed: count("failed"),
            cancelled: count("cancelled"),
            quarantined: count("quarantined"),
        })
    }

    /// The jobs of a batch that run now, with the names of their workers.
    pub fn running(&self, batch: &str) -> Result<Vec<RunningJob>> {
        let names = self.worker_names()?;
        let jobs = self.jobs(&format!("batch={batch}&state=running"))?;
        let running = jobs.iter().filter_map(|job| {
            let worker = names.get(job["worker"].as_str()?)?.clone();
            let progress = &job["progress"];
            let steps = progress["step"].as_u64().zip(progress["steps"].as_u64());
            Some(RunningJob { worker, asset_name: job["assetName"].as_str()?.to_owned(), steps })
        });
        Ok(running.collect())
    }

    /// How many jobs of a batch were tried more than once.
    pub fn begun_again(&self, batch: &str) -> Result<usize> {
        let mut again = 0;
        for job in self.jobs(&format!("batch={batch}"))? {
            let detail = self.get(&format!("/jobs/{}", text(&job, "id")?))?;
            again += usize::from(detail["history"].as_array().is_some_and(|tries| tries.len() > 1));
        }
        Ok(again)
    }

    /// The jobs that `query` selects; the demo has fewer than a page holds.
    pub fn jobs(&self, query: &str) -> Result<Vec<Value>> {
        let mut page = self.get(&format!("/jobs?limit=500&{query}"))?;
        Ok(page["items"].as_array_mut().context("the list of jobs has no items")?.split_off(0))
    }

    /// A body as JSON.
    pub fn get(&self, path: &str) -> Result<Value> {
        json_of(self.call(&Method::GET, path, None)?, path)
    }

    /// A body as it is.
    pub fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let mut answer = self.call(&Method::GET, path, None)?;
        answer
            .body_mut()
            .read_to_vec()
            .with_context(|| format!("the answer of {path} did not come to its end"))
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        json_of(self.call(&Method::POST, path, Some(body))?, path)
    }

    fn call(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Response<Body>> {
        let request = Request::builder().method(method).uri(format!("{}/api/v1{path}", self.url));
        let request =
            request.header("Authorization", &self.bearer).header("Content-Type", "application/json");
        let request = request.body(body.map(Value::to_string).unwrap_or_default())?;
        let mut answer = self.agent.run(request).with_context(|| format!("{method} {path}"))?;
        if !answer.status().is_success() {
            let problem = answer.body_mut().read_to_string().unwrap_or_default();
            bail!("{method} {path}: {} {problem}", answer.status());
        }
        Ok(answer)
    }

    fn worker_names(&self) -> Result<BTreeMap<String, String>> {
        let workers = self.get("/workers")?;
        let workers = workers["items"].as_array().context("the list of workers has no items")?;
        workers.iter().map(|worker| Ok((text(worker, "id")?, text(worker, "name")?))).collect()
    }
}

fn agent() -> Agent {
    // What a refusal says is worth more than its status.
    Agent::config_builder().timeout_global(Some(CALL_LIMIT)).http_status_as_error(false).build().into()
}

fn json_of(mut answer: Response<Body>, path: &str) -> Result<Value> {
    answer.body_mut().read_json().with_context(|| format!("the answer of {path} is not JSON"))
}

fn text(body: &Value, key: &str) -> Result<String> {
    Ok(body[key].as_str().with_context(|| format!("no `{key}` in {body}"))?.to_owned())
}
