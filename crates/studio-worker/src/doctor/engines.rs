//! Which engines there are, what each can do, and how much memory they get.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use engine_protocol::{Description, Device};
use studio_runtime::Tasks;
use tokio::sync::mpsc;

use super::Finding;
use crate::capabilities::Sources;
use crate::cli;
use crate::config::Config;
use crate::engines::{EngineProgram, EngineSettings, Engines};
use crate::hardware::{GIB, Hardware, device_memory};

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
    let missing = missing(&programs);
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
            Ok(said) => Finding::ok("engine", format!("{name} {}", told(&said))),
            Err(error) => Finding::error("engine", format!("{name}: {error}")),
        });
    }
    engines.stop_all(STOP_GRACE).await;
    tasks.stop_hard();
    tasks.join().await;
    findings.extend(missing);
    findings
}

/// What an engine says of itself, for a person.
fn told(said: &Description) -> String {
    let mut parts = vec![format!("{}: {}", said.version, said.kinds.join(", "))];
    let formats: BTreeSet<_> = said.formats.values().flatten().map(String::as_str).collect();
    if !formats.is_empty() {
        parts.push(format!("as {}", formats.into_iter().collect::<Vec<_>>().join(", ")));
    }
    parts.push(match said.models.as_slice() {
        [] => "no models".to_owned(),
        [any] if any == "*" => "any model of its formats".to_owned(),
        some => format!("models {}", some.join(", ")),
    });
    let device = |device: &Device| match device.memory_bytes {
        Some(bytes) => format!("{} ({:.1} GiB)", device.name, bytes as f64 / GIB),
        None => device.name.clone(),
    };
    if !said.devices.is_empty() {
        parts.push(format!("on {}", said.devices.iter().map(device).collect::<Vec<_>>().join(", ")));
    }
    if !said.build.is_empty() {
        parts.push(said.build.clone());
    }
    parts.join("; ")
}

/// The programs of this project that are not here, and where they would be found.
fn missing(programs: &BTreeMap<String, EngineProgram>) -> Vec<Finding> {
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(std::path::Path::to_path_buf));
    let beside = beside.map_or_else(|| "this program".to_owned(), |dir| format!("`{}`", dir.display()));
    let missing = cli::ENGINE_WORDS.iter().filter(|(_, word)| !programs.contains_key(*word));
    missing
        .map(|(file, word)| {
            let what = format!(
                "{word} is not here: put studio-engine-{file} into {beside} or into engines_dir \
                 (`cargo build --features all` builds it)"
            );
            Finding::warn("engine", what)
        })
        .collect()
}

pub(super) fn memory(config: &Config) -> Finding {
    let sources = Sources { device: device_memory(), ..Sources::new(Hardware::read(), BTreeMap::new()) };
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
