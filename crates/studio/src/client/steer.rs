//! Projects, the queue as a whole, and what workers may have.

use reqwest::Method;

use super::{Client, ClientError, pairs};
use crate::api::types::{
    ActionResults, Items, JobActions, JobDetail, MoveJob, Overview, Project, ProjectPatch, QueuePatch,
    QueueState, Reason, Worker, WorkerLog,
};

impl Client {
    /// `GET /api/v1/projects`
    pub async fn projects(&self) -> Result<Vec<Project>, ClientError> {
        Ok(self.get::<Items<Project>>(&["projects"], &()).await?.items)
    }

    /// `GET /api/v1/projects/{id}`
    pub async fn project(&self, id: &str) -> Result<Project, ClientError> {
        self.get(&["projects", id], &()).await
    }

    /// `PUT /api/v1/projects/{id}`
    pub async fn put_project(&self, id: &str, patch: &ProjectPatch) -> Result<Project, ClientError> {
        self.json(self.request(Method::PUT, &["projects", id])?.json(patch)).await
    }

    /// `DELETE /api/v1/projects/{id}`
    pub async fn remove_project(&self, id: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["projects", id])?).await.map(drop)
    }

    /// `GET /api/v1/queue`
    pub async fn queue(&self) -> Result<QueueState, ClientError> {
        self.get(&["queue"], &()).await
    }

    /// `PATCH /api/v1/queue`
    pub async fn hold_queue(&self, paused: bool) -> Result<QueueState, ClientError> {
        self.json(self.request(Method::PATCH, &["queue"])?.json(&QueuePatch { paused })).await
    }

    /// `POST /api/v1/jobs/{id}/move`
    pub async fn move_job(&self, id: &str, to: &MoveJob) -> Result<JobDetail, ClientError> {
        self.post(&["jobs", id, "move"], to).await
    }

    /// `POST /api/v1/jobs/actions`
    pub async fn act_on_jobs(&self, actions: &JobActions) -> Result<ActionResults, ClientError> {
        self.post(&["jobs", "actions"], actions).await
    }

    /// `GET /api/v1/overview`
    pub async fn overview(&self) -> Result<Overview, ClientError> {
        self.get(&["overview"], &()).await
    }

    /// `POST /api/v1/workers/{id}/drain` or `/resume`
    pub async fn steer_worker(&self, id: &str, what: &str) -> Result<Worker, ClientError> {
        self.post(&["workers", id, what], &Reason::default()).await
    }

    /// `GET /api/v1/workers/{id}/logs`; `after`: only lines with a higher number.
    pub async fn worker_logs(&self, id: &str, after: u64) -> Result<Vec<WorkerLog>, ClientError> {
        let after = after.to_string();
        Ok(self
            .get::<Items<WorkerLog>>(&["workers", id, "logs"], &pairs(&[("after", Some(&after))]))
            .await?
            .items)
    }
}
