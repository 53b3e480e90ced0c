//! The names of the settings.

use std::str::FromStr;

/// Every key that this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Where the studio is reached.
    ApiBaseUrl,
    /// Registration: a UUID of this install.
    InstallId,
    /// Registration: the request that waits.
    RegistrationRequestId,
    /// Registration: proves who asked.
    RegistrationSecret,
    /// Registration: the refusal's reason.
    RegistrationRejected,
    /// Registration: who this worker is.
    WorkerId,
    /// Registration: opens its sessions.
    AuthToken,
    /// Device memory for jobs, GiB.
    VramThresholdGb,
    /// Models in memory at a time.
    MaxLanes,
    /// Model files.
    ModelsRoot,
    /// Only while nobody uses the machine.
    OnlyWhenIdle,
    /// Untouched for this long, the machine is nobody's.
    IdleAfterSecs,
    /// No jobs while a program fills the screen.
    PauseOnFullscreen,
    /// No jobs while one of these runs.
    PauseForPrograms,
    /// No jobs without mains.
    PauseOnBattery,
    /// Jobs only at these times.
    Schedule,
    /// What a rule does to running jobs.
    RulesFreeMemory,
    /// Jobs of these kinds only.
    AcceptKinds,
    /// Jobs of these projects only.
    AcceptProjects,
    /// No larger pictures than this.
    AcceptMaxPixels,
    /// No offers.
    Paused,
    /// When that ends by itself.
    PausedUntil,
    /// What an operator may do.
    RemoteControl,
    /// Jobs at once.
    Slots,
    /// How often to try again.
    WsReconnectAttempts,
    /// After a signal.
    ShutdownGraceSecs,
    /// Log files.
    LogDir,
    /// Engine programs.
    EnginesDir,
    /// Which of them are used.
    Engines,
    /// Of the local API.
    LocalApiPort,
    /// Days that jobs stay in the history.
    HistoryDays,
    /// Notifications of the desktop.
    NotifyOn,
    /// A model without a job leaves memory after this.
    ModelIdleSecs,
    /// Models that stay in memory.
    ResidentModels,
    /// Memory that is left alone, GiB.
    MemoryReserveGb,
    /// What model files may take, GiB.
    DiskCapGb,
    /// Of all downloads together, megabits a second.
    DownloadLimitMbps,
    /// Threads of each engine.
    EngineThreads,
    /// From the start of an engine to its first word.
    EngineStartLimitSecs,
    /// The longest silence while a model loads.
    EngineLoadLimitSecs,
    /// The longest silence while a job runs.
    EngineStepLimitSecs,
    /// Updates.
    AutoUpdateEnabled,
    /// Updates.
    AutoUpdateIntervalSecs,
    /// Updates.
    AutoUpdateFeed,
}

/// A name that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a setting; `studio-worker config` lists them")]
pub struct UnknownKey(pub String);

