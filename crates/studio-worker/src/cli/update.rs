//! `studio-worker update`: whether there is a newer version.

use clap::{Args, Subcommand};
use worker_local::{UpdateState, UpdateView};

use super::{daemon, output};
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct Update {
    #[command(subcommand)]
    command: Option<Command>,
    /// For scripts
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look for a newer version now
    Check,
    /// What is known of newer versions
    Status,
}

impl Update {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        let daemon = daemon::required(home)?;
        let view = match self.command {
            None | Some(Command::Status) => daemon.ask(async |client| client.update().await)?,
            Some(Command::Check) => daemon.ask(async |client| client.check_update().await)?,
        };
        if self.json {
            output::json(&view)?;
        } else {
            told(&view);
        }
        let failed = matches!(self.command, Some(Command::Check)) && view.trouble.is_some();
        Ok(if failed { Exit::Failed } else { Exit::Clean })
    }
}

fn told(view: &UpdateView) {
    let latest = view.latest.as_deref().unwrap_or_default();
    output::line(match view.state {
        UpdateState::Unknown => format!("version {}; no newer one is known", view.current),
        UpdateState::Current => format!("version {} is the newest", view.current),
        UpdateState::Available => format!(
            "version {latest} is there, this is {}; put its program in the place of this one and restart the worker",
            view.current
        ),
    });
    if let Some(at) = view.checked_at {
        output::line(format!("looked at {at}"));
    }
    if let Some(trouble) = &view.trouble {
        output::note(format!("warning: {trouble}"));
    }
}
