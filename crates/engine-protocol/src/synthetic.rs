//! The synthetic engine: a deterministic stand-in for tests and dry runs, and the shortest example of an engine.
//!
//! It serves models named `synthetic*` only. The same task gives the same bytes, drawn from the SHA-256 of the task's
//! JSON. What it does not make is a failure that names it.
//!
//! To test what surrounds engines it misbehaves when asked, by a directive in the prompt (the last message of a chat,
//! the first text to embed, the text of a speech, the words that a recording is expected to have): `[[delay=MS]]` (with
//! progress and previews; ends early on cancel), and after the delay one of `[[crash]]`,
//! `[[hang]]` (deaf to cancel), `[[garbage]]` (text instead of frames), `[[partial]]` (half a frame, then the process
//! ends), `[[fail]]` (retryable), `[[fail-for-good]]`.
//! A chat also heeds `[[pace=MS]]` (a pause before each word), `[[think]]` (thoughts come first), and, where there are tools,
//! `[[call]]` and `[[call=NAME]]` (twice for two calls); a tool that the task demands is called without being asked.
//! The environment does the same to every job: `SYNTHETIC_DELAY_MS`, `SYNTHETIC_FAULT` (a fault's name), and to loads:
//! `SYNTHETIC_LOAD_MS`, `SYNTHETIC_LOAD_FAULT`. A directive wins over the environment.

mod chat;
mod directives;
mod embedding;
mod picture;
mod schema;
mod seed;
mod speech;
mod transcript;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use studio_protocol::{Task, TaskKind};

use crate::harness::{self, Engine, LoadWork, Output, Work};
use crate::{Description, Device, Failure, Load, Run};
use directives::{Directives, Fault};
use seed::Seed;

/// The word of `modelSource.engine`.
pub const NAME: &str = "synthetic";
/// Every model that it serves.
const MODELS: &str = "synthetic*";
/// Jobs at once: enough for every slot that a test wants, few enough to start quickly.
const SLOTS: u32 = 4;
/// The time between two progress events of a delayed job.
const STEP: Duration = Duration::from_millis(50);

/// What it can do; known without starting it.
pub fn description() -> Description {
    let formats = [(TaskKind::Image, picture::FORMATS), (TaskKind::AudioTts, speech::FORMATS)];
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    Description {
        name: NAME.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kinds: owned(&[
            TaskKind::Image.as_str(),
            TaskKind::Llm.as_str(),
            TaskKind::AudioStt.as_str(),
            TaskKind::AudioTts.as_str(),
        ]),
        formats: formats.iter().map(|(kind, exts)| (kind.as_str().to_owned(), owned(exts))).collect(),
        models: owned(&[MODELS]),
        devices: vec![Device { name: "cpu".to_owned(), memory_bytes: None }],
        build: "deterministic stand-in, no model behind it".to_owned(),
        slots: SLOTS,
    }
}

/// The whole program: serves commands until the daemon is gone.
pub fn main() -> ExitCode {
    harness::serve(Synthetic { environment: Directives::of_environment(), load: Directives::of_loads() })
}

struct Synthetic {
    environment: Directives,
    load: Directives,
}

impl Engine for Synthetic {
    fn describe(&self) -> Description {
        description()
    }

    fn load(&self, load: &Load, work: &LoadWork<'_>) -> Result<Option<u64>, Failure> {
        if !description().serves_model(&load.model) {
            let message =
                format!("the synthetic engine serves models named `{MODELS}`, not `{}`", load.model);
            return Err(Failure::bad_input(message));
        }
        let steps = steps_of(self.load.delay);
        for step in 0..steps {
            work.loading(step, steps);
            std::thread::sleep(self.load.delay / steps);
        }
        match self.load.fault {
            Some(fault) => Err(fault.strike(|_| ())),
            None => Ok(None),
        }
    }

