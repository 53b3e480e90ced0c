//! What an engine is doing, for status pages and tests.

use std::collections::BTreeMap;

/// Where an engine's process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EngineState {
    /// There is no process.
    #[default]
    Stopped,
    /// The process has not said `ready` yet.
    Starting,
    /// No job runs.
    Ready,
    /// Jobs run, or a model is on its way.
    Busy,
    /// It was asked to end.
    Stopping,
}

/// A copy of an engine's state at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineSnapshot {
    /// Where its process stands.
    pub state: EngineState,
    /// Of its process.
    pub pid: Option<u32>,
    /// What is in memory.
    pub model: Option<String>,
    /// Jobs that run.
    pub running: usize,
    /// Jobs that wait for this engine.
    pub waiting: usize,
    /// Processes started so far.
    pub starts: u64,
    /// Models loaded so far, over all processes.
    pub loads: u64,
    /// Models that are refused until the daemon restarts, with the reason.
    pub refused: BTreeMap<String, String>,
}
