//! A studio, its API, and workers that have joined it.

use std::time::Duration;

use serde_json::Value;
use testkit::{Api, FaultyLink, Home, StudioOptions, StudioProcess, WorkerProcess, wait_until};

use crate::SOON;

/// The scene of a test; workers are the test's own, and end before it.
#[derive(Debug)]
pub struct Story {
    /// The studio, as administrator.
    pub api: Api,
    /// The studio's process.
    pub studio: StudioProcess,
    /// Where everything lies.
    pub home: Home,
}

impl Story {
    /// A studio without workers.
    pub async fn begin() -> Self {
        Self::begin_with(StudioOptions::default()).await
    }

    /// The same with `options`.
    pub async fn begin_with(options: StudioOptions) -> Self {
        Self::begin_at(Home::new(), options).await
    }

    /// The same in a home that is there.
    pub async fn begin_at(home: Home, options: StudioOptions) -> Self {
        let studio = StudioProcess::start_with(&home, options).await;
        Self { api: studio.api(), studio, home }
    }

    /// A worker that has joined and not started.
    pub async fn newcomer(&self, name: &str) -> WorkerProcess {
        let worker = WorkerProcess::new(&self.home, name);
        worker.join(&self.studio).await;
        worker
    }

    /// A worker in service.
    pub async fn worker(&self, name: &str) -> WorkerProcess {
        let mut worker = self.newcomer(name).await;
        worker.run().await;
        self.until_online(&worker).await;
        worker
    }

    /// A worker in service that reaches the studio over `link`.
    pub async fn worker_over(&self, name: &str, link: &FaultyLink) -> WorkerProcess {
        let mut worker = WorkerProcess::new(&self.home, name);
        worker.join_with(&link.url(), &self.api.join_code(1).await).await;
        worker.run().await;
        self.until_online(&worker).await;
        worker
    }

    /// Waits until the studio sees the worker.
    pub async fn until_online(&self, worker: &WorkerProcess) {
        let id = id_of(worker);
        wait_until(&format!("{id} is online"), SOON, async || {
            let path = format!("/workers/{id}");
            let seen = self.api.send(self.api.request(reqwest::Method::GET, &path)).await;
            seen.is_ok_and(|seen| seen.body["online"] == true)
        })
        .await;
    }

    /// Submits a job and waits until a worker runs it; returns its id.
    pub async fn running(&self, job: Value) -> String {
        let id = self.api.submit(job).await;
        self.until(&id, "running").await;
        id
    }

    /// Submits a job and waits until it is done.
    pub async fn done(&self, job: Value) -> Value {
        let id = self.api.submit(job).await;
        self.until(&id, "done").await
    }

    /// Waits until a job is in `state`, which it soon is.
    pub async fn until(&self, job: &str, state: &str) -> Value {
        self.api.until_job(job, state, SOON).await
    }

    /// Waits until the job `id` looks as it should.
    pub async fn until_job(&self, id: &str, what: &str, limit: Duration, holds: impl Fn(&Value) -> bool) {
        wait_until(&format!("{id} {what}"), limit, async || {
            let seen = self.api.send(self.api.request(reqwest::Method::GET, &format!("/jobs/{id}"))).await;
            seen.is_ok_and(|seen| holds(&seen.body))
        })
        .await;
    }
}

/// Who the worker is at the studio.
pub fn id_of(worker: &WorkerProcess) -> String {
    worker.config_value("worker_id").expect("the worker has joined")
}
