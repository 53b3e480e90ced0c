//! Settings as JSON values, the way they are written in the file.

use serde_json::Value;
use worker_core::Identity;

use super::{Config, Key, MEGABIT};
use crate::Home;
use crate::hardware::GIB;

/// The value of a setting as it holds, secrets left out; null where nothing is set.
pub fn shown(config: &Config, home: &Home, key: Key) -> Value {
    let identity = &config.identity;
    let hidden = serde_json::json!("<secret>");
    match key {
        Key::ApiBaseUrl => config.api_base_url.clone().into(),
        Key::InstallId => identity.install_id().into(),
        Key::RegistrationRequestId => match identity {
            Identity::Pending { request_id, .. } => request_id.as_str().into(),
            Identity::Pristine { .. } | Identity::Approved { .. } | Identity::Rejected { .. } => Value::Null,
        },
        Key::RegistrationSecret if matches!(identity, Identity::Pending { .. }) => hidden,
        Key::AuthToken if identity.worker_id().is_some() => hidden,
        Key::RegistrationSecret | Key::AuthToken => Value::Null,
        Key::RegistrationRejected => match identity {
            Identity::Rejected { reason, .. } => reason.clone().into(),
            Identity::Pristine { .. } | Identity::Approved { .. } | Identity::Pending { .. } => Value::Null,
        },
        Key::WorkerId => identity.worker_id().map(studio_protocol::WorkerId::as_str).into(),
        Key::VramThresholdGb => config.vram_threshold_gb.into(),
        Key::ModelsRoot => {
            config.models_root.as_deref().unwrap_or(home.models()).display().to_string().into()
        }
        Key::MaxLanes => config.max_lanes.into(),
        Key::OnlyWhenIdle => config.rules.only_when_idle.into(),
        Key::IdleAfterSecs => config.rules.idle_after.as_secs_f64().into(),
        Key::PauseOnFullscreen => config.rules.pause_on_fullscreen.into(),
        Key::PauseForPrograms => config.rules.pause_for_programs.clone().into(),
        Key::PauseOnBattery => config.rules.pause_on_battery.into(),
        Key::Schedule => config.rules.schedule.to_lines().into(),
        Key::RulesFreeMemory => config.rules.free_memory.into(),
        Key::AcceptKinds => config.accept_kinds.iter().map(|kind| kind.as_str()).collect(),
        Key::AcceptProjects => config.accept_projects.clone().into(),
        Key::AcceptMaxPixels => config.accept_max_pixels.into(),
        Key::Paused => config.paused.into(),
        Key::PausedUntil => config.paused_until.map(|until| until.to_string()).into(),
        Key::RemoteControl => config.remote_control.into(),
        Key::Slots => config.slots.into(),
        Key::WsReconnectAttempts => config.ws_reconnect_attempts.into(),
        Key::ShutdownGraceSecs => config.shutdown_grace.as_secs_f64().into(),
        Key::LogDir => config.log_dir.clone().unwrap_or_else(|| home.logs()).display().to_string().into(),
        Key::EnginesDir => config.engines_dir.as_ref().map(|dir| dir.display().to_string()).into(),
        Key::Engines => config.engines.clone().into(),
        Key::LocalApiPort => config.local_api_port.into(),
        Key::HistoryDays => config.history_days.into(),
        Key::NotifyOn => config.notify_on.iter().map(|notice| notice.as_str()).collect(),
        Key::ModelIdleSecs => config.model_idle.as_secs_f64().into(),
        Key::ResidentModels => config.resident_models.clone().into(),
        Key::MemoryReserveGb => gib(config.memory_reserve).into(),
        Key::DiskCapGb => config.disk_cap.map(gib).into(),
        Key::DownloadLimitMbps => config.download_limit.map(|bytes| bytes as f64 / MEGABIT).into(),
        Key::EngineThreads => config.engine_threads.into(),
        Key::EngineStartLimitSecs => config.engine_start_limit.as_secs_f64().into(),
        Key::EngineLoadLimitSecs => config.engine_load_limit.as_secs_f64().into(),
        Key::EngineStepLimitSecs => config.engine_step_limit.map(|limit| limit.as_secs_f64()).into(),
        Key::AutoUpdateEnabled => config.auto_update_enabled.into(),
        Key::AutoUpdateIntervalSecs => config.auto_update_interval.as_secs().into(),
        Key::AutoUpdateFeed => config.auto_update_feed.clone().into(),
    }
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB
}
