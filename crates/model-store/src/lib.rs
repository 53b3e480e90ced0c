//! Model files on a disk: fetched, checked, shared and evicted; and the inputs of jobs.
//!
//! A [`ModelStore`] owns one folder with a folder for each model. Everything that comes over the network goes
//! through a [`Web`], which knows what addresses may be asked, with which token, and how fast.
//!
//! How it works, file by file: `docs/architecture/models.md`.

mod bandwidth;
mod callers;
mod disk;
mod download;
mod error;
pub mod hub;
mod inputs;
mod manifest;
mod names;
pub mod parts;
mod progress;
mod reach;
mod secret;
mod settings;
mod sha;
mod store;
mod tokens;
mod web;

pub use callers::Callers;
pub use error::{FetchError, RemoveError};
pub use inputs::{InputLimits, MAX_RECORDING_BYTES, fetch_inputs};
pub use names::check_model;
pub use progress::Progress;
pub use secret::Secret;
pub use settings::{DEFAULT_PARALLEL_FILES, DEFAULT_RESERVE_BYTES, Patience, Settings, Trusted, WebSettings};
pub use store::{Damage, DiskUse, Hold, ModelStore, PresentModel, StoredFile, StoredModel};
pub use web::Web;
