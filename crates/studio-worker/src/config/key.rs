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
    /// Model files.
    ModelsRoot,
    /// Only while nobody uses the machine.
    OnlyWhenIdle,
    /// No offers.
    Paused,
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
    /// Of the local API.
    LocalApiPort,
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
    pub const ALL: [Self; 21] = [
        Self::ApiBaseUrl,
        Self::VramThresholdGb,
        Self::ModelsRoot,
        Self::OnlyWhenIdle,
        Self::Paused,
        Self::RemoteControl,
        Self::Slots,
        Self::ShutdownGraceSecs,
        Self::WsReconnectAttempts,
        Self::LogDir,
        Self::EnginesDir,
        Self::LocalApiPort,
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
            Self::ModelsRoot => "models_root",
            Self::OnlyWhenIdle => "only_when_idle",
            Self::Paused => "paused",
            Self::RemoteControl => "remote_control",
            Self::Slots => "slots",
            Self::WsReconnectAttempts => "ws_reconnect_attempts",
            Self::ShutdownGraceSecs => "shutdown_grace_secs",
            Self::LogDir => "log_dir",
            Self::EnginesDir => "engines_dir",
            Self::LocalApiPort => "local_api_port",
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

    /// Whether a running daemon takes a change up by itself.
    pub fn is_live(self) -> bool {
        matches!(self, Self::VramThresholdGb | Self::OnlyWhenIdle | Self::Paused)
    }
}

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|key| key.as_str() == name).ok_or_else(|| UnknownKey(name.to_owned()))
    }
}
