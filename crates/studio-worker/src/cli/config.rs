//! `studio-worker config`: shows and changes settings.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use toml_edit::Value;

use super::output;
use crate::config::{self, ConfigFile, Key, MEGABIT};
use crate::hardware::GIB;
use crate::lock::{self, LockState};
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    command: Option<Command>,
    /// For scripts
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Change one setting
    Set {
        /// Its name
        key: String,
        /// Its value
        value: String,
    },
    /// Print where the config file is
    Path,
}

impl Config {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        match &self.command {
            None => show(home, self.json),
            Some(Command::Path) => {
                output::line(home.config().display().to_string());
                Ok(Exit::Clean)
            }
            Some(Command::Set { key, value }) => set(home, key, value),
        }
    }
}

fn show(home: &Home, json: bool) -> anyhow::Result<Exit> {
    let config = ConfigFile::new(home.config()).load_or_create()?;
    let shown: Vec<(&str, serde_json::Value)> =
        Key::ALL.into_iter().map(|key| (key.as_str(), shown(&config, home, key))).collect();
    if json {
        output::json(&shown.into_iter().collect::<std::collections::BTreeMap<_, _>>())?;
        return Ok(Exit::Clean);
    }
    output::line(format!("# {}", home.config().display()));
    for (key, value) in shown {
        let variable = key.parse::<Key>().map(Key::variable).unwrap_or_default();
        let from = if std::env::var_os(&variable).is_some() {
            format!("  # from {variable}")
        } else {
            String::new()
        };
        if value.is_null() {
            output::line(format!("# {key} is not set{from}"));
        } else {
            output::line(format!("{key} = {value}{from}"));
        }
    }
    for key in &config.unknown_keys {
        output::note(format!("warning: `{key}` is not a setting of this version; it is kept"));
    }
    Ok(Exit::Clean)
}

fn shown(config: &config::Config, home: &Home, key: Key) -> serde_json::Value {
    use worker_core::Identity;
    let identity = &config.identity;
    let hidden = serde_json::json!("<secret>");
    match key {
        Key::ApiBaseUrl => config.api_base_url.clone().into(),
        Key::InstallId => identity.install_id().into(),
        Key::RegistrationRequestId => match identity {
            Identity::Pending { request_id, .. } => request_id.as_str().into(),
            Identity::Pristine { .. } | Identity::Approved { .. } | Identity::Rejected { .. } => {
                serde_json::Value::Null
            }
        },
        Key::RegistrationSecret if matches!(identity, Identity::Pending { .. }) => hidden,
        Key::AuthToken if identity.worker_id().is_some() => hidden,
        Key::RegistrationSecret | Key::AuthToken => serde_json::Value::Null,
        Key::RegistrationRejected => match identity {
            Identity::Rejected { reason, .. } => reason.clone().into(),
            Identity::Pristine { .. } | Identity::Approved { .. } | Identity::Pending { .. } => {
                serde_json::Value::Null
            }
        },
        Key::WorkerId => identity.worker_id().map(studio_protocol::WorkerId::as_str).into(),
        Key::VramThresholdGb => config.vram_threshold_gb.into(),
        Key::ModelsRoot => {
            config.models_root.as_deref().unwrap_or(home.models()).display().to_string().into()
        }
        Key::OnlyWhenIdle => config.only_when_idle.into(),
        Key::Paused => config.paused.into(),
        Key::RemoteControl => config.remote_control.into(),
        Key::Slots => config.slots.into(),
        Key::WsReconnectAttempts => config.ws_reconnect_attempts.into(),
        Key::ShutdownGraceSecs => config.shutdown_grace.as_secs_f64().into(),
        Key::LogDir => config.log_dir.clone().unwrap_or_else(|| home.logs()).display().to_string().into(),
        Key::EnginesDir => config.engines_dir.as_ref().map(|dir| dir.display().to_string()).into(),
        Key::Engines => config.engines.clone().into(),
        Key::LocalApiPort => config.local_api_port.into(),
        Key::HistoryDays => config.history_days.into(),
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

fn set(home: &Home, name: &str, text: &str) -> anyhow::Result<Exit> {
    let key: Key = name.parse()?;
    if key.is_registration() {
        bail!("`{name}` belongs to the registration: use `studio-worker register` or `join`");
    }
    let value = if key.is_list() { list_of(text) } else { value_of(text) };
    ConfigFile::new(home.config()).save(key, value)?;
    told_change(home, key, text)
}

/// Says whether a running worker has to be restarted for a change.
pub(super) fn told_change(home: &Home, key: Key, text: &str) -> anyhow::Result<Exit> {
    output::line(format!("{} = {text}", key.as_str()));
    let running = lock::look(&home.lock()).context("could not read the lock")? != LockState::Free;
    match (running, key.is_live()) {
        (true, true) => output::note("the running worker takes it up within seconds"),
        (true, false) => output::note("the running worker takes it up when it is restarted"),
        (false, _) => {}
    }
    if std::env::var_os(key.variable()).is_some() {
        output::note(format!("{} is set and wins over the file", key.variable()));
    }
    Ok(Exit::Clean)
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB
}

/// Names with commas between them.
fn list_of(text: &str) -> Value {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// Numbers and booleans as such, everything else as text; quotes make a text of anything.
fn value_of(text: &str) -> Value {
    let simple = text
        .parse::<Value>()
        .ok()
        .filter(|value| value.is_bool() || value.is_integer() || value.is_float() || value.is_str());
    simple.unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        assert!(value_of("true").is_bool());
        assert_eq!(value_of("4").as_integer(), Some(4));
        assert_eq!(value_of("4.5").as_float(), Some(4.5));
        assert_eq!(value_of("https://h/x").as_str(), Some("https://h/x"));
        assert_eq!(value_of("\"4\"").as_str(), Some("4"));
        assert_eq!(value_of("[1]").as_str(), Some("[1]"));
    }
}
