//! What the harness asks of the engine.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine_protocol::harness::{self, Engine, LoadWork, Output, Work};
use engine_protocol::{Description, Device, Failure, Load, Run};
use studio_protocol::{Task, TaskKind};

use crate::files::Files;
use crate::sd::{self, Context, ContextSettings};
use crate::settings::Settings;
use crate::watch::LoadWatch;
use crate::{clip, image_job, names, output, video_job};

/// The word of `modelSource.engine`.
pub const NAME: &str = "sd-cpp";

/// The whole program: serves commands until the daemon is gone.
pub fn main() -> ExitCode {
    harness::serve(SdCpp::default())
}

/// The engine with its version, as pictures carry it.
pub(crate) fn signature() -> String {
    format!("studio-engine-sdcpp {} ({})", env!("CARGO_PKG_VERSION"), sd::LIBRARY)
}

#[derive(Debug, Default)]
struct SdCpp {
    loaded: Mutex<Option<Model>>,
    /// Of the loaded model, 0 for none; beside it because a job holds the model while it runs.
    memory_bytes: AtomicU64,
}

/// The model in memory.
#[derive(Debug)]
pub(crate) struct Model {
    name: String,
    pub(crate) context: Context,
    pub(crate) settings: Settings,
    pub(crate) files: Files,
    /// What family of models it is, as the library names it.
    pub(crate) version: String,
}

impl Engine for SdCpp {
    fn describe(&self) -> Description {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let formats = [(TaskKind::Image, &output::FORMATS[..]), (TaskKind::Video, &clip::FORMATS[..])];
        Description {
            name: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kinds: formats.iter().map(|(kind, _)| kind.as_str().to_owned()).collect(),
            formats: formats.iter().map(|(kind, exts)| (kind.as_str().to_owned(), words(exts))).collect(),
            models: words(&["*"]),
            devices: vec![Device { name: device().to_owned(), memory_bytes: None }],
            build: format!(
                "{}, {}; samplers: {}; schedulers: {}",
                sd::LIBRARY,
                sd::system(),
                names::all_samplers(),
                names::all_schedulers()
            ),
            slots: 1,
        }
    }

    fn load(&self, load: &Load, work: &LoadWork<'_>) -> Result<Option<u64>, Failure> {
        let mut loaded = self.loaded();
        // Two models rarely fit: the former one goes first.
        self.free(&mut loaded);
        let settings = Settings::read(&load.source.cli_defaults)?;
        let files = Files::find(load)?;
        work.loading(0, 0);
        let wanted = ContextSettings {
            files: files.loaded.clone(),
            threads: settings.threads,
            weight_type: settings.weight_type,
            rng: settings.rng,
            maps_files: settings.maps_files,
            flash_attention: settings.flash_attention,
            zero_cond_t: settings.zero_cond_t,
            offloads: settings.offloads,
        };
        let watch = LoadWatch::new(work);
        let context = Context::new(&wanted, &watch).map_err(|bad| Failure::model(bad.0))?;
        let told = watch.told();
        let Some(context) = context else {
            return Err(told.failure(&format!("model `{}` could not be loaded", load.model), Failure::model));
        };
        let memory_bytes = told.memory_bytes.unwrap_or(files.bytes);
        *loaded = Some(Model {
            name: load.model.clone(),
            context,
            settings,
            files,
            version: told.version.unwrap_or_default(),
        });
        self.memory_bytes.store(memory_bytes, Ordering::Relaxed);
        Ok(Some(memory_bytes))
    }

    fn run(&self, run: &Run, work: &Work<'_>) -> Result<Output, Failure> {
        let mut loaded = self.loaded();
        let model = loaded.as_mut().filter(|model| model.name == run.model);
        let model = model.ok_or_else(|| Failure::model(format!("model `{}` is not loaded", run.model)))?;
        match &run.task {
            Task::Image(task) => image_job::make(task, run, model, work),
            Task::Video(task) => video_job::make(task, run, model, work),
            other @ (Task::Llm(_) | Task::AudioStt(_) | Task::AudioTts(_) | Task::Mesh(_)) => {
                Err(Failure::bad_input(format!("the sd-cpp engine does no {} jobs", other.kind())))
            }
        }
    }

    fn unload(&self, model: &str) {
        let mut loaded = self.loaded();
        if loaded.as_ref().is_some_and(|loaded| loaded.name == model) {
            self.free(&mut loaded);
        }
    }

    fn memory_bytes(&self) -> Option<u64> {
        Some(self.memory_bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }
}

impl SdCpp {
    fn free(&self, loaded: &mut Option<Model>) {
        *loaded = None;
        self.memory_bytes.store(0, Ordering::Relaxed);
    }

    fn loaded(&self) -> MutexGuard<'_, Option<Model>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What this build computes on.
fn device() -> &'static str {
    if cfg!(feature = "cuda") {
        "cuda"
    } else if cfg!(feature = "vulkan") {
        "vulkan"
    } else if cfg!(any(feature = "metal", target_os = "macos")) {
        "metal"
    } else {
        "cpu"
    }
}
