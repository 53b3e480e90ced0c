//! Everything that is worth seeing at a glance: `GET /api/v1/status?after=&waitMs=`.

use serde::{Deserialize, Serialize};
use studio_protocol::{Stage, TaskKind, Timestamp};

use crate::{Download, EndedJob, Origin, PauseView, UpdateView};

/// The worker at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Rises with each change; for `after` of the next request.
    pub generation: u64,
    /// Of the daemon's program.
    pub version: String,
    /// The daemon's process.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// The config file.
    pub config_path: String,
    /// Where log files are.
    pub log_dir: String,
    /// Where its studio is.
    pub api_base_url: String,
    /// In one word, as the tray shows it.
    pub state: WorkerState,
    /// Who it is to its studio.
    pub registration: RegistrationView,
    /// How it is connected.
    pub session: SessionState,
    /// Why there is no session, until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_trouble: Option<String>,
    /// The owner's, or an operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseView>,
    /// The owner's rules that keep it from taking jobs now.
    #[serde(default)]
    pub holds: Vec<Hold>,
    /// Whether somebody uses the machine.
    pub presence: Presence,
    /// About to end.
    #[serde(default)]
    pub ending: bool,
    /// What runs, oldest first.
    #[serde(default)]
    pub jobs: Vec<RunningJob>,
    /// The studio's that ended last, oldest first; a few.
    #[serde(default)]
    pub ended_jobs: Vec<EndedJob>,
    /// Results that the studio has not acknowledged.
    #[serde(default)]
    pub waiting_results: usize,
    /// Whether the disk under the spool is full.
    #[serde(default)]
    pub spool_full: bool,
    /// What the machine is.
    pub machine: MachineView,
    /// What models may take and take.
    pub memory: MemoryView,
    /// Every engine that was found.
    #[serde(default)]
    pub engines: Vec<EngineView>,
    /// The models that have, or had, an engine process.
    #[serde(default)]
    pub lanes: Vec<LaneView>,
    /// Downloads that run.
    #[serde(default)]
    pub downloads: Vec<Download>,
    /// Whether there is a newer version.
    #[serde(default)]
    pub update: UpdateView,
    /// The number of the newest record of the history; lists are stale when it rises.
    #[serde(default)]
    pub last_record: u64,
    /// The number of the newest log line.
    #[serde(default)]
    pub last_log: u64,
    /// How often a second start has asked for the window.
    #[serde(default)]
    pub raises: u64,
    /// What the owner wants to be told of on the desktop: words of [`Notice`](crate::Notice).
    #[serde(default)]
    pub notify_on: Vec<String>,
}

/// The worker in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkerState {
    /// Ready for jobs.
    Idle,
    /// A job runs.
    Busy,
    /// Takes no jobs, because somebody or a rule said so.
    Paused,
    /// Has no session.
    #[default]
    Disconnected,
}

/// How far the registration is (protocol section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RegistrationState {
    /// Has not asked yet.
    #[default]
    Pristine,
    /// An operator has to decide.
    Pending,
    /// Is a worker of its studio.
    Approved,
    /// An operator said no.
    Rejected,
}

/// Who this worker is to its studio.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationView {
    /// How far.
    pub state: RegistrationState,
    /// What an operator sees while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Once approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Where the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SessionState {
    /// Nobody to connect to.
    #[default]
    Off,
    /// Before the next try.
    Waiting,
    /// On its way.
    Connecting,
    /// Not welcome yet.
    Greeting,
    /// Jobs may come.
    Open,
}

/// A rule of the owner that keeps jobs away now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Which setting it comes from, `pause_on_battery`.
    pub rule: String,
    /// For people: `the machine runs on battery`.
    pub reason: String,
}

/// Whether somebody uses the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// Nobody can tell; counts as active.
    #[default]
    Unknown,
    /// Somebody does.
    Active,
    /// Nobody does.
    Idle,
}

/// One running job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunningJob {
    /// The studio's id, or `local-...`.
    pub id: String,
    /// Who asked.
    pub origin: Origin,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// With which model.
    pub model: String,
    /// Of which project; empty for local ones.
    #[serde(default)]
    pub project: String,
    /// The name of the thing to make; may be empty.
    #[serde(default)]
    pub name: String,
    /// The beginning of its prompt.
    #[serde(default)]
    pub prompt: String,
    /// When this worker took it.
    pub started_at: Timestamp,
    /// What it is busy with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Steps done.
    #[serde(default)]
    pub step: u32,
    /// Steps in all, 0 when unknown.
    #[serde(default)]
    pub steps: u32,
    /// Estimated time left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<u64>,
    /// Bytes moved in this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes to move in this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
    /// Rises with each look at it; `GET /api/v1/jobs/{id}/preview` has the latest. 0: none yet.
    #[serde(default)]
    pub preview: u64,
}

/// What the machine is, and what is free on it; GiB, absent when unknown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MachineView {
    /// The host name.
    pub name: String,
    /// `linux x86_64`.
    pub platform: String,
    /// Of the largest GPU.
    pub gpu: Option<String>,
    /// All of the GPU's memory.
    pub vram_total_gb: Option<f64>,
    /// What nobody uses of it.
    pub vram_free_gb: Option<f64>,
    /// The system's memory.
    pub ram_total_gb: Option<f64>,
    /// What programs can still have.
    pub ram_free_gb: Option<f64>,
    /// The disk of the models.
    pub disk_total_gb: Option<f64>,
    /// What is left on it.
    pub disk_free_gb: Option<f64>,
    /// Logical processors.
    pub processors: u32,
}

/// What models may take.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoryView {
    /// Jobs may use, GiB.
    pub threshold_gb: f64,
    /// Left alone, GiB.
    pub reserve_gb: f64,
    /// All models in memory together, bytes.
    pub loaded_bytes: u64,
    /// Whether models are in the GPU's memory, or in the system's.
    pub on_device: bool,
}

/// An engine that was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EngineView {
    /// The word of `modelSource.engine`.
    pub name: String,
    /// Of its program, where it says so.
    pub version: Option<String>,
    /// What it makes.
    pub kinds: Vec<String>,
    /// Its program.
    pub path: String,
}

/// Where a model's process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LaneState {
    /// There is no process.
    #[default]
    Stopped,
    /// It was asked to end.
    Stopping,
    /// No job runs.
    Ready,
    /// The process has not said `ready` yet.
    Starting,
    /// Jobs run, or the model is on its way.
    Busy,
}

/// One model's process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LaneView {
    /// Of which engine.
    pub engine: String,
    /// The registry's name.
    pub model: String,
    /// Whether the model is in memory.
    pub loaded: bool,
    /// The owner wants it kept there.
    pub resident: bool,
    /// Where the process stands.
    pub state: LaneState,
    /// The process.
    pub pid: Option<u32>,
    /// Jobs that run.
    pub running: usize,
    /// Jobs that wait for it.
    pub waiting: usize,
    /// What the model takes, where its engine says so.
    pub memory_bytes: Option<u64>,
    /// Why the model is refused until the daemon restarts.
    pub refused: Option<String>,
}

/// `POST /api/v1/registration/join`: register with a code instead of an operator's approval.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JoinAsk {
    /// As `studio join-code` prints it.
    pub code: String,
    /// Another studio than the config's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_base_url: Option<String>,
}

impl std::fmt::Debug for JoinAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinAsk").field("api_base_url", &self.api_base_url).finish_non_exhaustive()
    }
}

/// `POST /api/v1/shutdown`: ends the daemon; what runs gets the shutdown grace, then goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ShutdownAsk {
    /// Finish what runs first, however long it takes.
    pub after_jobs: bool,
}
