//! `studio-worker register`: asks a studio to take this worker.

use anyhow::{Context, bail};
use clap::Args;
use studio_protocol::{ApiBase, RegistrationStatus};
use worker_core::{Identity, PollAnswer, PostAnswer};

use super::output;
use crate::config::{Config, ConfigFile, Key};
use crate::http::Http;
use crate::lock::{self, LockState};
use crate::registration::{ask, poll};
use crate::{Exit, Home};

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
        refuse_while_running(home)?;
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
                            told_pending(&config, request_id.as_str());
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

fn decided(
    file: &ConfigFile,
    config: &Config,
    install_id: String,
    request: &str,
    answer: PollAnswer,
) -> anyhow::Result<Exit> {
    match answer {
        PollAnswer::Status(RegistrationStatus::Pending) => {
            told_pending(config, request);
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

fn told_pending(config: &Config, request: &str) {
    output::line(format!("registration {request} waits for an operator of {}", config.api_base_url));
    output::line("approve it there; a running worker connects by itself within 30 s");
}

/// A registration must not change under a daemon that uses it.
pub(super) fn refuse_while_running(home: &Home) -> anyhow::Result<()> {
    let state =
        lock::look(&home.lock()).with_context(|| format!("could not read `{}`", home.lock().display()))?;
    match state {
        LockState::Free => Ok(()),
        LockState::Held(Some(holder)) => bail!(
            "a worker runs with this folder (pid {0}): stop it first, for example with `kill {0}`",
            holder.pid
        ),
        LockState::Held(None) => bail!("a worker runs with this folder: stop it first"),
    }
}

/// Puts the address and, on a reset, a clean registration into the config.
pub(super) fn prepare(file: &ConfigFile, url: Option<&str>, reset: bool) -> anyhow::Result<Config> {
    if let Some(url) = url {
        let base = ApiBase::parse(url)?;
        if base.is_plain_remote() {
            output::note(format!("warning: `{url}` is not encrypted"));
        }
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