impl Key {
    /// In the order of the template.
    pub const ALL: [Self; 44] = [
        Self::ApiBaseUrl,
        Self::VramThresholdGb,
        Self::MaxLanes,
        Self::ModelsRoot,
        Self::OnlyWhenIdle,
        Self::IdleAfterSecs,
        Self::PauseOnFullscreen,
        Self::PauseForPrograms,
        Self::PauseOnBattery,
        Self::Schedule,
        Self::RulesFreeMemory,
        Self::AcceptKinds,
        Self::AcceptProjects,
        Self::AcceptMaxPixels,
        Self::Paused,
        Self::PausedUntil,
        Self::RemoteControl,
        Self::Slots,
        Self::ShutdownGraceSecs,
        Self::WsReconnectAttempts,
        Self::LogDir,
        Self::EnginesDir,
        Self::Engines,
        Self::LocalApiPort,
        Self::HistoryDays,
        Self::NotifyOn,
        Self::ModelIdleSecs,
        Self::ResidentModels,
        Self::MemoryReserveGb,
        Self::DiskCapGb,
        Self::DownloadLimitMbps,
        Self::EngineThreads,
        Self::EngineStartLimitSecs,
        Self::EngineLoadLimitSecs,
        Self::EngineStepLimitSecs,
        Self::AutoUpdateEnabled,
        Self::AutoUpdateIntervalSecs,
        Self::AutoUpdateFeed,
        Self::InstallId,
        Self::RegistrationRequestId,
        Self::RegistrationSecret,
        Self::RegistrationRejected,
        Self::WorkerId,
        Self::AuthToken,
    ];

    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiBaseUrl => "api_base_url",
            Self::InstallId => "install_id",
            Self::RegistrationRequestId => "registration_request_id",
            Self::RegistrationSecret => "registration_secret",
            Self::RegistrationRejected => "registration_rejected",
            Self::WorkerId => "worker_id",
            Self::AuthToken => "auth_token",
            Self::VramThresholdGb => "vram_threshold_gb",
            Self::MaxLanes => "max_lanes",
            Self::ModelsRoot => "models_root",
            Self::OnlyWhenIdle => "only_when_idle",
            Self::IdleAfterSecs => "idle_after_secs",
            Self::PauseOnFullscreen => "pause_on_fullscreen",
            Self::PauseForPrograms => "pause_for_programs",
            Self::PauseOnBattery => "pause_on_battery",
            Self::Schedule => "schedule",
            Self::RulesFreeMemory => "rules_free_memory",
            Self::AcceptKinds => "accept_kinds",
            Self::AcceptProjects => "accept_projects",
            Self::AcceptMaxPixels => "accept_max_pixels",
            Self::Paused => "paused",
            Self::PausedUntil => "paused_until",
            Self::RemoteControl => "remote_control",
            Self::Slots => "slots",
            Self::WsReconnectAttempts => "ws_reconnect_attempts",
            Self::ShutdownGraceSecs => "shutdown_grace_secs",
            Self::LogDir => "log_dir",
            Self::EnginesDir => "engines_dir",
            Self::Engines => "engines",
            Self::LocalApiPort => "local_api_port",
            Self::HistoryDays => "history_days",
            Self::NotifyOn => "notify_on",
            Self::ModelIdleSecs => "model_idle_secs",
            Self::ResidentModels => "resident_models",
            Self::MemoryReserveGb => "memory_reserve_gb",
            Self::DiskCapGb => "disk_cap_gb",
            Self::DownloadLimitMbps => "download_limit_mbps",
            Self::EngineThreads => "engine_threads",
            Self::EngineStartLimitSecs => "engine_start_limit_secs",
            Self::EngineLoadLimitSecs => "engine_load_limit_secs",
            Self::EngineStepLimitSecs => "engine_step_limit_secs",
            Self::AutoUpdateEnabled => "auto_update_enabled",
            Self::AutoUpdateIntervalSecs => "auto_update_interval_secs",
            Self::AutoUpdateFeed => "auto_update_feed",
        }
    }

    /// The environment variable that wins over the file.
    pub fn variable(self) -> String {
        format!("STUDIO_WORKER_{}", self.as_str().to_ascii_uppercase())
    }

    /// Whether the registration owns it: no variable overrides it, and `config set` refuses it.
    pub fn is_registration(self) -> bool {
        matches!(
            self,
            Self::InstallId
                | Self::RegistrationRequestId
                | Self::RegistrationSecret
                | Self::RegistrationRejected
                | Self::WorkerId
                | Self::AuthToken
        )
    }

    /// Whether its value must not be shown.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::RegistrationSecret | Self::AuthToken)
    }

    /// Whether it holds several names.
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::ResidentModels
                | Self::Engines
                | Self::PauseForPrograms
                | Self::Schedule
                | Self::AcceptKinds
                | Self::AcceptProjects
                | Self::NotifyOn
        )
    }

    /// Whether a running daemon takes a change up by itself.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::ApiBaseUrl
                | Self::VramThresholdGb
                | Self::OnlyWhenIdle
                | Self::IdleAfterSecs
                | Self::PauseOnFullscreen
                | Self::PauseForPrograms
                | Self::PauseOnBattery
                | Self::Schedule
                | Self::RulesFreeMemory
                | Self::AcceptKinds
                | Self::AcceptProjects
                | Self::AcceptMaxPixels
                | Self::Paused
                | Self::PausedUntil
                | Self::RemoteControl
                | Self::Slots
                | Self::WsReconnectAttempts
                | Self::ShutdownGraceSecs
                | Self::ModelIdleSecs
                | Self::ResidentModels
                | Self::MemoryReserveGb
                | Self::DiskCapGb
                | Self::DownloadLimitMbps
                | Self::AutoUpdateEnabled
                | Self::AutoUpdateIntervalSecs
                | Self::AutoUpdateFeed
                | Self::HistoryDays
                | Self::NotifyOn
        )
    }
}

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|key| key.as_str() == name).ok_or_else(|| UnknownKey(name.to_owned()))
    }
}
