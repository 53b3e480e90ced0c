//! Which engines there are, what each can do, and how much memory they get.

use std::collections::BTreeMap;
use std::time::Duration;

use studio_runtime::Tasks;
use tokio::sync::mpsc;

use super::Finding;
use crate::capabilities::Sources;
use crate::cli;
use crate::config::Config;
use crate::engines::{EngineSettings, Engines};
use crate::hardware::{Hardware, device_memory};

/// Engines end quickly when they have no model loaded.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// Starts each engine once, in a folder of its own, and asks.
pub(super) async fn engines(config: &Config) -> Vec<Finding> {
    let programs = match cli::programs(config) {
        Ok(programs) => programs,
        Err(error) => return vec![Finding::error("engines", format!("{error:#}"))],
    };
    let scratch = match tempfile::tempdir() {
        Ok(scratch) => scratch,
        Err(error) => return vec![Finding::error("engines", format!("no temporary folder: {error}"))],
    };
    let mut settings = EngineSettings::new(scratch.path().join("work"), scratch.path().join("models"));
    settings.programs = programs;
    // What is known without starting it is asked all the same: that it starts is what is in doubt.
    for program in settings.programs.values_mut() {
        program.known = None;
    }
    let (events, _unread) = mpsc::channel(1);
    let tasks = Tasks::new();
    let engines = Engines::new(&tasks, settings, events);
    let mut findings = Vec::new();
    for name in engines.names() {
        findings.push(match engines.describe(&name).await {
            Ok(said) => {
                let models =
                    if said.models.is_empty() { "no models".to_owned() } else { said.models.join(", ") };
                Finding::ok(
                    "engine",
                    format!("{name} {}: {}; models {models}", said.version, said.kinds.join(", ")),
                )
            }
            Err(error) => Finding::error("engine", format!("{name}: {error}")),
        });
    }
    engines.stop_all(STOP_GRACE).await;
    tasks.stop_hard();
    tasks.join().await;
    findings
}

pub(super) fn memory(config: &Config) -> Finding {
    let sources = Sources { hardware: Hardware::read(), device: device_memory(), engines: BTreeMap::new() };
    let threshold = sources.threshold_gb(config);
    let what = match sources.device {
        Some(device) => format!(
            "GPU with {:.1} GiB, {:.1} GiB free; jobs may use {threshold:.1} GiB",
            device.total_gb, device.free_gb
        ),
        None => format!("no GPU found; jobs run on the CPU and may use {threshold:.1} GiB"),
    };
    if threshold > 0.0 {
        Finding::ok("memory", what)
    } else {
        Finding::warn("memory", format!("{what}; `studio-worker set-threshold GB` lets jobs in"))
    }
}
