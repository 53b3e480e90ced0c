//! What a seed makes of a run: how long the storm lasts, which faults it brings, and how often.

use std::time::Duration;

use crate::dice::Dice;

/// A sort of fault or of interference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The studio is killed.
    StudioCrash,
    /// The studio is stopped with SIGTERM.
    StudioStop,
    /// A worker's process is killed; its sockets are reset.
    WorkerCrash,
    /// A worker's machine is switched off: nobody is told.
    PowerLoss,
    /// A worker gets SIGTERM.
    WorkerStop,
    /// A connection breaks; either side may notice, or none.
    Cut,
    /// A machine's network swallows everything for a while, and brings it late.
    Hole,
    /// The same for all machines.
    Outage,
    /// The disk under a spool is full.
    SpoolFull,
    /// The disk under the database is full.
    StoreFull,
    /// A commit takes long.
    Stall,
    /// The time of day jumps by a day.
    ClockJump,
    /// Somebody cancels a job.
    Cancel,
    /// Somebody tries an ended job again.
    Retry,
    /// Somebody changes a priority.
    Priority,
    /// An operator pauses a worker.
    OperatorPause,
    /// An owner pauses a worker.
    OwnerPause,
    /// An operator removes a worker.
    Remove,
    /// A config folder is copied to another machine, which starts.
    Clone,
}

/// Each with the bounds of its mean interval, in seconds, for a fleet of five.
const FAULTS: [(Fault, u64, u64); 19] = [
    (Fault::StudioCrash, 15, 120),
    (Fault::StudioStop, 40, 200),
    (Fault::WorkerCrash, 10, 80),
    (Fault::PowerLoss, 30, 150),
    (Fault::WorkerStop, 15, 100),
    (Fault::Cut, 4, 60),
    (Fault::Hole, 8, 80),
    (Fault::Outage, 60, 240),
    (Fault::SpoolFull, 20, 120),
    (Fault::StoreFull, 40, 200),
    (Fault::Stall, 10, 80),
    (Fault::ClockJump, 30, 150),
    (Fault::Cancel, 5, 60),
    (Fault::Retry, 5, 60),
    (Fault::Priority, 5, 60),
    (Fault::OperatorPause, 20, 120),
    (Fault::OwnerPause, 20, 120),
    (Fault::Remove, 60, 240),
    (Fault::Clone, 80, 300),
];
/// A seed brings each fault with this probability: runs with few of them reach other states than those with all.
const FAULT_SHARE: f64 = 0.5;

#[derive(Debug)]
pub(crate) struct Climate {
    /// When faults stop.
    pub storm: Duration,
    /// Mean intervals.
    pub faults: Vec<(Fault, Duration)>,
    /// A run of an engine crashes, hangs or fails.
    pub engine_trouble: f64,
    /// A request or its answer is lost.
    pub request_loss: f64,
    /// A packet is slow.
    pub slow_packet: f64,
    /// A connection's packets to the studio are held up for a while, those of others not.
    pub frozen_conn: f64,
    /// The studio dies right after a commit, before anybody hears of it.
    pub crash_after_commit: f64,
}

impl Climate {
    pub fn new(dice: &mut Dice) -> Self {
        let mut faults = Vec::new();
        for (fault, least, most) in FAULTS {
            if dice.chance(FAULT_SHARE) {
                faults.push((fault, dice.millis(least * 1_000, most * 1_000)));
            }
        }
        let mut sometimes = |most: f64| if dice.chance(0.5) { dice.unit() * most } else { 0.0 };
        Self {
            engine_trouble: sometimes(0.2),
            request_loss: sometimes(0.3),
            slow_packet: sometimes(0.1),
            frozen_conn: sometimes(0.3),
            crash_after_commit: sometimes(0.02),
            storm: dice.millis(90_000, 400_000),
            faults,
        }
    }
}
