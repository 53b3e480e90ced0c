//! The limits that decide when a job comes back.

use std::time::Duration;

use studio_protocol::FeatureSet;

/// A session counts as faster than another beyond this ratio of measured speeds; below it is noise.
pub const SPEED_RATIO: f64 = 1.25;

/// Every limit of the coordinator; the defaults are the protocol's.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Without a frame for this long a session counts as gone.
    ///
    /// Half a second below the protocol's 30 s, so that detection and requeue together stay within them.
    pub stale: Duration,
    /// How long a worker's claims are kept after its socket is gone; half a second below 30 s, as above.
    pub keep: Duration,
    /// The same after a start of the studio: the longest reconnect delay (30 s) and a connection (15 s) fit in.
    pub keep_after_start: Duration,
    /// An offer that is not answered by a worker that is there.
    pub offer_answer: Duration,
    /// A claim that no heartbeat of a worker that is there names; with the sweep below the protocol's 75 s.
    pub unnamed: Duration,
    /// How long a job that was refused without a reason is kept from the worker that refused it.
    pub refused: Duration,
    /// How long a job that failed, but may be tried again, is kept from the worker that failed it.
    pub failed_here: Duration,
    /// Before the store is asked again to put a job back, when it could not.
    pub store_again: Duration,
    /// Jobs of loaded models that a worker may do in a row while others wait for a model that nobody has loaded.
    pub resident_streak: u32,
    /// What this studio announces.
    pub features: FeatureSet,
}

impl Default for Timing {
    fn default() -> Self {
        use studio_protocol::Feature;
        Self {
            stale: Duration::from_millis(29_500),
            keep: Duration::from_millis(29_500),
            keep_after_start: Duration::from_mins(1),
            offer_answer: Duration::from_secs(30),
            unnamed: Duration::from_mins(1),
            refused: Duration::from_mins(1),
            failed_here: Duration::from_secs(1),
            store_again: Duration::from_secs(1),
            resident_streak: 64,
            features: FeatureSet::of(&Feature::ALL),
        }
    }
}
