//! What a daemon starts with: its settings as the core's and the engines', and its first status.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use engine_protocol::Description;
use studio_protocol::{TaskKind, Timestamp};
use worker_core::Settings;

use super::pausing;
use crate::config::Config;
use crate::engines::{EngineProgram, EngineSettings};
use crate::hardware::GIB;
use crate::status::Status;

/// Chats at a time there: as many as it decodes together.
const BATCHED_CHATS: u32 = 8;

pub(super) fn settings(config: &Config, slots: BTreeMap<TaskKind, u32>) -> Settings {
    Settings {
        slots,
        pause: pausing::first_pause(config),
        rules: config.rules.clone(),
        remote_control: config.remote_control,
        reconnect_attempts: config.ws_reconnect_attempts,
        shutdown_grace: config.shutdown_grace,
        vram_reserve_gb: config.memory_reserve as f64 / GIB,
        ..Settings::default()
    }
}

/// What the owner says, else one job of a kind at a time, except where an engine answers chats side by side.
pub(super) fn slots(config: &Config, batches: bool) -> BTreeMap<TaskKind, u32> {
    match config.slots {
        Some(slots) => Settings::same_slots(slots),
        None if batches => BTreeMap::from([(TaskKind::Llm, BATCHED_CHATS)]),
        None => BTreeMap::new(),
    }
}

pub(super) fn engine_settings(
    config: &Config,
    work: PathBuf,
    models_root: PathBuf,
    programs: BTreeMap<String, EngineProgram>,
) -> EngineSettings {
    EngineSettings {
        programs,
        idle_ttl: config.model_idle,
        resident: config.resident_models.iter().cloned().collect(),
        reserve: config.memory_reserve,
        max_lanes: config.max_lanes,
        threads: config.engine_threads,
        start_limit: config.engine_start_limit,
        load_limit: config.engine_load_limit,
        step_limit: config.engine_step_limit,
        ..EngineSettings::new(work, models_root)
    }
}

pub(super) fn known_engines(
    programs: &BTreeMap<String, EngineProgram>,
) -> BTreeMap<String, Arc<Description>> {
    let known =
        |(name, program): (&String, &EngineProgram)| Some((name.clone(), Arc::new(program.known.clone()?)));
    programs.iter().filter_map(known).collect()
}

pub(super) fn first_status(config: &Config) -> Status {
    Status {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Timestamp::now(),
        updated_at: Timestamp::from_millis(0),
        api_base_url: config.api_base_url.clone(),
        registration: String::new(),
        worker_id: None,
        session: String::new(),
        paused: config.paused,
        ending: false,
        jobs: Vec::new(),
        waiting_results: 0,
        spool_full: false,
        engines: Vec::new(),
        lanes: Vec::new(),
        present: Vec::new(),
        last_trouble: None,
    }
}

/// What engines of an earlier process left.
pub(super) fn clear_folder(folder: &PathBuf) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
