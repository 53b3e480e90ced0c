//! The local API: what the window and the commands of one machine say to its daemon.
//!
//! The daemon listens on loopback only and writes where, and the token that opens it, into a [`Discovery`] file that only
//! its owner can read. Everything under [`PREFIX`] is JSON with camelCase keys; errors are [`Problem`]s.
//! `GET` requests with `after` and `waitMs` answer as soon as there is something newer, or when the wait is over.

mod client;
mod config;
mod discovery;
mod jobs;
mod logs;
mod models;
mod notice;
mod pause;
mod problem;
mod status;
mod update;

pub use client::{Client, ClientError};
pub use config::{ConfigChange, ConfigProblem, ConfigView, Setting, SettingKind};
pub use discovery::{Discovery, DiscoveryError};
pub use jobs::{JobDay, JobEnd, JobFilter, JobLine, JobPage, JobRecord, Origin};
pub use logs::{LogLine, LogPage, LogSeverity};
pub use models::{AddModel, DiskUse, Download, LoadModel, ModelFile, ModelPlace, ModelView, Models};
pub use notice::{EndedJob, Notice, UnknownNotice};
pub use pause::{PauseAsk, PauseUntil, PauseView, PauseWhen};
pub use problem::Problem;
pub use status::{
    EngineView, Hold, JoinAsk, LaneState, LaneView, MachineView, MemoryView, Presence, RegistrationState,
    RegistrationView, RunningJob, SessionState, ShutdownAsk, Status, WorkerState,
};
pub use update::{UpdateState, UpdateView};

/// In front of everything but `/healthz` and the OpenAI shape under `/v1`.
pub const PREFIX: &str = "/api/v1";
/// Where the daemon listens unless its owner says otherwise, or somebody else is there.
pub const DEFAULT_PORT: u16 = 4787;
/// The longest that a request with `waitMs` is kept waiting: below the idle limits of clients.
pub const MAX_WAIT_MS: u64 = 30_000;
