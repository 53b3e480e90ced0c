//! From TOML values and variables to a valid [`Config`].

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use studio_protocol::{ApiBase, RequestId, TaskKind, WorkerId};
use toml_edit::{Document, Item, Value};
use worker_core::{DEFAULT_IDLE_AFTER, Identity, Rules, Schedule, Secret};
use worker_local::Notice;

use super::{Config, Key, PausedUntil, Problem};
use crate::hardware::GIB;

/// The studio that runs beside the worker.
pub(super) const DEFAULT_API_BASE_URL: &str = "http://127.0.0.1:4780";
/// As the programs that look for it expect.
pub(super) const DEFAULT_LOCAL_API_PORT: u16 = worker_local::DEFAULT_PORT;
/// 0 is whichever is free.
pub(super) const PORTS: RangeInclusive<i64> = 0..=65_535;
/// As many as the counter holds.
pub(super) const RECONNECTS: RangeInclusive<i64> = 0..=4_294_967_295;
/// More would only wait: no engine batches wider.
pub(super) const SLOTS: RangeInclusive<i64> = 1..=64;
/// An hour: supervisors kill long before.
pub(super) const GRACE_SECS: RangeInclusive<f64> = 0.0..=3_600.0;
/// More than any device has, GiB.
pub(super) const VRAM_GB: RangeInclusive<f64> = 0.0..=10_000.0;
/// More than any machine has processors.
pub(super) const THREADS: RangeInclusive<i64> = 1..=1_024;
/// A second to a day: engines, models and their waits.
pub(super) const WAIT_SECS: RangeInclusive<f64> = 1.0..=86_400.0;
/// More than any machine has, GiB.
pub(super) const DISK_GB: RangeInclusive<f64> = 0.1..=1_000_000.0;
/// From a modem to the fastest network card, megabits a second.
pub(super) const MBPS: RangeInclusive<f64> = 0.05..=1_000_000.0;
/// Bytes of a megabit.
pub(crate) const MEGABIT: f64 = 125_000.0;
/// A coffee break: long enough between two jobs of a person, short enough to give the memory back.
pub(super) const DEFAULT_MODEL_IDLE: Duration = Duration::from_mins(5);
/// Starting loads libraries and drivers, no models.
pub(super) const DEFAULT_START_LIMIT: Duration = Duration::from_secs(30);
/// Tens of GB from a slow disk.
pub(super) const DEFAULT_LOAD_LIMIT: Duration = Duration::from_mins(10);
/// A minute to a month.
pub(super) const UPDATE_SECS: RangeInclusive<i64> = 60..=2_592_000;
/// None to ten years.
pub(super) const HISTORY_DAYS: RangeInclusive<i64> = 0..=3_650;
/// A month: what a person still asks about.
pub(super) const DEFAULT_HISTORY_DAYS: u32 = 30;
/// Six hours.
pub(super) const DEFAULT_UPDATE_SECS: i64 = 21_600;

/// Each is a process with libraries of its own.
pub(super) const LANES: RangeInclusive<i64> = 1..=64;
/// From an icon to more than any model makes.
pub(super) const PIXELS: RangeInclusive<i64> = 4_096..=1_000_000_000;
/// A moment to a day.
pub(super) const IDLE_SECS: RangeInclusive<f64> = 5.0..=86_400.0;

/// Looks an environment variable up.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads values one by one and collects what is wrong with them.
struct Reader<'a> {
    document: &'a Document<String>,
    variables: Variables<'a>,
    problems: Vec<Problem>,
}

/// A value and where it stands.
enum Found {
    File { value: Value, line: Option<usize> },
    Variable(String),
}

