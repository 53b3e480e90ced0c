//! Models beside jobs: what is loaded and present, what the owner and the operator want in memory.

use model_store::{Secret as StoreSecret, Settings as StoreSettings, Trusted};
use studio_protocol::{LogLevel, ModelCommand};
use worker_core::Identity;

use super::Daemon;
use crate::config::Config;
use crate::home::Home;
use crate::shelf::say;

/// A file beside the config, 0600, with lines `host token`.
const TOKENS: &str = "tokens";

/// How model files are fetched and how much room they get.
pub(crate) fn store_settings(home: &Home, config: &Config) -> StoreSettings {
    let root = config.models_root.clone().unwrap_or_else(|| home.models().to_path_buf());
    let mut settings = StoreSettings::new(root);
    settings.disk_cap = config.disk_cap;
    settings.web.bandwidth = config.download_limit;
    settings.web.user_agent = Some(concat!("studio-worker/", env!("CARGO_PKG_VERSION")).to_owned());
    settings.web.tokens = Some(home.dir().join(TOKENS));
    settings.web.trusted = trusted(config, &config.identity);
    settings
}

/// The studio itself may serve models and inputs over plain http, and knows this worker by its token.
pub(super) fn trusted(config: &Config, identity: &Identity) -> Option<Trusted> {
    let base = config.studio.root().parse().ok()?;
    let bearer = match identity {
        Identity::Approved { auth_token, .. } => Some(StoreSecret::new(auth_token.reveal())),
        Identity::Pristine { .. } | Identity::Pending { .. } | Identity::Rejected { .. } => None,
    };
    Some(Trusted { base, bearer })
}

impl Daemon {
    /// Loads what the owner wants resident and what is on the disk already.
    pub(super) fn load_residents(&self) {
        self.load_residents_beyond(&[]);
    }

    /// The same for those that are new on the owner's list.
    pub(super) fn load_residents_beyond(&self, known: &[String]) {
        for model in self.config.resident_models.iter().filter(|model| !known.contains(model)) {
            let Some(source) = self.files.source(model) else {
                tracing::warn!(
                    "resident model `{model}` is not on this worker yet: its first job fetches it"
                );
                continue;
            };
            self.load_model(ModelCommand {
                model: model.clone(),
                model_source: Some(source),
                vram_gb_estimate: None,
            });
        }
    }

    /// Fetches a model where it is missing, and brings it into memory.
    pub(super) fn load_model(&self, command: ModelCommand) {
        self.shelf().load(command);
    }

    /// Gives its memory back once no job uses it.
    pub(super) fn unload_model(&self, model: String) {
        let engines = self.engines.clone();
        self.tasks.spawn(async move {
            match engines.unload(&model).await {
                Ok(()) => say(LogLevel::Info, &format!("model `{model}` leaves memory")),
                Err(problem) => say(LogLevel::Warn, &problem),
            }
        });
    }

    /// What is in memory and on the disk, for the capabilities.
    pub(super) fn read_models(&mut self) {
        self.sources.lanes = self.engines.lanes();
        self.sources.present = self.files.store.present().into_iter().map(|present| present.model).collect();
        self.sources.speeds = self.speeds.told();
    }
}