    fn run(&self, run: &Run, work: &Work<'_>) -> Result<Output, Failure> {
        let asked = Directives::of_prompt(words_of(&run.task)).or(&self.environment);
        let seed = Seed::of(&run.task);
        wait(asked.delay, &run.task, &seed, work)?;
        if let Some(fault) = asked.fault {
            return Err(fault.strike(|bytes| work.raw(bytes)));
        }
        match &run.task {
            Task::Image(task) => picture::make(task, &seed, work),
            Task::Llm(task) => match &task.embed {
                Some(texts) => embedding::make(texts, &run.model),
                None => chat::answer(task, &run.model, &asked, &seed, work),
            },
            Task::AudioStt(task) => transcript::make(task, run.input(&task.input_url).ok(), &seed, work),
            Task::AudioTts(task) => speech::make(task, &seed, work),
            Task::Video(_) | Task::Mesh(_) => Err(unmade(&run.task)),
        }
    }

    fn unload(&self, _model: &str) {}
}

/// Where directives stand.
fn words_of(task: &Task) -> &str {
    match task {
        Task::Llm(chat) => {
            chat.embed.as_deref().map_or(task.prompt(), |texts| texts.first().map_or("", |text| text))
        }
        Task::AudioStt(recording) => recording.prompt.as_deref().unwrap_or_default(),
        Task::Image(_) | Task::AudioTts(_) | Task::Video(_) | Task::Mesh(_) => task.prompt(),
    }
}

fn wait(delay: Duration, task: &Task, seed: &Seed, work: &Work<'_>) -> Result<(), Failure> {
    let steps = steps_of(delay);
    let look = if let (Task::Image(picture), true) = (task, steps > 0) {
        picture::look(picture, seed)
    } else {
        None
    };
    for step in 0..steps {
        work.progress(step, steps, Some(delay / steps * (steps - step)));
        if let Some(look) = &look {
            work.preview("image/png", look.as_str());
        }
        work.pause(delay / steps)?;
    }
    work.check()
}

fn steps_of(delay: Duration) -> u32 {
    u32::try_from(delay.as_millis().div_ceil(STEP.as_millis())).unwrap_or(u32::MAX)
}

fn unmade(task: &Task) -> Failure {
    let (kind, ext) = (task.kind(), task.ext().unwrap_or_default());
    Failure::bad_input(format!("the synthetic engine makes no {ext} for {kind} jobs: it makes {}", made()))
}

fn unmade_format(kind: TaskKind, ext: &str) -> Failure {
    Failure::bad_input(format!("the synthetic engine writes no {kind} as `{ext}`: it makes {}", made()))
}

/// Every format, for failures.
fn made() -> String {
    let (pictures, speech) = (picture::FORMATS.join(", "), speech::FORMATS.join(", "));
    format!("image ({pictures}), audio_tts ({speech}), llm and audio_stt (JSON)")
}

impl Fault {
    /// Does what it says; only the faults of a well-behaved engine come back as a failure.
    fn strike(self, raw: impl Fn(&[u8])) -> Failure {
        match self {
            Self::Crash => {
                eprintln!("error: the synthetic engine crashes, as it was asked to");
                std::process::abort()
            }
            Self::Hang => {
                eprintln!("the synthetic engine hangs, as it was asked to");
                loop {
                    std::thread::sleep(Duration::from_hours(1));
                }
            }
            Self::Garbage => {
                raw(b"Segmentation fault, or something else that is no frame\n");
                Failure::internal("the synthetic engine wrote garbage, as it was asked to")
            }
            Self::Partial => {
                // Promises a kilobyte, gives a word.
                raw(&[0, 0, 4, 0]);
                raw(b"{\"type\":\"do");
                std::process::abort()
            }
            Self::Fail => Failure::internal("the synthetic engine fails, as it was asked to"),
            Self::FailForGood => Failure {
                retryable: false,
                ..Failure::internal("the synthetic engine fails for good, as it was asked to")
            },
        }
    }
}
