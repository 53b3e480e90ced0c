//! What the studio remembers: the job queue with its history, artefacts, models, workers, keys, people.
//!
//! [`Db`] is one connection with one method per domain operation; each method is one transaction, and none of
//! them reads a clock or draws a random number. [`Store`] is what a server holds: a writer thread that commits
//! operations in groups, and a pool of readers.

mod artefacts;
mod audit;
mod backup;
mod batches;
mod browser_sessions;
mod db;
mod error;
mod housekeeping;
mod ids;
mod inputs;
mod jobs;
mod keys;
mod migrations;
mod minutes;
mod model;
mod models;
mod open;
mod page;
mod perform;
mod projects;
mod registrations;
mod retention;
mod row;
mod store;
mod tally;
mod text;
mod users;
mod webhooks;
mod workers;

pub use backup::restore;
pub use db::Db;
pub use error::StoreError;
pub use ids::{ArtefactId, BatchId, InputId, KeyId, PasswordHash, SecretHash, UserId, WebhookId};
pub use model::*;
pub use open::OpenStoreError;
pub use perform::refused;
pub use retention::{DeletedJobs, Slice};
pub use store::{Group, Store};
pub use studio_scheduler::{CommitOutcome, FailOutcome, GiveBack, LoseOutcome, MAX_WEIGHT, MIN_WEIGHT};

/// What operations of the store give back.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
