//! The way to the daemon of this folder, if one runs.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use worker_local::{Client, ClientError, Discovery};

use super::join::block_on;
use crate::Home;
use crate::lock::{self, Holder, LockState};

/// A daemon says where it listens within milliseconds of its start.
const START_LIMIT: Duration = Duration::from_secs(3);
/// Between two looks at what it says.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// This program.
const OURS: &str = env!("CARGO_PKG_VERSION");

/// A daemon that runs with this folder, and how it is asked.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) client: Client,
    pub(super) holder: Option<Holder>,
}

/// The daemon of this folder; `None` when none runs. One that runs and cannot be asked is an error.
pub(super) fn find(home: &Home) -> anyhow::Result<Option<Daemon>> {
    let end = Instant::now() + START_LIMIT;
    loop {
        let holder = match look(home)? {
            LockState::Free => return Ok(None),
            LockState::Held(holder) => holder,
        };
        // A file of an earlier daemon that died is not believed.
        let found = Discovery::read(home.dir())?
            .filter(|found| holder.as_ref().is_none_or(|holder| holder.pid == found.pid));
        if let Some(found) = found {
            studio_runtime::install_crypto();
            return Ok(Some(Daemon { client: Client::new(found)?, holder }));
        }
        if Instant::now() >= end {
            bail!(
                "a worker runs with this folder ({}), but does not say where its local API is: its log tells why",
                pid_of(holder.as_ref())
            );
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// The daemon of this folder, which must run.
pub(super) fn required(home: &Home) -> anyhow::Result<Daemon> {
    find(home)?.with_context(|| {
        format!("no worker runs with `{}`: `studio-worker run` starts one", home.dir().display())
    })
}

/// Whether somebody holds this folder.
pub(super) fn look(home: &Home) -> anyhow::Result<LockState> {
    lock::look(&home.lock()).with_context(|| format!("could not read `{}`", home.lock().display()))
}

impl Daemon {
    /// Asks it, and tells in words what went wrong.
    pub(super) fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Client) -> Result<T, ClientError>,
    ) -> anyhow::Result<T> {
        block_on(async { question(&self.client).await.map_err(|error| self.told(error)) })
    }

    /// What a refusal or a silence means for a person.
    pub(super) fn told(&self, error: ClientError) -> anyhow::Error {
        let version = &self.client.found().version;
        let other = version != OURS;
        match error {
            ClientError::Unreachable { .. } => {
                let who = pid_of(self.holder.as_ref());
                let source: anyhow::Error = error.into();
                source.context(format!(
                    "a worker runs with this folder ({who}), but cannot be asked: it may be about to end, or hang"
                ))
            }
            ClientError::Strange { .. } if other => anyhow::Error::new(error).context(version_words(version)),
            // An address that only a later version knows.
            ClientError::Refused(problem) if other && matches!(problem.status, 404 | 405 | 422) => {
                anyhow::anyhow!("{}: {}", version_words(version), problem.detail)
            }
            ClientError::Refused(problem) if problem.problems.is_empty() => {
                anyhow::anyhow!("{}", problem.detail)
            }
            ClientError::Refused(problem) => {
                let each = problem.problems.iter().map(|one| format!("\n  {}: {}", one.key, one.problem));
                anyhow::anyhow!("nothing was changed:{}", each.collect::<String>())
            }
            ClientError::Strange { .. } | ClientError::Setup(_) => error.into(),
        }
    }
}

fn version_words(version: &str) -> String {
    format!(
        "the worker that runs is version {version}, this program is version {OURS}: restart the worker, or use its program"
    )
}

fn pid_of(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "it has not said who it is".to_owned(), |holder| format!("pid {}", holder.pid))
}