/// Reads a whole config, or tells everything that is wrong with it.
pub(super) fn read(document: &Document<String>, variables: Variables<'_>) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader { document, variables, problems: Vec::new() };
    let api_base_url = reader.text(Key::ApiBaseUrl).unwrap_or_else(|| DEFAULT_API_BASE_URL.to_owned());
    // With a wrong address the default stands in, so that the other problems are found too.
    let studio = ApiBase::parse(&api_base_url).unwrap_or_else(|error| {
        reader.problem(Key::ApiBaseUrl, error.to_string());
        ApiBase::parse(DEFAULT_API_BASE_URL).expect("the default is an address")
    });
    let identity = reader.identity();
    let config = Config {
        studio,
        api_base_url,
        identity,
        vram_threshold_gb: reader.float(Key::VramThresholdGb, VRAM_GB),
        models_root: reader.path(Key::ModelsRoot),
        max_lanes: reader
            .integer(Key::MaxLanes, LANES)
            .map_or(crate::engines::DEFAULT_MAX_LANES, |lanes| lanes as usize),
        rules: reader.rules(),
        accept_kinds: reader.kinds(),
        accept_projects: reader.texts(Key::AcceptProjects),
        accept_max_pixels: reader.integer(Key::AcceptMaxPixels, PIXELS).map(|pixels| pixels as u64),
        paused: reader.flag(Key::Paused, false),
        paused_until: reader.paused_until(),
        remote_control: reader.flag(Key::RemoteControl, true),
        slots: reader.integer(Key::Slots, SLOTS).map(|slots| slots as u32),
        ws_reconnect_attempts: reader
            .integer(Key::WsReconnectAttempts, RECONNECTS)
            .map_or(0, |attempts| attempts as u32),
        shutdown_grace: reader
            .float(Key::ShutdownGraceSecs, GRACE_SECS)
            .map_or(worker_core::Settings::default().shutdown_grace, Duration::from_secs_f64),
        log_dir: reader.path(Key::LogDir),
        engines_dir: reader.path(Key::EnginesDir),
        engines: reader.texts(Key::Engines),
        local_api_port: reader
            .integer(Key::LocalApiPort, PORTS)
            .map_or(DEFAULT_LOCAL_API_PORT, |port| port as u16),
        history_days: reader
            .integer(Key::HistoryDays, HISTORY_DAYS)
            .map_or(DEFAULT_HISTORY_DAYS, |days| days as u32),
        notify_on: reader.notices(),
        model_idle: reader.seconds(Key::ModelIdleSecs).unwrap_or(DEFAULT_MODEL_IDLE),
        resident_models: reader.texts(Key::ResidentModels),
        memory_reserve: reader
            .float(Key::MemoryReserveGb, VRAM_GB)
            .map_or(crate::engines::DEFAULT_RESERVE, |gb| (gb * GIB) as u64),
        disk_cap: reader.float(Key::DiskCapGb, DISK_GB).map(|gb| (gb * GIB) as u64),
        download_limit: reader.float(Key::DownloadLimitMbps, MBPS).map(|mbps| (mbps * MEGABIT) as u64),
        engine_threads: reader.integer(Key::EngineThreads, THREADS).map(|threads| threads as u32),
        engine_start_limit: reader.seconds(Key::EngineStartLimitSecs).unwrap_or(DEFAULT_START_LIMIT),
        engine_load_limit: reader.seconds(Key::EngineLoadLimitSecs).unwrap_or(DEFAULT_LOAD_LIMIT),
        engine_step_limit: reader.seconds(Key::EngineStepLimitSecs),
        auto_update_enabled: reader.flag(Key::AutoUpdateEnabled, false),
        auto_update_interval: Duration::from_secs(
            reader.integer(Key::AutoUpdateIntervalSecs, UPDATE_SECS).unwrap_or(DEFAULT_UPDATE_SECS) as u64,
        ),
        auto_update_feed: reader.text(Key::AutoUpdateFeed),
        unknown_keys: reader.unknown_keys(),
    };
    if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems) }
}

