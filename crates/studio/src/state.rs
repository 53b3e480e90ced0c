//! What every request handler of the studio works with.

use std::sync::Arc;

use crate::access::People;
use crate::artefacts::Artefacts;
use crate::coordinator::CoordinatorHandle;
use crate::events::Events;
use crate::live::Live;
use crate::lookups::Lookups;
use crate::metrics::Metrics;
use crate::minutes::Minutes;
use crate::model_files::{Fetches, ModelFiles};
use crate::serve::DataDirLock;
use crate::settings::Settings;
use crate::signing::Signer;
use crate::thumbnails::Thumbnails;
use crate::webhooks::Webhooks;
use studio_runtime::{Tasks, Traces};
use studio_store::{ApiKey, Model, SecretHash, Store};

/// Cheap to clone: every part is a handle.
#[derive(Clone)]
pub struct AppState {
    /// The truth.
    pub store: Store,
    /// The bytes.
    pub artefacts: Artefacts,
    /// Who gets which job.
    pub coordinator: CoordinatorHandle,
    /// What changed.
    pub events: Events,
    /// What happens right now.
    pub live: Live,
    /// The studio's last day.
    pub minutes: Minutes,
    /// API keys by their hash.
    pub keys: Lookups<SecretHash, ApiKey>,
    /// Who may come in, and who did.
    pub people: People,
    /// Models by their names.
    pub models: Lookups<String, Model>,
    /// What is counted.
    pub metrics: Metrics,
    /// Where spans go.
    pub traces: Traces,
    /// Small pictures of artefacts.
    pub thumbnails: Thumbnails,
    /// Files of models that workers may fetch from here.
    pub model_files: ModelFiles,
    /// What is being fetched into them.
    pub fetches: Fetches,
    /// Tells others what happens.
    pub webhooks: Webhooks,
    /// Signs addresses and messages.
    pub signer: Signer,
    /// How this studio was started.
    pub settings: Arc<Settings>,
    /// Owns every task of the studio; its soft step ends event streams and sessions.
    pub tasks: Tasks,
    /// Keeps other studios off the data directory.
    pub lock: Arc<DataDirLock>,
}
