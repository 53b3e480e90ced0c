//! The shell around the pure coordinator: carries out its effects and brings the outcomes back.
//!
//! One task owns the coordinator. Sockets, the API and the store's writer hand it inputs; frames go out through
//! a bounded channel for each session, changes go to the store in order.

mod handle;
mod observed;
mod shell;

use std::time::Duration;

pub use handle::CoordinatorHandle;
pub(crate) use handle::{Letter, Outgoing};
pub(crate) use shell::spawn;

/// Inputs from sockets and the API that may wait; a full inbox slows the sockets down, which is what we want.
const INBOX: usize = 4096;

/// Frames that may wait for a session's socket; a worker that reads so slowly is not worth waiting for.
pub(crate) const OUTBOX: usize = 256;

/// How often time is looked at: well below the half second that the limits leave for detection.
const TICK: Duration = Duration::from_millis(250);

/// How often it is written down that connected workers are there: for people, so a minute is fine.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);
