//! Every bound of the protocol, with its reason.

use std::time::Duration;

/// The versions that this build speaks, newest first.
///
/// 1: the first.
pub const PROTOCOLS: &[u32] = &[1];

/// One frame: an offer at the studio protocol's own limit (16 MiB), written anew with its defaults filled in.
///
/// Any printable text read as a length is far above it, so stray output is told from a frame at once.
pub const MAX_FRAME_BYTES: usize = 32 * 1024 * 1024;
/// A JSON result: it must fit a frame of the studio protocol together with its prompt's usual size.
pub const MAX_RESULT_BYTES: usize = 15 * 1024 * 1024;
/// A line of an engine's stderr; the rest of a longer one is cut off.
pub const MAX_LINE_BYTES: usize = 4 * 1024;
/// Characters of a failure's message that are kept: what a person reads.
pub const MAX_MESSAGE_CHARS: usize = 2_000;
/// Jobs that one engine process may say it runs at once: more than any batching engine profits from.
pub const MAX_SLOTS: u32 = 256;

/// How long an engine may take from `cancel` to its answer before its process group is killed.
pub const CANCEL_GRACE: Duration = Duration::from_secs(1);
/// The longest silence of a working engine that is no reason for worry; engines speak at least this often.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
