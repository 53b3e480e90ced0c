//! What the owner decided, and the bounds of the core.

use std::time::Duration;

use studio_protocol::{Feature, FeatureSet};

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

/// What the owner decided.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Jobs of one kind at once; 1 is the base protocol.
    pub slots: u32,
    /// Starts paused.
    pub paused: bool,
    /// Whether an operator may pause, resume and drain this worker.
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
            slots: 1,
            paused: false,
            remote_control: true,
            reconnect_attempts: 0,
            shutdown_grace: DEFAULT_SHUTDOWN_GRACE,
            vram_reserve_gb: DEFAULT_VRAM_RESERVE_GB,
        }
    }
}

impl Settings {
    /// The extensions that this worker announces: only what works.
    pub(crate) fn features(&self) -> FeatureSet {
        [
            Some(Feature::Progress),
            Some(Feature::Cancel),
            Some(Feature::Lease),
            Some(Feature::Resume),
            Some(Feature::Release),
            (self.slots > 1).then_some(Feature::Slots),
            Some(Feature::Goodbye),
            self.remote_control.then_some(Feature::Control),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
