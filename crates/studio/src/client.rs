//! Speaks `/api/v1` for the command line, for tests, and for any other program in Rust.

mod download;
mod error;
mod models;
mod people;
mod sse;
mod steer;

pub use download::{Downloaded, hash_of, hash_of_with};
pub use error::ClientError;
pub use sse::{EventStream, ServerEvent};

use std::path::Path;
use std::time::Duration;

use reqwest::{ClientBuilder, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use studio_protocol::TaskKind;
use studio_store::{JobState, RegistrationState};

use crate::api::IDEMPOTENCY_KEY;
use crate::api::types::{
    Approve, Artefact, Batch, BatchChange, CreatedKey, Items, Job, JobDetail, JobLog, JobPatch, Jobs,
    JoinCode, Key, NewBatch, NewJob, NewJobs, NewJoinCode, NewKey, Reason, Registration, Status, Worker,
    WorkerPatch,
};

/// TCP and TLS: a studio that is there answers sooner.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Silence within an answer; the studio's event streams send something every 15 s.
const READ_LIMIT: Duration = Duration::from_mins(1);

/// A submission with an `Idempotency-Key` is sent again after these: a studio restarts in less.
const RETRY_DELAYS: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_secs(1)];

/// A studio and a key to it; clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// While much is sent nothing is heard, so it does not mind silence.
    uploads: reqwest::Client,
    base: Url,
    key: Option<String>,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct JobsQuery {
    /// Only in one of these states.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "with_commas")]
    pub state: Vec<JobState>,
    /// Only of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<TaskKind>,
    /// Only of this model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only of this batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Only of this project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Only what this worker holds or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Part of the asset name, or the whole id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Length of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Client {
    /// Checks the address; nothing is sent yet. `ca` is a PEM file to trust beside the system's.
    pub fn new(url: &str, key: Option<String>, ca: Option<&Path>) -> Result<Self, ClientError> {
        studio_runtime::install_crypto();
        let address = |why: String| ClientError::Address { url: url.to_owned(), why };
        let mut base = Url::parse(url).map_err(|error| address(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(address("it is not an http or https address".to_owned()));
        }
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let build = |builder: ClientBuilder| {
            builder.build().map_err(|error| ClientError::unreachable(base.as_str(), &error))
        };
        let http = build(builder(ca)?.read_timeout(READ_LIMIT))?;
        let uploads = build(builder(ca)?)?;
        Ok(Self { http, uploads, base, key })
    }

    /// The studio's address.
    pub fn url(&self) -> &Url {
        &self.base
    }

    /// `GET /readyz`: fails with the reason when the studio is not ready.
    pub async fn ready(&self) -> Result<(), ClientError> {
        let url = self
            .base
            .join("readyz")
            .map_err(|error| ClientError::Address { url: self.base.to_string(), why: error.to_string() })?;
        self.send(self.http.get(url)).await.map(drop)
    }

    /// `GET /api/v1/status`
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get(&["status"], &()).await
    }

    /// `POST /api/v1/jobs` with one job.
    pub async fn submit(&self, job: &NewJob, idempotency: Option<&str>) -> Result<Job, ClientError> {
        self.post_once(&["jobs"], job, idempotency).await
    }

    /// `POST /api/v1/jobs` with several.
    pub async fn submit_many(&self, jobs: &NewJobs, idempotency: Option<&str>) -> Result<Jobs, ClientError> {
        self.post_once(&["jobs"], jobs, idempotency).await
    }

    /// `GET /api/v1/jobs`
    pub async fn jobs(&self, query: &JobsQuery) -> Result<Items<Job>, ClientError> {
        self.get(&["jobs"], query).await
    }

    /// `GET /api/v1/jobs/{id}`
    pub async fn job(&self, id: &str) -> Result<JobDetail, ClientError> {
        self.get(&["jobs", id], &()).await
    }

    /// `GET /api/v1/jobs/{id}/logs`
    pub async fn job_logs(&self, id: &str) -> Result<Vec<JobLog>, ClientError> {
        Ok(self.get::<Items<JobLog>>(&["jobs", id, "logs"], &()).await?.items)
    }

    /// `GET /api/v1/jobs/{id}/result`, as the worker wrote it.
    pub async fn job_result(&self, id: &str) -> Result<String, ClientError> {
        let response = self.send(self.request(Method::GET, &["jobs", id, "result"])?).await?;
        response.text().await.map_err(|error| self.broken(&error))
    }

    /// `POST /api/v1/jobs/{id}/cancel`
    pub async fn cancel_job(&self, id: &str, reason: Option<String>) -> Result<JobDetail, ClientError> {
        self.post(&["jobs", id, "cancel"], &Reason { reason }).await
    }

    /// `POST /api/v1/jobs/{id}/retry`
    pub async fn retry_job(&self, id: &str) -> Result<JobDetail, ClientError> {
        self.post(&["jobs", id, "retry"], &Reason::default()).await
    }

    /// `PATCH /api/v1/jobs/{id}`
    pub async fn set_priority(&self, id: &str, priority: i32) -> Result<JobDetail, ClientError> {
        self.json(self.request(Method::PATCH, &["jobs", id])?.json(&JobPatch { priority })).await
    }

    /// `POST /api/v1/batches`
    pub async fn submit_batch(
        &self,
        batch: &NewBatch,
        idempotency: Option<&str>,
    ) -> Result<Batch, ClientError> {
        self.post_once(&["batches"], batch, idempotency).await
    }

    /// `GET /api/v1/batches`
    pub async fn batches(&self, limit: u32, cursor: Option<&str>) -> Result<Items<Batch>, ClientError> {
        self.get(&["batches"], &pairs(&[("limit", Some(&limit.to_string())), ("cursor", cursor)])).await
    }

    /// `GET /api/v1/batches/{id}`
    pub async fn batch(&self, id: &str) -> Result<Batch, ClientError> {
        self.get(&["batches", id], &()).await
    }

    /// `POST /api/v1/batches/{id}/cancel`
    pub async fn cancel_batch(&self, id: &str, reason: Option<String>) -> Result<BatchChange, ClientError> {
        self.post(&["batches", id, "cancel"], &Reason { reason }).await
    }

    /// `POST /api/v1/batches/{id}/retry`
    pub async fn retry_batch(&self, id: &str) -> Result<BatchChange, ClientError> {
        self.post(&["batches", id, "retry"], &Reason::default()).await
    }

    /// `GET /api/v1/artefacts`
    pub async fn artefacts(
        &self,
        batch: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Items<Artefact>, ClientError> {
        self.get(&["artefacts"], &pairs(&[("batch", batch), ("cursor", cursor)])).await
    }

    /// `GET /api/v1/workers`
    pub async fn workers(&self) -> Result<Vec<Worker>, ClientError> {
        Ok(self.get::<Items<Worker>>(&["workers"], &()).await?.items)
    }

    /// `GET /api/v1/workers/{id}`
    pub async fn worker(&self, id: &str) -> Result<Worker, ClientError> {
        self.get(&["workers", id], &()).await
    }

    /// `PATCH /api/v1/workers/{id}`
    pub async fn change_worker(&self, id: &str, change: &WorkerPatch) -> Result<Worker, ClientError> {
        self.json(self.request(Method::PATCH, &["workers", id])?.json(change)).await
    }

    /// `POST /api/v1/workers/{id}/models/{model}/load` or `/unload`
    pub async fn ask_worker(&self, id: &str, model: &str, what: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::POST, &["workers", id, "models", model, what])?).await.map(drop)
    }

    /// `DELETE /api/v1/workers/{id}`
    pub async fn remove_worker(&self, id: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["workers", id])?).await.map(drop)
    }

    /// `GET /api/v1/registrations`
    pub async fn registrations(
        &self,
        status: Option<RegistrationState>,
    ) -> Result<Vec<Registration>, ClientError> {
        let query = pairs(&[("status", status.map(RegistrationState::as_str))]);
        Ok(self.get::<Items<Registration>>(&["registrations"], &query).await?.items)
    }

    /// `POST /api/v1/registrations/{id}/approve`
    pub async fn approve(&self, id: &str, name: Option<String>) -> Result<Worker, ClientError> {
        self.post(&["registrations", id, "approve"], &Approve { name }).await
    }

    /// `POST /api/v1/registrations/{id}/reject`
    pub async fn reject(&self, id: &str, reason: Option<String>) -> Result<Registration, ClientError> {
        self.post(&["registrations", id, "reject"], &Reason { reason }).await
    }

    /// `POST /api/v1/join-codes`
    pub async fn join_code(&self, new: &NewJoinCode) -> Result<JoinCode, ClientError> {
        self.post(&["join-codes"], new).await
    }

    /// `GET /api/v1/keys`
    pub async fn keys(&self) -> Result<Vec<Key>, ClientError> {
        Ok(self.get::<Items<Key>>(&["keys"], &()).await?.items)
    }

    /// `POST /api/v1/keys`
    pub async fn create_key(&self, new: &NewKey) -> Result<CreatedKey, ClientError> {
        self.post(&["keys"], new).await
    }

    /// `DELETE /api/v1/keys/{id}`
    pub async fn revoke_key(&self, id: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["keys", id])?).await.map(drop)
    }

    /// `GET /api/v1/events`; returns when the studio has begun to tell.
    pub async fn events(&self, batch: Option<&str>) -> Result<EventStream, ClientError> {
        let query = pairs(&[("batch", batch)]);
        let response = self.send(self.request(Method::GET, &["events"])?.query(&query)).await?;
        Ok(EventStream::new(self.base.clone(), response))
    }

    /// The same for one job, its text as it grows included.
    pub async fn job_events(&self, job: &str) -> Result<EventStream, ClientError> {
        let query = pairs(&[("job", Some(job)), ("types", Some("job,delta"))]);
        let response = self.send(self.request(Method::GET, &["events"])?.query(&query)).await?;
        Ok(EventStream::new(self.base.clone(), response))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.json(self.request(Method::GET, path)?.query(query)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.json(self.request(Method::POST, path)?.json(body)).await
    }

    async fn post_once<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
        idempotency: Option<&str>,
    ) -> Result<T, ClientError> {
        let Some(key) = idempotency else { return self.post(path, body).await };
        for delay in RETRY_DELAYS {
            match self.json(self.request(Method::POST, path)?.json(body).header(IDEMPOTENCY_KEY, key)).await {
                Err(error) if error.is_transient() => tokio::time::sleep(delay).await,
                other => return other,
            }
        }
        self.json(self.request(Method::POST, path)?.json(body).header(IDEMPOTENCY_KEY, key)).await
    }

    /// Ids are segments of their own, so that one with a slash in it stays an id.
    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, ClientError> {
        self.request_by(&self.http, method, path)
    }

    fn request_by(
        &self,
        http: &reqwest::Client,
        method: Method,
        path: &[&str],
    ) -> Result<RequestBuilder, ClientError> {
        let mut url = self.base.clone();
        let mut segments = url.path_segments_mut().map_err(|()| ClientError::Address {
            url: self.base.to_string(),
            why: "it has no path".to_owned(),
        })?;
        segments.pop_if_empty().extend(["api", "v1"]);
        for segment in path {
            // The parser of addresses would take these two as steps within the path.
            if matches!(*segment, "." | ".." | "") {
                return Err(ClientError::Id((*segment).to_owned()));
            }
            segments.push(segment);
        }
        drop(segments);
        let request = http.request(method, url);
        Ok(match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        let bytes = response.bytes().await.map_err(|error| self.broken(&error))?;
        serde_json::from_slice(&bytes)
            .map_err(|source| ClientError::NotOurs { url: self.base.to_string(), source: Some(source) })
    }

    /// The answer when it is a good one.
    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        Err(ClientError::refused(
            self.base.as_str(),
            status,
            response.bytes().await.unwrap_or_default().as_ref(),
        ))
    }

    fn broken(&self, error: &reqwest::Error) -> ClientError {
        ClientError::unreachable(self.base.as_str(), error)
    }
}

fn with_commas<S: serde::Serializer>(states: &[JobState], serializer: S) -> Result<S::Ok, S::Error> {
    let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    serializer.serialize_str(&words.join(","))
}

fn builder(ca: Option<&Path>) -> Result<ClientBuilder, ClientError> {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .user_agent(concat!("studio-cli/", env!("CARGO_PKG_VERSION")))
        // A key must not follow a redirect to somebody else.
        .redirect(reqwest::redirect::Policy::none());
    let Some(ca) = ca else { return Ok(builder) };
    let unreadable = |why: String| ClientError::Certificate { path: ca.to_owned(), why };
    let pem = std::fs::read(ca).map_err(|error| unreadable(error.to_string()))?;
    let certs = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(error.to_string()))?;
    Ok(builder.tls_certs_merge(certs))
}

/// The parameters that are stated.
fn pairs<'a>(all: &[(&'a str, Option<&'a str>)]) -> Vec<(&'a str, &'a str)> {
    all.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect()
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}
