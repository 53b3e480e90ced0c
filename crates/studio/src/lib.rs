//! The studio: the queue that anyone can host, its API and the worker protocol's other side.
//!
//! [`serve`] puts it together: the [`Store`](studio_store::Store) is the truth, the coordinator decides who gets
//! which job, `/api/v1` is for people and programs, `/graphics/api` is for workers. The CLI is a client of the API.

mod access;
pub mod api;
mod artefacts;
pub mod cli;
pub mod client;
mod coordinator;
pub mod dashboard;
pub mod dialects;
mod disk;
mod events;
mod first_start;
mod http;
mod ids;
mod inputs;
pub mod links;
mod live;
mod lookups;
mod metrics;
mod minutes;
pub mod model_files;
mod model_guess;
mod rate;
pub mod retention;
mod secrets;
pub mod seeds;
pub mod serve;
mod settings;
mod signing;
mod state;
mod thumbnails;
mod webhooks;
mod worker_api;
mod zip_stream;

pub use access::{Peer, People};
pub use artefacts::{ArtefactError, Artefacts, StoredArtefact};
pub use coordinator::CoordinatorHandle;
pub use events::{Area, Events, StudioEvent};
pub use http::REQUEST_ID;
pub use live::{Live, LiveWorker, Meter, Versions, WorkerLogs};
pub use lookups::Lookups;
pub use metrics::Metrics;
pub use minutes::Minutes;
pub use settings::{Settings, TlsFiles};
pub use signing::Signer;
pub use state::AppState;
pub use thumbnails::Thumbnails;
pub use webhooks::Webhooks;
