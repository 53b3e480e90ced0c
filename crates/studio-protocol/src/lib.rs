//! What a worker and a studio say to each other, `studio-worker-v1`: types, limits, codec, addresses.
//!
//! No sockets and no runtime: a caller hands in text and gets typed frames, or the reason why not.
//! The base protocol is spoken by other workers and studios too; the extensions of [`Feature`] are used
//! only when both sides announce them.

mod address;
mod capabilities;
mod claim;
mod close;
mod codec;
mod feature;
mod frames;
mod ids;
mod limits;
mod nulls;
pub mod object;
mod registration;
#[cfg(feature = "schema")]
mod schema;
mod task;
mod time;
mod trace;
mod upload;

pub use address::{AddressError, ApiBase};
pub use capabilities::{AcceptRules, Capabilities, Resources, UserPresence};
pub use claim::{CliDefaults, FileRole, ModelFile, ModelSource, OfferClaim, OfferClaimRaw};
pub use close::{CloseCode, ErrorCode, WorkerClose};
pub use codec::{DecodeError, decode_studio_frame, decode_worker_frame, encode, from_json};
pub use feature::{Feature, FeatureSet};
pub use frames::{
    Accept, BadOffer, Cancel, CompleteJson, Delta, ErrorFrame, Fail, Goodbye, Heartbeat, Hello, JobAck,
    LogBatch, LogEntry, LogLevel, ModelCommand, Offer, OfferRaw, Preview, Progress, Reject, RejectCode,
    Release, Stage, StudioFrame, Welcome, WorkerFrame,
};
pub use ids::{JobId, ProjectId, RequestId, WorkerId};
pub use limits::*;
pub use registration::{RegisterRequest, RegisterResponse, RegistrationStatus};
pub use task::{
    AudioSttTask, AudioTtsTask, ChatMessage, INPUT_PREFIX, ImageTask, LlmTask, LoraUse, MeshTask, Task,
    TaskError, TaskKind, Timestamps, VideoTask, rewrite_inputs, states_options,
};
pub use time::{ParseTimestampError, Timestamp};
pub use trace::{TraceParent, TraceParentError};
pub use upload::{
    ATTEMPT_HEADER, PART_EXT, PART_GENERATION_META, PART_IMAGE, PART_PROMPT, artefact_filename, mime_of_ext,
};
