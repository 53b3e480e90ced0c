//! `/v1/models`: what this machine can run: models on its disk, and those of engines that need no files.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use engine_protocol::Description;
use serde_json::{Map, Value};
use studio_dialects::openai::models::{Listed, list as listed, one};
use studio_dialects::{Failure, Kind};
use studio_protocol::{CliDefaults, ModelSource, TaskKind};
use tokio::sync::oneshot;

use super::super::Local;
use super::refused::Refused;
use crate::daemon::{EnginesKnown, LocalNews, News};

/// Characters of a model's name that an error repeats.
const MAX_QUOTED_CHARS: usize = 100;
/// Models that an error lists.
const MAX_LISTED: usize = 20;
/// A picture's side where neither the request nor a registry says.
const USUAL_SIDE: u32 = 512;
/// Steps where neither the request nor a registry says.
const USUAL_STEPS: u32 = 4;

/// A model of this machine.
#[derive(Debug, Clone)]
pub(super) struct LocalModel {
    pub(super) name: String,
    pub(super) source: ModelSource,
    /// Whether its engine is on this worker.
    has_engine: bool,
    /// What that can do, once it has said so.
    engine: Option<Arc<Description>>,
}

impl LocalModel {
    fn new(name: String, source: ModelSource, engines: &EnginesKnown) -> Self {
        let engine = engines.get(&source.engine);
        Self { has_engine: engine.is_some(), engine: engine.cloned().flatten(), name, source }
    }

    /// What it makes, where its engine makes one thing only.
    fn kind(&self) -> Option<TaskKind> {
        let kinds = &self.engine.as_ref()?.kinds;
        if let [kind] = &kinds[..] { kind.parse().ok() } else { None }
    }

    fn listed(&self) -> Listed<'_> {
        Listed {
            id: &self.name,
            kind: self.kind(),
            engine: &self.source.engine,
            source: self.source.files.first().map(|file| file.url.as_str()),
        }
    }

    /// Whether a job of this kind makes sense here.
    fn check(&self, kind: TaskKind) -> Result<(), Failure> {
        let (name, engine) = (&self.name, &self.source.engine);
        if !self.has_engine {
            let why = format!(
                "the engine `{engine}` of the model `{name}` is not on this worker: `studio-worker doctor` says where \
                 it is looked for"
            );
            return Err(Failure::new(Kind::Unavailable, why));
        }
        let Some(known) = &self.engine else { return Ok(()) };
        if known.kinds.iter().any(|known| known == kind.as_str()) {
            return Ok(());
        }
        let kinds = known.kinds.join(", ");
        let why = format!("the model `{name}` is for {kinds}, this address is for {kind}");
        Err(Failure { param: Some("model".to_owned()), ..Failure::new(Kind::Invalid, why) })
    }
}

/// The model of this name, for a job of this kind.
pub(super) async fn find(local: &Local, name: &str, kind: TaskKind) -> Result<LocalModel, Failure> {
    let engines = engines(local).await?;
    let model = look_up(local, name, &engines).ok_or_else(|| unknown(local, name, &engines))?;
    model.check(kind)?;
    Ok(model)
}

pub(super) async fn list(State(local): State<Arc<Local>>) -> Result<Response, Refused> {
    let engines = engines(&local).await?;
    let models = all(&local, &engines);
    Ok(Json(listed(models.iter().map(LocalModel::listed))).into_response())
}

pub(super) async fn show(
    State(local): State<Arc<Local>>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let engines = engines(&local).await?;
    let model = look_up(&local, &name, &engines).ok_or_else(|| unknown(&local, &name, &engines))?;
    Ok(Json(one(model.listed())).into_response())
}

/// What every engine can do, as the daemon knows it.
async fn engines(local: &Local) -> Result<EnginesKnown, Failure> {
    let (answer, answered) = oneshot::channel();
    let ending = || Failure::new(Kind::Unavailable, "the worker is about to end");
    local.asks.send(News::Local(LocalNews::Engines(answer))).await.map_err(|_| ending())?;
    answered.await.map_err(|_| ending())
}

fn present(local: &Local) -> impl Iterator<Item = (String, ModelSource)> {
    local.place.store.present().into_iter().map(|present| (present.model, present.source))
}

fn look_up(local: &Local, name: &str, engines: &EnginesKnown) -> Option<LocalModel> {
    let found = present(local).find(|(model, _)| model == name);
    let found = found.or_else(|| {
        let (engine, _) = without_file_engines(engines).find(|(_, engine)| engine.serves_model(name))?;
        Some((name.to_owned(), without_files(engine)))
    });
    found.map(|(name, source)| LocalModel::new(name, source, engines))
}

/// On the disk, and of engines that need no files.
fn all(local: &Local, engines: &EnginesKnown) -> Vec<LocalModel> {
    let built_in = without_file_engines(engines).flat_map(|(name, engine)| {
        let models = engine.models.iter().map(|model| model.trim_end_matches('*').to_owned());
        models.map(|model| (model, without_files(name)))
    });
    // Of the same name, the one on the disk is meant.
    let all: BTreeMap<String, ModelSource> = built_in.chain(present(local)).collect();
    all.into_iter().map(|(name, source)| LocalModel::new(name, source, engines)).collect()
}

/// Engines that need no files; those of files take whatever they are given.
fn without_file_engines(engines: &EnginesKnown) -> impl Iterator<Item = (&str, &Description)> {
    let known = engines.iter().filter_map(|(name, engine)| Some((name.as_str(), engine.as_deref()?)));
    known.filter(|(_, engine)| !engine.models.is_empty() && engine.models.iter().all(|model| model != "*"))
}

fn without_files(engine: &str) -> ModelSource {
    let cli_defaults = CliDefaults {
        cfg_scale: 1.0,
        steps: USUAL_STEPS,
        width: USUAL_SIDE,
        height: USUAL_SIDE,
        more: Map::<String, Value>::new(),
    };
    ModelSource { engine: engine.to_owned(), files: Vec::new(), cli_defaults }
}

fn unknown(local: &Local, name: &str, engines: &EnginesKnown) -> Failure {
    let shown: String = name.chars().take(MAX_QUOTED_CHARS).collect();
    let there: Vec<String> =
        all(local, engines).into_iter().take(MAX_LISTED).map(|model| format!("`{}`", model.name)).collect();
    let there = if there.is_empty() { "no model at all".to_owned() } else { there.join(", ") };
    let why = format!(
        "the model `{shown}` is not on this machine, which has {there}: `studio-worker models add` brings another one"
    );
    Failure { param: Some("model".to_owned()), ..Failure::new(Kind::NoModel, why) }
}