impl Reader<'_> {
    /// Half a registration cannot be continued, and guessing would lose an identity.
    fn identity(&mut self) -> Identity {
        let install_id = self.text(Key::InstallId);
        let request = (self.text(Key::RegistrationRequestId), self.text(Key::RegistrationSecret));
        let approved = (self.text(Key::WorkerId), self.text(Key::AuthToken));
        let rejected = self.text(Key::RegistrationRejected);
        let known_install = install_id.clone().unwrap_or_default();
        match approved {
            (Some(worker_id), Some(token)) => {
                return Identity::Approved {
                    install_id: known_install,
                    worker_id: WorkerId::from(worker_id),
                    auth_token: Secret::new(token),
                };
            }
            (Some(_), None) => self.half(Key::WorkerId, Key::AuthToken),
            (None, Some(_)) => self.half(Key::AuthToken, Key::WorkerId),
            (None, None) => {}
        }
        match request {
            (Some(request_id), Some(secret)) => {
                return Identity::Pending {
                    install_id: known_install,
                    request_id: RequestId::from(request_id),
                    secret: Secret::new(secret),
                };
            }
            (Some(_), None) => self.half(Key::RegistrationRequestId, Key::RegistrationSecret),
            (None, Some(_)) => self.half(Key::RegistrationSecret, Key::RegistrationRequestId),
            (None, None) => {}
        }
        match rejected {
            Some(reason) => Identity::Rejected { install_id: known_install, reason },
            None => Identity::Pristine { install_id },
        }
    }

    fn half(&mut self, present: Key, missing: Key) {
        let what =
            format!("stands without `{}`; `studio-worker register --reset` starts over", missing.as_str());
        self.problem(present, what);
    }

    fn find(&self, key: Key) -> Option<Found> {
        if !key.is_registration()
            && let Some(text) = (self.variables)(&key.variable())
        {
            return Some(Found::Variable(text));
        }
        let item = self.document.get(key.as_str())?;
        let line = self.line(item, key.as_str());
        match item {
            Item::Value(value) => Some(Found::File { value: value.clone(), line }),
            Item::None => None,
            // A table under the name of a setting: an empty array is of no setting's type.
            Item::Table(_) | Item::ArrayOfTables(_) => {
                Some(Found::File { value: Value::Array(toml_edit::Array::new()), line })
            }
        }
    }

    fn text(&mut self, key: Key) -> Option<String> {
        match self.find(key)? {
            Found::Variable(text) => Some(text),
            Found::File { value: Value::String(text), .. } => Some(text.into_value()),
            Found::File { .. } => self.wrong(key, "a text in quotes"),
        }
    }

    fn path(&mut self, key: Key) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    fn flag(&mut self, key: Key, default: bool) -> bool {
        let found = match self.find(key) {
            None => return default,
            Some(Found::Variable(text)) => match text.as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            Some(Found::File { value, .. }) => value.as_bool(),
        };
        found.or_else(|| self.wrong(key, "true or false")).unwrap_or(default)
    }

    fn optional_flag(&mut self, key: Key) -> Option<bool> {
        self.find(key).is_some().then(|| self.flag(key, false))
    }

    fn rules(&mut self) -> Rules {
        let lines = self.texts(Key::Schedule);
        let schedule = Schedule::parse(&lines).unwrap_or_else(|error| {
            self.problem(Key::Schedule, error.to_string());
            Schedule::default()
        });
        Rules {
            only_when_idle: self.flag(Key::OnlyWhenIdle, false),
            idle_after: self
                .float(Key::IdleAfterSecs, IDLE_SECS)
                .map_or(DEFAULT_IDLE_AFTER, Duration::from_secs_f64),
            pause_on_fullscreen: self.flag(Key::PauseOnFullscreen, false),
            pause_for_programs: self.texts(Key::PauseForPrograms),
            pause_on_battery: self.flag(Key::PauseOnBattery, false),
            schedule,
            free_memory: self.optional_flag(Key::RulesFreeMemory),
        }
    }

    fn kinds(&mut self) -> Vec<TaskKind> {
        let mut kinds = Vec::new();
        for word in self.texts(Key::AcceptKinds) {
            if let Ok(kind) = word.parse() {
                kinds.push(kind);
                continue;
            }
            let known: Vec<_> = TaskKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let what = format!("`{}` is none of {}", word.escape_debug(), known.join(", "));
            self.problem(Key::AcceptKinds, what);
        }
        kinds
    }

    fn notices(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        for word in self.texts(Key::NotifyOn) {
            match word.parse::<Notice>() {
                Ok(notice) => notices.push(notice),
                Err(error) => self.problem(Key::NotifyOn, error.to_string()),
            }
        }
        notices
    }

    fn paused_until(&mut self) -> Option<PausedUntil> {
        let text = self.text(Key::PausedUntil)?;
        text.parse()
            .ok()
            .or_else(|| self.wrong(Key::PausedUntil, "a time like 2030-01-31T08:00:00Z, or `idle`"))
    }

    fn integer(&mut self, key: Key, range: RangeInclusive<i64>) -> Option<i64> {
        let found = match self.find(key)? {
            Found::Variable(text) => text.trim().parse().ok(),
            Found::File { value, .. } => value.as_integer(),
        };
        match found {
            Some(number) if range.contains(&number) => Some(number),
            _ => self.wrong(key, &format!("a whole number from {} to {}", range.start(), range.end())),
        }
    }

    fn float(&mut self, key: Key, range: RangeInclusive<f64>) -> Option<f64> {
        let found = match self.find(key)? {
            Found::Variable(text) => text.trim().parse().ok(),
            Found::File { value, .. } => {
                value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
            }
        };
        match found {
            Some(number) if range.contains(&number) => Some(number),
            _ => self.wrong(key, &format!("a number from {} to {}", range.start(), range.end())),
        }
    }

    fn seconds(&mut self, key: Key) -> Option<Duration> {
        self.float(key, WAIT_SECS).map(Duration::from_secs_f64)
    }

    /// A list in the file, names with commas in a variable.
    fn texts(&mut self, key: Key) -> Vec<String> {
        let found = match self.find(key) {
            None => return Vec::new(),
            Some(Found::Variable(text)) => {
                let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
                return names.map(str::to_owned).collect();
            }
            Some(Found::File { value: Value::Array(list), .. }) => {
                list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
            }
            Some(Found::File { .. }) => None,
        };
        found.or_else(|| self.wrong(key, "a list of texts in quotes")).unwrap_or_default()
    }

    fn wrong<T>(&mut self, key: Key, wanted: &str) -> Option<T> {
        let shown = match self.find(key) {
            _ if key.is_secret() => "its value".to_owned(),
            Some(Found::Variable(text)) => format!("`{}`", text.escape_debug()),
            Some(Found::File { value, .. }) => format!("`{}`", value.to_string().trim()),
            None => "it".to_owned(),
        };
        self.problem(key, format!("{shown} is not {wanted}"));
        None
    }

    fn problem(&mut self, key: Key, what: String) {
        let (key, line) = match self.find(key) {
            Some(Found::Variable(_)) => (key.variable(), None),
            Some(Found::File { line, .. }) => (key.as_str().to_owned(), line),
            None => (key.as_str().to_owned(), None),
        };
        self.problems.push(Problem { line, key, what });
    }

    fn line(&self, item: &Item, name: &str) -> Option<usize> {
        let of_key = self.document.key(name).and_then(toml_edit::Key::span);
        let start = of_key.or_else(|| item.span())?.start;
        let before = self.document.raw().get(..start)?;
        Some(before.matches('\n').count() + 1)
    }

    fn unknown_keys(&self) -> Vec<String> {
        let known = |name: &str| Key::ALL.iter().any(|key| key.as_str() == name);
        self.document.iter().map(|(name, _)| name.to_owned()).filter(|name| !known(name)).collect()
    }
}
