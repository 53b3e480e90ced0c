//! One model's serving path, as the host sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc, watch};

use super::actor::Ask;
use super::admission::Use;
use super::{EngineSnapshot, EngineState, LaneSnapshot};

/// The engine's word and the model's name; the name is empty for the lane that only describes its engine.
pub(super) type LaneKey = (String, String);

/// How much a lane was given and has not ended; shared with the task that owns its process.
#[derive(Debug, Clone, Default)]
pub(super) struct Load {
    open: Arc<AtomicUsize>,
    /// Wakes the host.
    pub(super) changed: Arc<Notify>,
}

impl Load {
    /// A count of its own that wakes the same host.
    pub(super) fn fresh(&self) -> Self {
        Self { open: Arc::default(), changed: self.changed.clone() }
    }

    pub(super) fn more(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn less(&self) {
        // The host's own refusals end jobs that no lane was given.
        let _ = self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| open.checked_sub(1));
        self.changed.notify_one();
    }

    fn is_zero(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }
}

/// A lane: a task that owns at most one process.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) mailbox: mpsc::Sender<Ask>,
    pub(super) snapshot: watch::Receiver<EngineSnapshot>,
    pub(super) load: Load,
    /// Bytes that its model needs, as far as known.
    pub(super) need: u64,
    /// Models of one group are never in memory together.
    pub(super) group: Option<String>,
    pub(super) resident: bool,
    /// When it was last used, as a count.
    pub(super) used: u64,
    /// It was asked to end its process.
    pub(super) leaving: bool,
}

impl Lane {
    /// Whether it has a process, or is about to have one.
    pub(super) fn is_live(&self) -> bool {
        !self.load.is_zero() || self.snapshot.borrow().state != EngineState::Stopped
    }

    pub(super) fn usage(&self) -> Use {
        if !self.load.is_zero() {
            return Use::Busy;
        }
        match self.snapshot.borrow().state {
            EngineState::Busy | EngineState::Starting => Use::Busy,
            EngineState::Ready if !self.leaving => Use::Idle,
            EngineState::Stopped | EngineState::Stopping | EngineState::Ready => Use::Leaving,
        }
    }

    /// What comes back when it leaves, as far as known; what it still owes would not be taken at all.
    pub(super) fn holds(&self) -> u64 {
        self.snapshot.borrow().memory_bytes.unwrap_or(self.need)
    }

    /// What it will take and has not taken yet.
    pub(super) fn owes(&self) -> u64 {
        if self.is_live() && self.snapshot.borrow().model.is_none() { self.need } else { 0 }
    }

    pub(super) fn is_on_device(&self) -> bool {
        self.snapshot.borrow().on_device
    }

    /// Nothing would be lost with it.
    pub(super) fn is_forgettable(&self) -> bool {
        !self.is_live() && self.snapshot.borrow().refused.is_empty()
    }

    pub(super) fn shown(&self, key: &LaneKey) -> LaneSnapshot {
        LaneSnapshot {
            engine: key.0.clone(),
            model: key.1.clone(),
            resident: self.resident,
            process: self.snapshot.borrow().clone(),
        }
    }
}
