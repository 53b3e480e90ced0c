//! `studio-worker set-threshold GB`: how much device memory jobs may use.

use clap::Args;

use crate::config::Key;
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct SetThreshold {
    /// GiB
    gb: f64,
}

impl SetThreshold {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        super::config::change(home, Key::VramThresholdGb.as_str(), self.gb.into(), &self.gb.to_string())
    }
}
