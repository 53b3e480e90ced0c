//! `studio-worker stop`: ends the worker of this folder, and returns when it has ended.

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use worker_local::ShutdownAsk;

use super::{daemon, output};
use crate::config::ConfigFile;
use crate::lock::LockState;
use crate::{Exit, Home};

/// After the grace: engines end, answers leave.
const END_LIMIT: Duration = Duration::from_secs(15);
/// Between two looks at the lock.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub(super) struct Stop {
    /// Finish what runs first, however long it takes
    #[arg(long)]
    after_jobs: bool,
}

impl Stop {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        let Some(daemon) = daemon::find(home)? else {
            output::line(format!("no worker runs with `{}`", home.dir().display()));
            return Ok(Exit::Clean);
        };
        let pid = daemon.client.found().pid;
        let ask = ShutdownAsk { after_jobs: self.after_jobs };
        let status = daemon.ask(async |client| client.shutdown(&ask).await)?;
        if self.after_jobs && !status.jobs.is_empty() {
            output::note(format!(
                "{} jobs are finished first; Ctrl-C stops waiting, not the worker",
                status.jobs.len()
            ));
        }
        let grace = ConfigFile::new(home.config()).load()?.shutdown_grace;
        let end = (!self.after_jobs).then(|| Instant::now() + grace + END_LIMIT);
        loop {
            let is_gone = match daemon::look(home)? {
                LockState::Free => true,
                // Another one, which waited for the lock.
                LockState::Held(holder) => holder.is_some_and(|holder| holder.pid != pid),
            };
            if is_gone {
                output::line("the worker has ended");
                return Ok(Exit::Clean);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                bail!(
                    "the worker (pid {pid}) was asked to end and has not: `kill -9 {pid}` ends it, results stay"
                );
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}
