//! What the owner decided, and the bounds of the core.

use std::collections::BTreeMap;
use std::time::Duration;

use studio_protocol::{Feature, FeatureSet, TaskKind};

use crate::{Pause, Rules};

/// Results that wait for the studio; beyond it offers are refused as `busy`, so that a dead uplink cannot fill the disk.
pub const MAX_WAITING_RESULTS: usize = 64;
/// Uploads at once: two keep a link full while one of them waits for its answer; more would only share it.
pub const MAX_UPLOADS: usize = 2;
/// How often a full disk under the spool is looked at again.
pub const SPOOL_RETRY: Duration = Duration::from_secs(5);
/// Device memory left alone when an offer is weighed, GiB: what a desktop needs to stay usable.
pub const DEFAULT_VRAM_RESERVE_GB: f64 = 0.5;
/// How long a running job may go on after the first signal.
pub const DEFAULT_SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// How an offer is weighed against the device memory that `Machine` tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemoryRule {
    /// Refused when it needs more than is free beyond the reserve; a model that is loaded needs nothing more.
    #[default]
    Weigh,
    /// Taken: the engines fit it in, or fail it.
    Ignore,
}

/// What the owner decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Jobs of each kind at once, 1 for kinds that are not named; 1 for all is the base protocol: one job in all.
    pub slots: BTreeMap<TaskKind, u32>,
    /// How offers are weighed against device memory.
    pub memory: MemoryRule,
    /// Starts paused.
    pub pause: Option<Pause>,
    /// When jobs are kept away.
    pub rules: Rules,
    /// Whether an operator may pause, resume and drain this worker, and load and unload its models.
    pub remote_control: bool,
    /// Reconnect attempts after a failure, 0 for no limit.
    pub reconnect_attempts: u32,
    /// How long a running job may go on after the first signal.
    pub shutdown_grace: Duration,
    /// Device memory left alone, GiB.
    pub vram_reserve_gb: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots: BTreeMap::new(),
            memory: MemoryRule::default(),
            pause: None,
            rules: Rules::default(),
            remote_control: true,
            reconnect_attempts: 0,
            shutdown_grace: DEFAULT_SHUTDOWN_GRACE,
            vram_reserve_gb: DEFAULT_VRAM_RESERVE_GB,
        }
    }
}

impl Settings {
    /// The same number of slots for every kind.
    pub fn same_slots(slots: u32) -> BTreeMap<TaskKind, u32> {
        TaskKind::ALL.into_iter().map(|kind| (kind, slots)).collect()
    }

    /// Jobs of `kind` at once.
    pub fn slots_of(&self, kind: TaskKind) -> u32 {
        self.slots.get(&kind).copied().unwrap_or(1).max(1)
    }

    /// Whether some kind has several; kinds have their slots beside each other then.
    pub(crate) fn has_slots(&self) -> bool {
        self.slots.values().any(|slots| *slots > 1)
    }

    /// The extensions that this worker announces: only what works.
    pub(crate) fn features(&self) -> FeatureSet {
        [
            Some(Feature::Progress),
            Some(Feature::Preview),
            Some(Feature::Stream),
            Some(Feature::Cancel),
            Some(Feature::Lease),
            Some(Feature::Resume),
            Some(Feature::Release),
            self.has_slots().then_some(Feature::Slots),
            Some(Feature::Goodbye),
            self.remote_control.then_some(Feature::Control),
            Some(Feature::Options),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
