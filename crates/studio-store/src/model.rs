//! What the store takes and gives: no SQL, no behaviour beyond their own invariants.

mod access;
mod artefact;
mod audit;
mod batch;
mod input;
mod job;
mod minute;
mod outcome;
mod page;
mod project;
mod registry;
mod user;
mod webhook;
mod worker;

pub use access::{ApiKey, NewApiKey, Role};
pub use artefact::{Artefact, ArtefactFilter, ArtefactSummary, NewArtefact};
pub use audit::{AuditFilter, AuditRecord, NewAudit};
pub use batch::{Batch, NewBatch, OpenJobs, StateCounts};
pub use input::{Input, NewInput};
pub use job::{
    ActionOutcome, Attempt, AttemptOutcome, Idempotency, Job, JobAction, JobDetail, JobFilter, JobLog,
    JobResult, JobState, MoveTo, NewJob, NewJobLog, Replayed, Submission, Submitted,
};
pub use minute::Minute;
pub use outcome::{CancelOutcome, ClaimOutcome, Claimed, GivenBack};
pub use page::{Cursor, CursorError, Page};
pub use project::{Project, ProjectChange};
pub use registry::Model;
pub use user::{BrowserSession, NewUser, User, UserChange};
pub use webhook::{
    Delivery, DeliveryState, DueDelivery, NewWebhook, Tried, Webhook, WebhookChange, WebhookEvent,
};
pub use worker::{
    NewRegistration, Poll, Registered, RegistrationRecord, RegistrationState, WorkerLimits, WorkerRecord,
};

/// Writes stored JSON as it is, without parsing it into a tree.
fn raw_json<S: serde::Serializer>(json: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let raw: &serde_json::value::RawValue = serde_json::from_str(json).map_err(serde::ser::Error::custom)?;
    serde::Serialize::serialize(raw, serializer)
}

/// The same for JSON that may be absent.
#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn raw_json_option<S: serde::Serializer>(json: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match json {
        Some(json) => raw_json(json, serializer),
        None => serializer.serialize_none(),
    }
}

/// Defines an enum that is one word in the database, in JSON and in messages.
macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the database and on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($word),+]))
                    .into()
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// The error lists the words that are known.
            fn from_str(word: &str) -> Result<Self, String> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|known| known.as_str() == word)
                    .ok_or_else(|| format!("`{word}` is not one of {}", [$($word),+].join(", ")))
            }
        }
    };
}
use word_enum;
