//! The worker's decisions: registration, session, slots, offers, results.
//!
//! Pure: [`Worker::handle`] takes what happened and the time, and returns what to do. Nothing here touches a
//! socket, a disk, a process or a clock; randomness comes through [`Draw`]. The daemon and the simulation of
//! a fleet run this very code.
//!
//! A shell calls [`Worker::handle`] with [`Input::Tick`] once to start, then for everything that happens and
//! whenever [`Worker::next_deadline`] has passed, and carries out the returned effects in their order.

mod backoff;
mod change;
mod claims;
mod draw;
mod effect;
mod fails;
mod identity;
mod input;
mod jobs;
mod link;
mod live;
mod logs;
mod offers;
mod outbox;
mod outcomes;
mod owner;
mod pause;
mod registration;
mod release;
mod results;
mod session;
mod settings;
mod shutdown;
mod stream;
mod worker;

pub use backoff::full_jitter;
pub use draw::Draw;
pub use effect::{Effect, ExitReason, JobEnd};
pub use identity::{Identity, Secret};
pub use input::{
    EngineEvent, Input, Machine, PollAnswer, PostAnswer, ProgressReport, SocketEvent, SpoolOutcome,
    UploadOutcome,
};
pub use owner::{
    DEFAULT_IDLE_AFTER, HOLD_LINGER, Hold, LocalTime, Rule, Rules, Schedule, ScheduleError, Seen,
};
pub use pause::Pause;
pub use results::{Output, SpoolEntry};
pub use settings::{MAX_UPLOADS, MAX_WAITING_RESULTS, MemoryRule, SPOOL_RETRY, Settings};
pub use worker::{Snapshot, Worker};
