//! Settings that change while the daemon runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use worker_core::{ExitReason, Input};

use super::{BATCHING_ENGINE, Daemon, models, settings, slots};
use crate::config::Config;
use crate::engines::Tuning;
use crate::local::Desk;
use crate::shelf::Shelf;

impl Daemon {
    /// What the local API's handlers do without this task.
    pub(super) fn desk(&self) -> Desk {
        Desk {
            home: self.home.clone(),
            file: self.file.clone(),
            used: self.used.subscribe(),
            shelf: self.shelf(),
            updates: self.updates.clone(),
        }
    }

    pub(super) fn shelf(&self) -> Shelf {
        Shelf { files: self.files.clone(), engines: self.engines.clone(), tasks: self.tasks.clone() }
    }

    /// Takes up what can change while the daemon runs; the rest waits for a restart.
    pub(super) async fn config_changed(&mut self, new: Config) -> Option<ExitReason> {
        for exit in [self.pause_changed(&new).await, self.rules_changed(&new).await] {
            if exit.is_some() {
                return exit;
            }
        }
        let old = self.config.clone();
        self.config.take_up(&new);
        if self.config == old {
            return None;
        }
        self.board.touch();
        self.files.store.set_disk_cap(self.config.disk_cap);
        self.files.store.set_bandwidth(self.config.download_limit);
        if tuning(&self.config) != tuning(&old) {
            self.engines.tune(tuning(&self.config)).await;
            self.load_residents_beyond(&old.resident_models);
        }
        if self.config.history_days != old.history_days {
            self.ledger.history().keep(self.config.history_days);
        }
        self.used.send_replace(Arc::new(self.config.clone()));
        let mut inputs = Vec::new();
        let batches = self.engines.names().iter().any(|name| name == BATCHING_ENGINE);
        let of = |config: &Config| settings(config, slots(config, batches));
        let (mut before, after) = (of(&old), of(&self.config));
        // Told by itself, and never twice the same moment.
        before.pause = after.pause;
        if before != after {
            inputs.push(Input::Settings(Box::new(after)));
        }
        if self.config.studio != old.studio {
            self.use_studio();
            inputs.push(Input::StudioMoved);
        }
        inputs.push(Input::Machine(Box::new(self.sources.machine(&self.config))));
        for input in inputs {
            if let Some(reason) = self.step(input).await {
                return Some(reason);
            }
        }
        None
    }

    /// Uploads and model files go where the session goes.
    pub(super) fn use_studio(&mut self) {
        self.uploader.studio = self.config.studio.clone();
        self.files.store.set_trusted(models::trusted(&self.config, self.worker.identity()));
    }
}

fn tuning(config: &Config) -> Tuning {
    Tuning {
        idle_ttl: config.model_idle,
        resident: config.resident_models.iter().cloned().collect::<BTreeSet<_>>(),
        reserve: config.memory_reserve,
    }
}
