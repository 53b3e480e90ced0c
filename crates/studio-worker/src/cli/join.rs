//! `studio-worker join URL CODE`: registers and is approved by the code.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use engine_protocol::synthetic;
use studio_protocol::{Capabilities, RegistrationStatus};
use worker_core::{Draw, Identity, PollAnswer, PostAnswer, Secret};
use worker_local::{JoinAsk, RegistrationState, Status};

use super::daemon::{self, Daemon};
use super::output;
use super::register::{prepare, warn_if_plain, watch};
use crate::capabilities::Sources;
use crate::config::{Config, ConfigFile};
use crate::draw::SystemDraw;
use crate::hardware::Hardware;
use crate::http::Http;
use crate::registration::{ask, poll};
use crate::{Exit, Home};

/// A studio approves by code within the request; a few polls bridge a hiccup.
const POLLS: u32 = 5;
/// Between two polls.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct Join {
    /// The studio, for example https://studio.example
    url: String,
    /// From `studio join-code`
    code: String,
    /// Forget the present registration first
    #[arg(long)]
    reset: bool,
}

impl Join {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        if let Some(daemon) = daemon::find(home)? {
            return self.through(&daemon);
        }
        let file = ConfigFile::new(home.config());
        let config = prepare(&file, Some(&self.url), self.reset)?;
        if let Identity::Approved { worker_id, .. } = &config.identity {
            bail!("this worker has joined as {worker_id} already; add --reset to join as another one");
        }
        block_on(self.join(&file, &config))
    }

    /// The daemon joins by itself, and goes on at once.
    fn through(&self, daemon: &Daemon) -> anyhow::Result<Exit> {
        warn_if_plain(&self.url)?;
        let status = daemon.ask(async |client| client.status(None).await)?;
        if self.reset {
            daemon.ask(async |client| client.reset_registration().await)?;
        } else if let Some(worker_id) = &status.registration.worker_id {
            bail!("this worker has joined as {worker_id} already; add --reset to join as another one");
        }
        let ask = JoinAsk { code: self.code.trim().to_owned(), api_base_url: Some(self.url.clone()) };
        daemon.ask(async |client| client.join(&ask).await)?;
        let is_decided = |status: &Status| {
            status.registration.state == RegistrationState::Approved || status.last_trouble.is_some()
        };
        let status = daemon.ask(async |client| watch(client, is_decided).await)?;
        match (status.registration.worker_id, status.last_trouble, status.registration.request_id) {
            (Some(worker_id), ..) => {
                output::line(format!(
                    "joined {} as worker {worker_id}; the running worker connects",
                    self.url
                ));
                Ok(Exit::Clean)
            }
            (None, Some(trouble), _) => bail!("could not join {}: {trouble}", self.url),
            (None, None, request) => {
                output::line(format!(
                    "the code did not approve registration {}: it waits for an operator of {}",
                    request.unwrap_or_default(),
                    self.url
                ));
                Ok(Exit::Failed)
            }
        }
    }

    async fn join(&self, file: &ConfigFile, config: &Config) -> anyhow::Result<Exit> {
        let http = Http::default();
        let install_id = config.identity.install_id().filter(|id| !id.is_empty());
        let install_id = install_id.map_or_else(new_install_id, ToOwned::to_owned);
        let secret = new_secret();
        let answer =
            ask(&http, &config.studio, &install_id, &secret, capabilities(config), Some(self.code.trim()))
                .await;
        let request_id = match answer {
            PostAnswer::Taken(request_id) => request_id,
            PostAnswer::Failed(reason) => bail!("could not join {}: {reason}", self.url),
        };
        let pending = Identity::Pending {
            install_id: install_id.clone(),
            request_id: request_id.clone(),
            secret: secret.clone(),
        };
        file.save_identity(&pending)?;
        let mut trouble = None;
        for attempt in 0..POLLS {
            if attempt > 0 {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            match poll(&http, &config.studio, &request_id, &secret).await {
                PollAnswer::Status(RegistrationStatus::Approved { worker_id, auth_token }) => {
                    let auth_token = Secret::new(auth_token);
                    output::line(format!(
                        "joined {} as worker {worker_id}; `studio-worker run` starts it",
                        self.url
                    ));
                    file.save_identity(&Identity::Approved { install_id, worker_id, auth_token })?;
                    return Ok(Exit::Clean);
                }
                PollAnswer::Status(RegistrationStatus::Rejected { reason }) => {
                    file.save_identity(&Identity::Rejected { install_id, reason: reason.clone() })?;
                    bail!("the studio's operator refused this worker ({reason})");
                }
                PollAnswer::Status(RegistrationStatus::Pending) => trouble = None,
                PollAnswer::Unknown => trouble = Some("the studio does not know the request".to_owned()),
                PollAnswer::Failed(reason) => trouble = Some(reason),
            }
        }
        if let Some(reason) = trouble {
            bail!("registration {request_id} was sent, but its decision could not be read: {reason}");
        }
        output::line(format!(
            "the code did not approve registration {request_id}: it waits for an operator of {}",
            self.url
        ));
        Ok(Exit::Failed)
    }
}

/// Runs what a command has to ask a studio.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("could not start the runtime")?.block_on(work)
}

pub(super) fn new_install_id() -> String {
    SystemDraw.install_id()
}

pub(super) fn new_secret() -> Secret {
    SystemDraw.secret()
}

/// What can be said without starting an engine; a running worker says the rest in its heartbeats.
pub(super) fn capabilities(config: &Config) -> Capabilities {
    let engines =
        BTreeMap::from([(synthetic::NAME.to_owned(), std::sync::Arc::new(synthetic::description()))]);
    let sources = Sources::new(Hardware::read(), engines);
    let mut capabilities = sources.machine(config).capabilities;
    capabilities.auto_enabled = !config.paused;
    capabilities
}
