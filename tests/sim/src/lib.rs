//! A whole fleet in one thread, decided by one seed: the studio's own scheduler and store, the worker's own core,
//! and around them a simulated network, disks, engines, clients and clocks, which all fail.
//!
//! Faults stop after a while; then everything must come to rest. A checker that keeps its own history watches
//! every commit, offer and acknowledgement, and trusts neither the database nor the scheduler.

mod checker;
mod climate;
mod dice;
mod trace;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use world::World;

/// A bug put into the simulation's own glue, to see whether the checker notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mutation {
    /// A result is acknowledged before it is committed.
    EarlyAck,
    /// A worker deletes a result from its spool as soon as it reported it.
    EarlyForget,
    /// A late upload is committed without a look at its attempt number.
    LateUpload,
    /// A studio that starts forgets what workers hold.
    ForgottenClaims,
    /// A heartbeat's held jobs are dropped on the way.
    LostHeldJobs,
    /// A piece of a running text is dropped on the way.
    LostPiece,
    /// A submission is stored again when it is repeated.
    RepeatedSubmission,
}

/// How to run a seed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Prints every event.
    pub trace: bool,
    /// A bug to put in.
    pub mutation: Option<Mutation>,
}

/// What a seed led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which.
    pub seed: u64,
    /// Of all events; the same seed gives the same.
    pub hash: u64,
    /// How many there were.
    pub events: u64,
    /// Virtual time at the end.
    pub time: Duration,
    /// Jobs that were submitted.
    pub jobs: usize,
    /// Sessions that were opened.
    pub sessions: u64,
    /// Faults that struck.
    pub faults: u64,
    /// The rule that was broken, and how.
    pub violation: Option<String>,
    /// The last events.
    pub tail: Vec<String>,
}

/// Runs one seed to its end or to the first violation.
pub fn run(seed: u64, options: Options) -> Report {
    let mut world = World::new(seed, options);
    let outcome = catch_unwind(AssertUnwindSafe(|| world.run()));
    let panicked = outcome.err().map(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("panic: {}", text.unwrap_or_default())
    });
    world.report(panicked)
}
