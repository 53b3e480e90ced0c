//! The daemon of a folder, as its owner sees it: started, attached to, started again after a crash.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use studio_runtime::backoff;
use tokio::process::Command;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::child::Spoken;
use super::words::Order;
use crate::Exit;
use crate::lock::{self, LockState};

/// The first wait after a crash.
const REST: Duration = Duration::from_secs(1);
/// The longest wait between starts of a daemon that crashes again and again.
const LONGEST_REST: Duration = Duration::from_mins(1);
/// A daemon that ran as long is well: its crash is the first one.
const WELL_AFTER: Duration = Duration::from_mins(1);
/// A daemon that was told to end at once has no say any more after this; its own limits are shorter.
const AT_ONCE: Duration = Duration::from_secs(10);

/// How to start a daemon.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    /// Held by the daemon of the folder, whoever started it.
    pub(super) lock: PathBuf,
}

/// What became of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// Ours, and running.
    Own,
    /// Somebody else's; it is left alone.
    Foreign,
    /// Crashed; it is started again soon.
    Resting,
    /// It ended, and starting it again would not help.
    Ended(Exit),
}

#[derive(Debug)]
enum State {
    Own { child: Spoken, since: Instant },
    Foreign,
    Resting { until: Instant },
    Ended(Exit),
}

#[derive(Debug)]
pub(super) struct Watched {
    recipe: Recipe,
    state: State,
    /// Crashes in a row.
    crashes: u32,
}

impl Watched {
    /// Attaches to the daemon that runs, or starts one.
    pub(super) fn new(recipe: Recipe) -> Self {
        let mut watched = Self { recipe, state: State::Foreign, crashes: 0 };
        watched.start();
        watched
    }

    pub(super) fn is(&self) -> Is {
        match &self.state {
            State::Own { .. } => Is::Own,
            State::Foreign => Is::Foreign,
            State::Resting { .. } => Is::Resting,
            State::Ended(exit) => Is::Ended(*exit),
        }
    }

    /// Attaches or starts, unless one of ours runs.
    pub(super) fn start(&mut self) {
        if matches!(self.state, State::Own { .. }) {
            return;
        }
        if self.attached() {
            return;
        }
        let mut command = Command::new(&self.recipe.program);
        command.args(&self.recipe.args);
        match Spoken::start(&mut command) {
            Ok(child) => {
                tracing::debug!(pid = child.pid(), "started the worker");
                self.state = State::Own { child, since: Instant::now() };
            }
            Err(error) => self.rest(&format!("could not start `{}`: {error}", self.recipe.program.display())),
        }
    }

    /// Waits until something becomes of it; may be dropped at any time.
    pub(super) async fn changed(&mut self) {
        match &mut self.state {
            State::Own { child, since } => {
                let (ended, since) = (child.ended().await, *since);
                self.ended(ended, since.elapsed());
            }
            State::Resting { until } => {
                tokio::time::sleep_until(*until).await;
                self.start();
            }
            State::Foreign | State::Ended(_) => std::future::pending().await,
        }
    }

    fn ended(&mut self, how: io::Result<ExitStatus>, ran: Duration) {
        if ran >= WELL_AFTER {
            self.crashes = 0;
        }
        let how = match how {
            Ok(how) => how,
            Err(error) => return self.rest(&format!("lost sight of the worker: {error}")),
        };
        match how.code().and_then(Exit::of_code) {
            // It found another one there, or somebody told it to end.
            Some(Exit::Clean) => {
                if !self.attached() {
                    tracing::info!("the worker was ended by somebody else");
                    self.state = State::Ended(Exit::Clean);
                }
            }
            Some(exit @ (Exit::AuthFailed | Exit::DuplicateWorker | Exit::ReconnectsSpent | Exit::Usage)) => {
                tracing::warn!("the worker ended, and needs somebody: {exit}");
                self.state = State::Ended(exit);
            }
            Some(Exit::Failed) | None => self.rest(&format!("the worker ended unexpectedly ({how})")),
        }
    }

    fn rest(&mut self, why: &str) {
        self.crashes += 1;
        let rest = backoff(self.crashes, REST, LONGEST_REST);
        tracing::error!("{why}; starting it again in {} s", rest.as_secs());
        self.state = State::Resting { until: Instant::now() + rest };
    }

    fn attached(&mut self) -> bool {
        let LockState::Held(holder) = lock::look(&self.recipe.lock).unwrap_or(LockState::Free) else {
            return false;
        };
        let who = holder.map_or_else(String::new, |holder| {
            format!(": pid {}, since {}, started as `{}`", holder.pid, holder.started_at, holder.command)
        });
        tracing::info!("a worker is running with this folder already{who}; attached to it");
        self.state = State::Foreign;
        true
    }

    /// Ends our daemon, however long its grace is, and leaves another's alone; `now` ends it at once.
    pub(super) async fn finish(self, now: &CancellationToken) -> Exit {
        let mut child = match self.state {
            State::Own { child, .. } => child,
            State::Foreign | State::Resting { .. } => return Exit::Clean,
            State::Ended(exit) => return exit,
        };
        child.say(&Order::Finish.to_string()).await;
        let ended = tokio::select! {
            ended = child.ended() => ended,
            () = now.cancelled() => {
                child.say(&Order::EndNow.to_string()).await;
                let Ok(ended) = tokio::time::timeout(AT_ONCE, child.ended()).await else {
                    tracing::error!("the worker does not end: killing it");
                    let _ = child.kill().await;
                    return Exit::Failed;
                };
                ended
            }
        };
        match ended {
            Ok(how) => how.code().and_then(Exit::of_code).unwrap_or(Exit::Failed),
            Err(error) => {
                tracing::error!("lost sight of the worker: {error}");
                Exit::Failed
            }
        }
    }
}
