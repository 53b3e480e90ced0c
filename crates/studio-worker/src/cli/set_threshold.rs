//! `studio-worker set-threshold GB`: how much device memory jobs may use.

use clap::Args;

use crate::config::{ConfigFile, Key};
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct SetThreshold {
    /// GiB
    gb: f64,
}

impl SetThreshold {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        ConfigFile::new(home.config()).save(Key::VramThresholdGb, self.gb)?;
        super::config::told_change(home, Key::VramThresholdGb, &self.gb.to_string())
    }
}
