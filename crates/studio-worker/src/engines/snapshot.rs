//! What an engine is doing, for status pages and tests.

use std::collections::BTreeMap;

use worker_local::{LaneState, LaneView};

/// Where an engine's process stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum EngineState {
    /// There is no process.
    #[default]
    Stopped,
    /// It was asked to end.
    Stopping,
    /// No job runs.
    Ready,
    /// The process has not said `ready` yet.
    Starting,
    /// Jobs run, or a model is on its way.
    Busy,
}

/// A copy of an engine's state at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
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
    /// What the loaded model takes, where its engine says so.
    pub memory_bytes: Option<u64>,
    /// Whether it computes on a device with memory of its own.
    pub on_device: bool,
    /// Models that are refused until the daemon restarts, with the reason.
    pub refused: BTreeMap<String, String>,
}

/// One model's serving path: a process of its engine.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaneSnapshot {
    /// The word of `modelSource.engine`.
    pub engine: String,
    /// The registry's name; empty for the one that only says what the engine can do.
    pub model: String,
    /// What the owner wants kept in memory.
    pub resident: bool,
    /// Its process.
    pub process: EngineSnapshot,
}

impl EngineSnapshot {
    /// Several lanes of one engine as one: the busiest names state, process and model, counts are sums.
    pub(super) fn merged<'a>(lanes: impl Iterator<Item = &'a Self>) -> Self {
        lanes.fold(Self::default(), |sum, lane| {
            let (top, other) = if lane.state >= sum.state { (lane, &sum) } else { (&sum, lane) };
            Self {
                state: top.state,
                pid: top.pid.or(other.pid),
                model: top.model.clone().or_else(|| other.model.clone()),
                running: sum.running + lane.running,
                waiting: sum.waiting + lane.waiting,
                starts: sum.starts + lane.starts,
                loads: sum.loads + lane.loads,
                memory_bytes: match (sum.memory_bytes, lane.memory_bytes) {
                    (None, None) => None,
                    (one, two) => Some(one.unwrap_or(0) + two.unwrap_or(0)),
                },
                on_device: sum.on_device || lane.on_device,
                refused: sum
                    .refused
                    .iter()
                    .chain(&lane.refused)
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect(),
            }
        })
    }
}

/// As the local API shows it.
impl From<&LaneSnapshot> for LaneView {
    fn from(lane: &LaneSnapshot) -> Self {
        let process = &lane.process;
        Self {
            engine: lane.engine.clone(),
            model: lane.model.clone(),
            loaded: process.model.is_some(),
            resident: lane.resident,
            state: match process.state {
                EngineState::Stopped => LaneState::Stopped,
                EngineState::Stopping => LaneState::Stopping,
                EngineState::Ready => LaneState::Ready,
                EngineState::Starting => LaneState::Starting,
                EngineState::Busy => LaneState::Busy,
            },
            pid: process.pid,
            running: process.running,
            waiting: process.waiting,
            memory_bytes: process.memory_bytes,
            refused: process.refused.get(&lane.model).cloned(),
        }
    }
}
