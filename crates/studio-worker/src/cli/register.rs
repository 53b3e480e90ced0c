//! `studio-worker register`: asks a studio to take this worker.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use studio_protocol::{ApiBase, RegistrationStatus};
use worker_core::{Identity, PollAnswer, PostAnswer};
use worker_local::{Client, ClientError, ConfigChange, RegistrationState, Status};

use super::daemon::{self, Daemon};
use super::output;
use crate::config::{Config, ConfigFile, Key};
use crate::http::Http;
use crate::registration::{ask, poll};
use crate::{Exit, Home};

/// A studio that answers at all does so within it.
const DECISION_LIMIT: Duration = Duration::from_secs(15);
/// Between two looks at the worker.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub(super) struct Register {
    /// The studio, if it is not the one in the config
    #[arg(long, value_name = "URL")]
    api_base_url: Option<String>,
    /// Forget the present registration and ask anew, as another worker
    #[arg(long)]
    reset: bool,
}

impl Register {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        if let Some(daemon) = daemon::find(home)? {
            return self.through(&daemon);
        }
        let file = ConfigFile::new(home.config());
        let config = prepare(&file, self.api_base_url.as_deref(), self.reset)?;
        super::join::block_on(async {
            let http = Http::default();
            match config.identity.clone() {
                Identity::Pristine { install_id } => {
                    let known = install_id.is_some();
                    let install_id = install_id.unwrap_or_else(super::join::new_install_id);
                    if !known {
                        file.save_identity(&Identity::Pristine { install_id: Some(install_id.clone()) })?;
                    }
                    let secret = super::join::new_secret();
                    let capabilities = super::join::capabilities(&config);
                    match ask(&http, &config.studio, &install_id, &secret, capabilities, None).await {
                        PostAnswer::Taken(request_id) => {
                            file.save_identity(&Identity::Pending {
                                install_id,
                                request_id: request_id.clone(),
                                secret,
                            })?;
                            told_pending(&config.api_base_url, request_id.as_str());
                            Ok(Exit::Clean)
                        }
                        PostAnswer::Failed(reason) => {
                            bail!("could not register at {}: {reason}", config.api_base_url)
                        }
                    }
                }
                Identity::Pending { install_id, request_id, secret } => {
                    let answer = poll(&http, &config.studio, &request_id, &secret).await;
                    decided(&file, &config, install_id, request_id.as_str(), answer)
                }
                Identity::Approved { worker_id, .. } => {
                    output::line(format!(
                        "registered as worker {worker_id}; `studio-worker register --reset` starts over"
                    ));
                    Ok(Exit::Clean)
                }
                Identity::Rejected { reason, .. } => {
                    bail!(
                        "the studio's operator refused this worker ({reason}); `studio-worker register --reset` asks again"
                    )
                }
            }
        })
    }
}

impl Register {
    /// The daemon registers by itself: it is told where and whether anew, and asked how it stands.
    fn through(&self, daemon: &Daemon) -> anyhow::Result<Exit> {
        let mut status = daemon.ask(async |client| client.status(None).await)?;
        if let Some(url) = self.api_base_url.as_ref().filter(|url| **url != status.api_base_url) {
            warn_if_plain(url)?;
            if !self.reset && status.registration.state != RegistrationState::Pristine {
                bail!("this worker is registered at {}; add --reset to leave it", status.api_base_url);
            }
            let changes = BTreeMap::from([(Key::ApiBaseUrl.as_str().to_owned(), url.as_str().into())]);
            daemon.ask(async |client| client.change_config(&ConfigChange { changes }).await)?;
        }
        if self.reset {
            daemon.ask(async |client| client.reset_registration().await)?;
        }
        let is_decided = |status: &Status| {
            status.registration.state != RegistrationState::Pristine || status.last_trouble.is_some()
        };
        status = daemon.ask(async |client| watch(client, is_decided).await)?;
        let registration = &status.registration;
        match registration.state {
            RegistrationState::Pristine => bail!(
                "could not register at {}: {}",
                status.api_base_url,
                status.last_trouble.as_deref().unwrap_or("the studio has not answered yet")
            ),
            RegistrationState::Pending => {
                told_pending(&status.api_base_url, registration.request_id.as_deref().unwrap_or_default());
            }
            RegistrationState::Approved => output::line(format!(
                "registered as worker {}; `studio-worker register --reset` starts over",
                registration.worker_id.as_deref().unwrap_or_default()
            )),
            RegistrationState::Rejected => bail!(
                "the studio's operator refused this worker ({}); `studio-worker register --reset` asks again",
                registration.reason.as_deref().unwrap_or_default()
            ),
        }
        Ok(Exit::Clean)
    }
}

/// The status once it is as somebody waits for, or as it is when that takes too long.
pub(super) async fn watch(client: &Client, is_it: impl Fn(&Status) -> bool) -> Result<Status, ClientError> {
    let end = Instant::now() + DECISION_LIMIT;
    loop {
        let status = client.status(None).await?;
        if is_it(&status) || Instant::now() >= end {
            return Ok(status);
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn decided(
    file: &ConfigFile,
    config: &Config,
    install_id: String,
    request: &str,
    answer: PollAnswer,
) -> anyhow::Result<Exit> {
    match answer {
        PollAnswer::Status(RegistrationStatus::Pending) => {
            told_pending(&config.api_base_url, request);
            Ok(Exit::Clean)
        }
        PollAnswer::Status(RegistrationStatus::Approved { worker_id, auth_token }) => {
            output::line(format!("approved as worker {worker_id}; `studio-worker run` starts it"));
            let auth_token = worker_core::Secret::new(auth_token);
            file.save_identity(&Identity::Approved { install_id, worker_id, auth_token })?;
            Ok(Exit::Clean)
        }
        PollAnswer::Status(RegistrationStatus::Rejected { reason }) => {
            file.save_identity(&Identity::Rejected { install_id, reason: reason.clone() })?;
            bail!(
                "the studio's operator refused this worker ({reason}); `studio-worker register --reset` asks again"
            )
        }
        PollAnswer::Unknown => {
            file.save_identity(&Identity::Pristine { install_id: Some(install_id) })?;
            bail!("the studio does not know request {request} any more; `studio-worker register` asks anew")
        }
        PollAnswer::Failed(reason) => {
            bail!("could not ask {} for the decision: {reason}", config.api_base_url)
        }
    }
}

fn told_pending(studio: &str, request: &str) {
    output::line(format!("registration {request} waits for an operator of {studio}"));
    output::line("approve it there; a running worker connects by itself within 30 s");
}

/// Whoever listens on the way could take the worker's place.
pub(super) fn warn_if_plain(url: &str) -> anyhow::Result<()> {
    if ApiBase::parse(url)?.is_plain_remote() {
        output::note(format!("warning: `{url}` is not encrypted"));
    }
    Ok(())
}

/// Puts the address and, on a reset, a clean registration into the config.
pub(super) fn prepare(file: &ConfigFile, url: Option<&str>, reset: bool) -> anyhow::Result<Config> {
    if let Some(url) = url {
        warn_if_plain(url)?;
    }
    let config = file.load_or_create()?;
    let moved = url.is_some_and(|url| url != config.api_base_url);
    if moved && !reset && !matches!(config.identity, Identity::Pristine { .. }) {
        bail!("this worker is registered at {}; add --reset to leave it", config.api_base_url);
    }
    if let Some(url) = url {
        file.save(Key::ApiBaseUrl, url)?;
    }
    if reset {
        file.save_identity(&Identity::Pristine { install_id: None })?;
    }
    Ok(file.load()?)
}
