//! A model that is brought into memory before a job wants it, and one that is asked to leave.

use engine_protocol::Command;
use studio_protocol::ModelSource;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::advance::{load_of, said};
use super::{Actor, Model, STOP_GRACE, STOPPED, State};

/// A model to load.
#[derive(Debug)]
pub(in crate::engines) struct Preload {
    /// The registry's name.
    pub(in crate::engines) model: String,
    /// Its files and defaults.
    pub(in crate::engines) source: ModelSource,
    /// Gets what became of it.
    pub(in crate::engines) answer: oneshot::Sender<Result<(), String>>,
}

impl Actor {
    pub(super) fn take_preload(&mut self, preload: Box<Preload>) {
        self.free = false;
        self.end_preload(Err("another load took its place".to_owned()));
        self.preload = Some(preload);
        if self.closed {
            self.end_preload(Err(STOPPED.to_owned()));
        }
    }

    /// Tells whoever waits for a load how it ended.
    pub(super) fn end_preload(&mut self, outcome: Result<(), String>) {
        if let Some(preload) = self.preload.take() {
            let _ = preload.answer.send(outcome);
            self.load.less();
        }
    }

    /// No job waits: the model that is wanted for later is loaded.
    pub(super) fn feed_preload(&mut self) {
        let Some(preload) = &self.preload else { return };
        if let Some(reason) = self.crashes.refusal(&preload.model) {
            return self.end_preload(Err(reason));
        }
        let State::Up { process, model, .. } = &mut self.state else { return };
        match model {
            Model::Loaded(name) if *name == preload.model => self.end_preload(Ok(())),
            Model::Nothing => {
                let load = load_of(&preload.model, &preload.source, &self.settings.models_root);
                let name = preload.model.clone();
                match load.and_then(|load| said(process.say(&Command::Load(Box::new(load))))) {
                    Ok(()) => {
                        *model =
                            Model::Loading { name, silent_until: Instant::now() + self.settings.load_limit };
                    }
                    Err(problem) => self.end_preload(Err(problem)),
                }
            }
            // Another model is there, or on its way: not in a lane of one model.
            Model::Loaded(_) | Model::Loading { .. } | Model::Unloading { .. } => {}
        }
    }

    /// Ends the process when that was asked for and nothing is left to do.
    pub(super) async fn leave_if_asked(&mut self) {
        let is_idle = self.running.is_empty() && self.waiting.is_empty() && self.preload.is_none();
        let State::Up { model: Model::Nothing | Model::Loaded(_), .. } = &self.state else { return };
        if self.free && is_idle {
            self.free = false;
            tracing::info!(engine = self.name, "engine stopped: its memory is wanted");
            self.stop_process(STOP_GRACE).await;
        }
    }
}
