//! Speaks to the daemon.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    AddModel, ConfigChange, ConfigView, Discovery, JobDay, JobFilter, JobLine, JobPage, JobRecord, JoinAsk,
    LoadModel, LogPage, LogSeverity, MAX_WAIT_MS, Models, PREFIX, PauseAsk, Problem, ShutdownAsk, Status,
    UpdateView,
};

/// Answers come from the same machine; what takes longer says so with `waitMs`.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Nothing on this machine takes longer to be reached.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// A cheap handle to one daemon.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    found: Discovery,
}

/// Why the daemon did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers there.
    #[error("the worker does not answer at {url}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It refused, in words.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// The answer is not what this version expects.
    #[error("the worker (version {version}) answered something that this program does not know")]
    Strange {
        /// Of the daemon.
        version: String,
        /// What.
        #[source]
        source: serde_json::Error,
    },
    /// No client can be made.
    #[error("could not set up the connection to the worker")]
    Setup(#[source] reqwest::Error),
}

impl Client {
    /// To the daemon that wrote `found`; connects with the first request.
    ///
    /// The process's TLS provider must be installed before, as for every client.
    pub fn new(found: Discovery) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            // A proxy of the environment must never see the token.
            .no_proxy()
            .connect_timeout(CONNECT_LIMIT)
            .build()
            .map_err(ClientError::Setup)?;
        Ok(Self { http, found })
    }

    /// Where the daemon is.
    pub fn found(&self) -> &Discovery {
        &self.found
    }

    /// The worker now, or as soon as its generation is beyond `after`.
    pub async fn status(&self, after: Option<u64>) -> Result<Status, ClientError> {
        let request = self.request(Method::GET, "/status");
        self.read(after_and_wait(request, after)).await
    }

    /// Log lines after a number; with `follow` not before there is one.
    pub async fn logs(
        &self,
        after: u64,
        level: Option<LogSeverity>,
        follow: bool,
    ) -> Result<LogPage, ClientError> {
        let mut request = self.request(Method::GET, "/logs");
        if let Some(level) = level {
            request = request.query(&[("level", level)]);
        }
        let request = if follow {
            after_and_wait(request, Some(after))
        } else {
            request.query(&[("after", after)]).timeout(ANSWER_LIMIT)
        };
        self.read(request).await
    }

    /// A page of the history.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, ClientError> {
        self.read(self.request(Method::GET, "/jobs").query(filter).timeout(ANSWER_LIMIT)).await
    }

    /// The days of the history.
    pub async fn job_days(&self) -> Result<Vec<JobDay>, ClientError> {
        self.get("/jobs/days").await
    }

    /// One job of the history.
    pub async fn job(&self, id: &str) -> Result<JobRecord, ClientError> {
        self.get(&format!("/jobs/{}", path_segment(id))).await
    }

    /// What was logged about a job.
    pub async fn job_log(&self, id: &str) -> Result<Vec<JobLine>, ClientError> {
        self.get(&format!("/jobs/{}/log", path_segment(id))).await
    }

    /// A small picture of a job's result.
    pub async fn thumbnail(&self, id: &str) -> Result<Vec<u8>, ClientError> {
        self.bytes(&format!("/jobs/{}/thumbnail", path_segment(id))).await
    }

    /// The latest look at a running job.
    pub async fn preview(&self, id: &str) -> Result<Vec<u8>, ClientError> {
        self.bytes(&format!("/jobs/{}/preview", path_segment(id))).await
    }

    /// Gives a studio's job back, or calls a local one off.
    pub async fn release(&self, id: &str) -> Result<Status, ClientError> {
        self.post(&format!("/jobs/{}/release", path_segment(id)), &()).await
    }

    /// Takes no more jobs.
    pub async fn pause(&self, ask: &PauseAsk) -> Result<Status, ClientError> {
        self.post("/pause", ask).await
    }

    /// Takes jobs again.
    pub async fn resume(&self) -> Result<Status, ClientError> {
        self.post("/resume", &()).await
    }

    /// The settings.
    pub async fn config(&self) -> Result<ConfigView, ClientError> {
        self.get("/config").await
    }

    /// Changes settings, all or none.
    pub async fn change_config(&self, change: &ConfigChange) -> Result<ConfigView, ClientError> {
        self.read(self.request(Method::PUT, "/config").json(change).timeout(ANSWER_LIMIT)).await
    }

    /// The models of this machine.
    pub async fn models(&self) -> Result<Models, ClientError> {
        self.get("/models").await
    }

    /// Begins to fetch a model; its progress is in the status.
    pub async fn add_model(&self, add: &AddModel) -> Result<Models, ClientError> {
        self.post("/models", add).await
    }

    /// Begins to bring a model into memory.
    pub async fn load_model(&self, model: &str, load: &LoadModel) -> Result<Models, ClientError> {
        self.post(&format!("/models/{}/load", path_segment(model)), load).await
    }

    /// Gives a model's memory back once no job uses it.
    pub async fn unload_model(&self, model: &str) -> Result<Models, ClientError> {
        self.post(&format!("/models/{}/unload", path_segment(model)), &()).await
    }

    /// Deletes a model's files, or breaks its download off.
    pub async fn remove_model(&self, model: &str) -> Result<Models, ClientError> {
        let path = format!("/models/{}", path_segment(model));
        self.read(self.request(Method::DELETE, &path).timeout(ANSWER_LIMIT)).await
    }

    /// Forgets who this worker is, and asks its studio anew.
    pub async fn reset_registration(&self) -> Result<Status, ClientError> {
        self.post("/registration/reset", &()).await
    }

    /// Registers with a join code.
    pub async fn join(&self, ask: &JoinAsk) -> Result<Status, ClientError> {
        self.post("/registration/join", ask).await
    }

    /// What is known of newer versions.
    pub async fn update(&self) -> Result<UpdateView, ClientError> {
        self.get("/update").await
    }

    /// Looks for a newer version.
    pub async fn check_update(&self) -> Result<UpdateView, ClientError> {
        self.post("/update/check", &()).await
    }

    /// Installs the newer version.
    pub async fn apply_update(&self) -> Result<UpdateView, ClientError> {
        self.post("/update/apply", &()).await
    }

    /// Brings the window that shows this worker to the front.
    pub async fn raise(&self) -> Result<Status, ClientError> {
        self.post("/window/raise", &()).await
    }

    /// Ends the daemon.
    pub async fn shutdown(&self, ask: &ShutdownAsk) -> Result<Status, ClientError> {
        self.post("/shutdown", ask).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{PREFIX}{path}", self.found.url)).bearer_auth(&self.found.token)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.read(self.request(Method::GET, path).timeout(ANSWER_LIMIT)).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.read(self.request(Method::POST, path).json(body).timeout(ANSWER_LIMIT)).await
    }

    async fn bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let response = self.send(self.request(Method::GET, path).timeout(ANSWER_LIMIT)).await?;
        Ok(response.bytes().await.map_err(|source| self.unreachable(source))?.into())
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        let body = response.bytes().await.map_err(|source| self.unreachable(source))?;
        serde_json::from_slice(&body)
            .map_err(|source| ClientError::Strange { version: self.found.version.clone(), source })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|source| self.unreachable(source))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|source| self.unreachable(source))?;
        Err(ClientError::Refused(serde_json::from_slice(&body).unwrap_or_else(|_| Problem {
            status: status.as_u16(),
            code: "unknown".to_owned(),
            detail: format!("the worker answered {status}"),
            problems: Vec::new(),
        })))
    }

    fn unreachable(&self, source: reqwest::Error) -> ClientError {
        ClientError::Unreachable { url: self.found.url.clone(), source: source.without_url() }
    }
}

fn after_and_wait(request: RequestBuilder, after: Option<u64>) -> RequestBuilder {
    match after {
        Some(after) => request
            .query(&[("after", after), ("waitMs", MAX_WAIT_MS)])
            .timeout(Duration::from_millis(MAX_WAIT_MS) + ANSWER_LIMIT),
        None => request.timeout(ANSWER_LIMIT),
    }
}

/// Names of models and ids may hold slashes, which would be another address.
fn path_segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(path_segment("a/b c?"), "a%2Fb%20c%3F");
        assert_eq!(path_segment("z-image"), "z%2Dimage");
    }
}
