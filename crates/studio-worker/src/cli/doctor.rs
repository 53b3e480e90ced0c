//! `studio-worker doctor`: checks everything that a worker needs.

use clap::Args;

use super::output;
use crate::doctor::{self, Verdict};
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// For scripts
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        let findings = super::join::block_on(async { Ok(doctor::examine(home).await) })?;
        if self.json {
            output::json(&findings)?;
        } else {
            for finding in &findings {
                output::line(format!(
                    "{:<5} {:<12} {}",
                    finding.verdict.as_str(),
                    finding.about,
                    finding.what
                ));
            }
        }
        let healthy = findings.iter().all(|finding| finding.verdict != Verdict::Error);
        Ok(if healthy { Exit::Clean } else { Exit::Failed })
    }
}
