//! What the end-to-end stories share: a studio with workers, small disks, a clock that jumps, a look at processes.
//!
//! `cargo build --workspace --bins && cargo nextest run -p e2e`. They need Linux, `libfaketime` (`apt-get install
//! faketime`) and the right to mount: root, or user namespaces. `TESTKIT_KEEP=1` keeps what a test leaves behind.

mod clock;
mod disk;
mod job;
mod look;
mod story;

pub use clock::FakeClock;
pub use disk::{SmallDisk, in_own_mounts};
pub use job::{chat, outcomes, picture};
pub use look::{is_alive, memory_peak_kib, reset_memory_peak, wait_until_dead};
pub use story::{Story, id_of};

use std::time::Duration;

/// For what should be done at once, on a machine that is busy with other things.
pub const SOON: Duration = Duration::from_secs(20);
