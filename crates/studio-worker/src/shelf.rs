//! The models of this machine, for their owner: what is on the disk and in memory, and what is to come and go.

mod downloads;
mod list;
mod origin;

use model_store::{RemoveError, check_model};
use studio_protocol::{LogLevel, ModelCommand, ModelSource};
use studio_runtime::Tasks;
use tokio::sync::oneshot;

pub(crate) use downloads::Downloads;
pub(crate) use origin::Origin;

use crate::daemon::{Files, News};
use crate::engines::Engines;
use crate::logbatch::{self, Category};

/// Everything that has to do with models; clones are the same one.
#[derive(Clone)]
pub(crate) struct Shelf {
    pub(crate) files: Files,
    pub(crate) engines: Engines,
    pub(crate) tasks: Tasks,
}

/// Why a model does not come or go.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfError {
    /// It is asked for in a way that makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// There is no such model.
    #[error("{0}")]
    Unknown(String),
    /// Not as things stand.
    #[error("{0}")]
    InUse(String),
    /// The disk.
    #[error("{0}")]
    Disk(String),
}

impl Shelf {
    /// Begins to bring a model's files; what became of the question where they are comes through the channel.
    pub(crate) fn add(
        &self,
        model: &str,
        origin: Origin,
    ) -> Result<oneshot::Receiver<Result<(), String>>, ShelfError> {
        let empty =
            ModelSource { engine: String::new(), files: Vec::new(), cli_defaults: origin::defaults() };
        let source = if let Origin::Source(source) = &origin { source } else { &empty };
        check_model(model, source).map_err(|error| ShelfError::Wrong(error.to_string()))?;
        if self.is_busy(model) {
            return Err(ShelfError::InUse(format!("model `{model}` is in use: unload it first")));
        }
        let (found, answer) = oneshot::channel();
        let tasks = self.tasks.child();
        let Some(guard) = self.files.downloads.begin(model, tasks.clone(), source) else {
            let _ = found.send(Ok(()));
            return Ok(answer);
        };
        let (shelf, model) = (self.clone(), model.to_owned());
        tasks.spawn(async move {
            let outcome = shelf.bring(&model, origin, found).await;
            drop(guard);
            let message = match &outcome {
                Ok(()) => format!("model `{model}` is on this machine"),
                Err(problem) => format!("model `{model}` could not be added: {problem}"),
            };
            say(if outcome.is_ok() { LogLevel::Info } else { LogLevel::Warn }, &message);
            shelf.files.downloads.remember(&model, outcome.err());
            let _ = shelf.files.news.send(News::Models).await;
        });
        Ok(answer)
    }

    async fn bring(
        &self,
        model: &str,
        origin: Origin,
        found: oneshot::Sender<Result<(), String>>,
    ) -> Result<(), String> {
        let located = match origin.locate(self.files.store.web()).await {
            Ok(located) => located,
            Err(problem) => {
                let _ = found.send(Err(problem.clone()));
                return Err(problem);
            }
        };
        let _ = found.send(Ok(()));
        let source = match &located.file {
            Some(path) => {
                let watched = self.files.downloads.watch(model);
                let news = self.files.news.clone();
                let progress = move |progress: model_store::Progress| {
                    if watched.note(&progress) {
                        let _ = news.try_send(News::Show);
                    }
                };
                let taken = self.files.store.import(model, &located.source, path, progress).await;
                taken.map_err(|error| error.to_string())?
            }
            None => located.source,
        };
        self.files.model(model, &source, None).await.map(drop).map_err(|error| error.to_string())
    }

    /// Fetches a model where it is missing, and brings it into memory; what became of it is in the log and in the list.
    pub(crate) fn load(&self, command: ModelCommand) {
        let shelf = self.clone();
        self.tasks.spawn(async move {
            let ModelCommand { model, model_source, vram_gb_estimate } = command;
            let Some(source) = model_source.or_else(|| shelf.files.source(&model)) else {
                return say(
                    LogLevel::Warn,
                    &format!("model `{model}` cannot be loaded: its files are not known here"),
                );
            };
            let held = if source.files.is_empty() {
                Ok(None)
            } else {
                shelf.files.model(&model, &source, None).await.map(Some).map_err(|error| error.to_string())
            };
            let loaded = match held {
                Ok(_held) => shelf.engines.load(&model, source, vram_gb_estimate.unwrap_or(0.0)).await,
                Err(problem) => Err(problem),
            };
            match &loaded {
                Ok(()) => say(LogLevel::Info, &format!("model `{model}` is loaded")),
                Err(problem) => {
                    say(LogLevel::Warn, &format!("model `{model}` could not be loaded: {problem}"));
                }
            }
            shelf.files.downloads.remember(&model, loaded.err());
            let _ = shelf.files.news.send(News::Show).await;
        });
    }

    /// The same for the owner, who is told at once when there is no such model.
    pub(crate) fn load_known(&self, model: &str, vram_gb: Option<f64>) -> Result<(), ShelfError> {
        let stored = self.files.store.stored().into_iter().find(|stored| stored.model == model);
        let of_lane = || {
            let lane = self.engines.lanes().into_iter().find(|lane| lane.model == model)?;
            // A lane of a model without files is all that is known of it.
            Some(ModelSource { engine: lane.engine, files: Vec::new(), cli_defaults: origin::defaults() })
        };
        let source = stored.map(|stored| stored.source).or_else(of_lane).ok_or_else(|| unknown(model))?;
        self.load(ModelCommand {
            model: model.to_owned(),
            model_source: Some(source),
            vram_gb_estimate: vram_gb,
        });
        Ok(())
    }

    /// Gives its memory back once no job uses it.
    pub(crate) async fn unload(&self, model: &str) -> Result<(), ShelfError> {
        self.engines.unload(model).await.map_err(ShelfError::InUse)
    }

    /// Breaks its download off, and deletes its files.
    pub(crate) async fn remove(&self, model: &str) -> Result<(), ShelfError> {
        if self.is_busy(model) {
            return Err(ShelfError::InUse(format!("model `{model}` is in memory: unload it first")));
        }
        let was_moving = self.files.downloads.stop(model).await;
        let had_trouble = self.files.downloads.remember(model, None);
        let removed = self.files.store.remove(model).await;
        let _ = self.files.news.send(News::Models).await;
        match removed {
            Ok(_) => Ok(()),
            Err(RemoveError::Unknown(_)) if was_moving || had_trouble => Ok(()),
            Err(RemoveError::Unknown(_)) => Err(unknown(model)),
            Err(error @ RemoveError::InUse(_)) => Err(ShelfError::InUse(error.to_string())),
            Err(error @ RemoveError::Disk { .. }) => Err(ShelfError::Disk(crate::http::told(&error))),
        }
    }

    /// Whether it is in memory, or on its way there.
    fn is_busy(&self, model: &str) -> bool {
        let live = |lane: &crate::engines::LaneSnapshot| {
            lane.process.state != crate::engines::EngineState::Stopped || lane.process.waiting > 0
        };
        self.engines.lanes().iter().any(|lane| lane.model == model && live(lane))
    }
}

fn unknown(model: &str) -> ShelfError {
    ShelfError::Unknown(format!("model `{}` is not on this machine: add it first", model.escape_debug()))
}

/// Tells the log about models.
pub(crate) fn say(level: LogLevel, message: &str) {
    logbatch::log(Category::Worker, level, message, None);
}
