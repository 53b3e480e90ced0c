//! What the harness calls: one model at a time, one job at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine_protocol::harness::{Engine, LoadWork, Output, Work};
use engine_protocol::{Description, Device, Failure, Load, Run};
use studio_protocol::{Task, TaskKind};

use crate::model::Model;
use crate::native::{self, Listener, Speaker};
use crate::speech::{self, Voice};
use crate::transcript::{self, Ears};

/// The engine with the model that it holds.
#[derive(Debug, Default)]
pub(crate) struct Sherpa {
    loaded: Mutex<Option<Loaded>>,
}

#[derive(Debug)]
struct Loaded {
    model: String,
    part: Part,
}

#[derive(Debug)]
enum Part {
    Voice(Voice),
    Ears(Ears),
}

/// Looking at the files, then the native library's own work.
const LOAD_STEPS: u32 = 2;

impl Engine for Sherpa {
    fn describe(&self) -> Description {
        Description {
            name: "sherpa-onnx".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kinds: [TaskKind::AudioStt, TaskKind::AudioTts].map(|kind| kind.as_str().to_owned()).to_vec(),
            formats: BTreeMap::from([(
                TaskKind::AudioTts.as_str().to_owned(),
                speech::FORMATS.iter().map(|&format| format.to_owned()).collect(),
            )]),
            models: vec!["*".to_owned()],
            devices: vec![Device { name: "cpu".to_owned(), memory_bytes: None }],
            build: native::versions(),
            slots: 1,
        }
    }

    fn load(&self, load: &Load, work: &LoadWork<'_>) -> Result<Option<u64>, Failure> {
        // The old model's memory is free before the new one needs its own.
        *self.loaded() = None;
        work.loading(0, LOAD_STEPS);
        let model = Model::read(load)?;
        work.loading(1, LOAD_STEPS);
        let part = if model.family.speaks() {
            Part::Voice(Voice::new(Speaker::create(&model)?, model)?)
        } else {
            Part::Ears(Ears::new(Listener::create(&model)?, model)?)
        };
        *self.loaded() = Some(Loaded { model: load.model.clone(), part });
        Ok(None)
    }

    fn run(&self, run: &Run, work: &Work<'_>) -> Result<Output, Failure> {
        let mut loaded = self.loaded();
        let Some(Loaded { part, .. }) = loaded.as_mut().filter(|loaded| loaded.model == run.model) else {
            return Err(Failure::model(format!("model `{}` is not loaded", run.model)));
        };
        match (&run.task, part) {
            (Task::AudioTts(task), Part::Voice(voice)) => speech::make(voice, task, work),
            (Task::AudioStt(task), Part::Ears(ears)) => {
                transcript::make(ears, task, run.input(&task.input_url)?, work)
            }
            (Task::AudioTts(_), Part::Ears(_)) => Err(Failure::bad_input(format!(
                "model `{}` turns speech into text, not text into speech",
                run.model
            ))),
            (Task::AudioStt(_), Part::Voice(_)) => Err(Failure::bad_input(format!(
                "model `{}` turns text into speech, not speech into text",
                run.model
            ))),
            (Task::Image(_) | Task::Llm(_) | Task::Video(_) | Task::Mesh(_), _) => {
                Err(Failure::bad_input(format!(
                    "the sherpa-onnx engine makes no {}: it serves audio_tts and audio_stt",
                    run.task.kind()
                )))
            }
        }
    }

    fn unload(&self, model: &str) {
        let mut loaded = self.loaded();
        if loaded.as_ref().is_some_and(|loaded| loaded.model == model) {
            *loaded = None;
        }
    }
}

impl Sherpa {
    fn loaded(&self) -> MutexGuard<'_, Option<Loaded>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line for the worker's log.
pub(crate) fn warn(message: &str) {
    eprintln!("warn: {message}");
}
