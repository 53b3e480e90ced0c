//! Draws identities; the studio is the only one who does.

use studio_protocol::{JobId, RequestId, WorkerId};
use studio_store::{ArtefactId, BatchId, InputId, KeyId, UserId, WebhookId};
use uuid::Uuid;

/// A job; later ones sort after earlier ones.
pub fn job() -> JobId {
    JobId::from(format!("job-{}", Uuid::now_v7().simple()))
}

/// When a job was submitted, milliseconds since the Unix epoch, as far as its id tells.
pub fn submitted_at(job: &JobId) -> Option<i64> {
    let id = Uuid::try_parse(job.as_str().strip_prefix("job-")?).ok()?;
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    i64::try_from(seconds * 1_000 + u64::from(nanos / 1_000_000)).ok()
}

/// A batch.
pub fn batch() -> BatchId {
    BatchId::from(format!("batch-{}", Uuid::now_v7().simple()))
}

/// An artefact.
pub fn artefact() -> ArtefactId {
    ArtefactId::from(format!("art-{}", Uuid::now_v7().simple()))
}

/// What a client brings.
pub fn input() -> InputId {
    InputId::from(format!("in-{}", Uuid::now_v7().simple()))
}

/// A webhook.
pub fn webhook() -> WebhookId {
    WebhookId::from(format!("hook-{}", Uuid::new_v4().simple()))
}

/// An API key.
pub fn key() -> KeyId {
    KeyId::from(format!("key-{}", Uuid::new_v4().simple()))
}

/// A user.
pub fn user() -> UserId {
    UserId::from(format!("user-{}", Uuid::new_v4().simple()))
}

/// A worker.
pub fn worker() -> WorkerId {
    WorkerId::from(format!("w-{}", Uuid::new_v4().simple()))
}

/// A registration.
pub fn request() -> RequestId {
    RequestId::from(format!("rr-{}", Uuid::new_v4().simple()))
}
