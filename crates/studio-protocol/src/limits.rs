//! Every bound that both sides rely on, with its reason.

use std::time::Duration;

/// The WebSocket subprotocol, sent by the worker and echoed by the studio.
pub const SUBPROTOCOL: &str = "studio-worker-v1";
/// Appended to a worker's `api_base_url`.
pub const API_PREFIX: &str = "/graphics/api";

/// One frame: room for a chat with several pictures inside, far below what would trouble a small machine.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// A registration body: capabilities with thousands of model names still fit.
pub const MAX_REGISTRATION_BYTES: usize = 256 * 1024;
/// An artefact: an hour of video at a high rate; streamed, so memory does not depend on it.
pub const MAX_ARTEFACT_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// The `prompt` part of an upload: read to its end without holding it.
pub const MAX_PROMPT_PART_BYTES: u64 = 64 * 1024 * 1024;
/// The `ext` part of an upload, and an extension anywhere.
pub const MAX_EXT_BYTES: usize = 16;
/// The `generationMeta` part of an upload: parameters, not data.
pub const MAX_GENERATION_META_BYTES: usize = 1024 * 1024;
/// Entries of one `logBatch`: a second of a chatty engine.
pub const MAX_LOG_ENTRIES: usize = 1_000;
/// Job ids that a heartbeat may name: more slots than any machine has.
pub const MAX_HELD_JOBS: usize = 1_024;
/// A preview picture, base64 text: a thumbnail, not the result.
pub const MAX_PREVIEW_BYTES: usize = 512 * 1024;
/// Streamed text of one job, thoughts included, that either side keeps while the job runs: a long answer several times over.
pub const MAX_STREAM_BYTES: usize = 256 * 1024;
/// An input picture, and how many of them one job may name.
pub const MAX_INPUT_BYTES: u64 = 25 * 1024 * 1024;
/// Pictures that one job may name as input.
pub const MAX_INPUTS: usize = 16;
/// Characters of an HTTP body that an error quotes: enough for a message, too few to flood a log.
pub const MAX_QUOTED_BODY_CHARS: usize = 300;

/// How often a worker says that it is there.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// How often collected log entries leave the worker.
pub const LOG_FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// The first reconnect delay; doubled with each failure in a row.
pub const RECONNECT_BASE: Duration = Duration::from_secs(1);
/// The longest reconnect delay.
pub const RECONNECT_CAP: Duration = Duration::from_secs(30);
/// TCP, TLS and the upgrade together.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// Without a frame for this long the worker gives the connection up; bounds the wait for `welcome` too.
pub const READ_IDLE_LIMIT: Duration = Duration::from_secs(20);
/// How often an unregistered worker asks.
pub const REGISTRATION_TICK: Duration = Duration::from_secs(30);
/// Fetching one input of a job.
pub const INPUT_FETCH_LIMIT: Duration = Duration::from_mins(1);
/// Without a heartbeat for this long the studio closes the session.
pub const HEARTBEAT_STALE: Duration = Duration::from_secs(30);
/// A connection without `hello` is closed after this.
pub const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// How long a heartbeat renews a claim for; `claim.leaseMs`.
pub const LEASE: Duration = Duration::from_secs(30);
/// The least time between two `progress` frames of a job (4 a second).
pub const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);
/// The least time between two `preview` frames of a job.
pub const PREVIEW_INTERVAL: Duration = Duration::from_secs(1);
/// The least time between two `delta` frames of a job: text that flows for an eye, at a fraction of a frame for each token.
pub const DELTA_INTERVAL: Duration = Duration::from_millis(50);
/// Registration requests of one source address within [`REGISTRATION_WINDOW`].
pub const REGISTRATIONS_PER_WINDOW: usize = 10;
/// The window of [`REGISTRATIONS_PER_WINDOW`].
pub const REGISTRATION_WINDOW: Duration = Duration::from_mins(1);
