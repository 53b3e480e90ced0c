//! Hears stable-diffusion.cpp: progress, previews, signs of life, and what it said before it failed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine_protocol::Failure;
use engine_protocol::harness::{LoadWork, Work};

use crate::limits::{KEPT_LINES, LOADING_INTERVAL, PREVIEW_INTERVAL};
use crate::output::{self, Format};
use crate::sd::{Level, Listener, Picture};

/// The last lines that explain a failure, and what others told on the way.
#[derive(Debug, Default)]
pub(crate) struct Told {
    lines: VecDeque<String>,
    /// What family of models it is, as the library names it.
    pub(crate) version: Option<String>,
    /// Of the weights.
    pub(crate) memory_bytes: Option<u64>,
}

/// What the library says when memory is short, in small letters.
const OUT_OF_MEMORY: [&str; 6] = [
    "out of memory",
    "failed to allocate",
    "alloc compute buffer failed",
    "alloc compute graph failed",
    "backend buffer failed",
    "outofdevicememory",
];

impl Told {
    fn hear(&mut self, level: Level, line: &str) {
        // Every line starts with its place in the source.
        let line = line.split_once(" - ").map_or(line, |(_, line)| line);
        match level {
            Level::Debug => return,
            Level::Info => eprintln!("{line}"),
            Level::Warn => eprintln!("warn: {line}"),
            Level::Error => eprintln!("error: {line}"),
        }
        if let Some(version) = line.strip_prefix("Version: ") {
            self.version = Some(version.trim().to_owned());
        }
        if let Some(rest) = line.strip_prefix("total params memory size = ") {
            self.memory_bytes = mebibytes(rest);
        }
        if matches!(level, Level::Warn | Level::Error) {
            if self.lines.len() == KEPT_LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(line.to_owned());
        }
    }

    /// What went wrong, in the library's own words.
    pub(crate) fn failure(&self, what: &str, otherwise: fn(String) -> Failure) -> Failure {
        let lines = self.lines.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
        let words = lines.to_lowercase();
        let message = if lines.is_empty() { what.to_owned() } else { format!("{what}: {lines}") };
        if OUT_OF_MEMORY.iter().any(|words_of_it| words.contains(words_of_it)) {
            Failure::memory(message)
        } else {
            otherwise(message)
        }
    }
}

/// `123.45MB (...` in bytes.
fn mebibytes(text: &str) -> Option<u64> {
    let number: f64 = text.split("MB").next()?.trim().parse().ok()?;
    Some((number * 1024.0 * 1024.0) as u64)
}

/// Hears a load.
pub(crate) struct LoadWatch<'a> {
    work: &'a LoadWork<'a>,
    state: Mutex<(Told, Option<Instant>)>,
}

impl<'a> LoadWatch<'a> {
    pub(crate) fn new(work: &'a LoadWork<'a>) -> Self {
        Self { work, state: Mutex::default() }
    }

    pub(crate) fn told(self) -> Told {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).0
    }

    fn alive(&self, said: &mut Option<Instant>) {
        if said.is_none_or(|at| at.elapsed() >= LOADING_INTERVAL) {
            *said = Some(Instant::now());
            self.work.loading(0, 0);
        }
    }
}

impl Listener for LoadWatch<'_> {
    fn log(&self, level: Level, line: &str) {
        let mut state = locked(&self.state);
        let (told, said) = &mut *state;
        told.hear(level, line);
        self.alive(said);
    }

    fn progress(&self, _step: u32, _steps: u32) {
        self.alive(&mut locked(&self.state).1);
    }

    fn preview(&self, _picture: Picture) {}

    fn wants_previews(&self) -> bool {
        false
    }
}

/// Steps that a sampler may count at once.
const MOST_AT_ONCE: u32 = 2;

/// What the library is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Reads the prompt, encodes pictures.
    Preparing,
    /// Takes noise away.
    Sampling,
    /// Makes pixels.
    Decoding,
}

#[derive(Debug)]
struct JobState {
    told: Told,
    stage: Stage,
    /// Pictures that are sampled already.
    pictures: u32,
    /// Steps of the picture at hand, once they are known.
    steps: Option<u32>,
    /// Those that are done.
    step: u32,
    since: Instant,
    previewed: Option<Instant>,
}

impl JobState {
    /// Whether the callback that counts everything counts a step of denoising: the first that it counts then, and
    /// those that follow one by one. Tensors that are read meanwhile and tiles are counted otherwise.
    fn is_step(&mut self, step: u32, steps: u32) -> bool {
        let is_next = match self.steps {
            _ if self.stage != Stage::Sampling => false,
            None => step == 0,
            Some(known) => known == steps && step > self.step && step - self.step <= MOST_AT_ONCE,
        };
        if is_next {
            (self.steps, self.step) = (Some(steps), step);
        }
        is_next
    }
}

/// Hears a job.
pub(crate) struct JobWatch<'a> {
    work: &'a Work<'a>,
    wants_previews: bool,
    /// Pictures in all.
    count: u32,
    state: Mutex<JobState>,
}

impl<'a> JobWatch<'a> {
    pub(crate) fn new(work: &'a Work<'a>, wants_previews: bool, count: u32) -> Self {
        let state = JobState {
            told: Told::default(),
            stage: Stage::Preparing,
            pictures: 0,
            steps: None,
            step: 0,
            since: Instant::now(),
            previewed: None,
        };
        Self { work, wants_previews, count, state: Mutex::new(state) }
    }

    /// Why the library made nothing.
    pub(crate) fn failure(&self) -> Failure {
        locked(&self.state).told.failure("stable-diffusion.cpp made nothing", Failure::internal)
    }
}

impl Listener for JobWatch<'_> {
    fn log(&self, level: Level, line: &str) {
        let mut state = locked(&self.state);
        state.told.hear(level, line);
        if line.contains("generating image: ") || line.contains("generate_video ") {
            if state.stage == Stage::Sampling {
                state.pictures += 1;
            } else {
                state.since = Instant::now();
            }
            state.stage = Stage::Sampling;
            (state.steps, state.step) = (None, 0);
        } else if line.contains("sampling(high noise) completed") {
            // The second of the two models of a clip counts for itself.
            (state.steps, state.step) = (None, 0);
        } else if line.contains("decoding ") || line.contains("decode_video_outputs ") {
            state.stage = Stage::Decoding;
        }
        drop(state);
        if level != Level::Debug {
            self.work.heartbeat();
        }
    }

    fn progress(&self, step: u32, steps: u32) {
        let mut state = locked(&self.state);
        if !state.is_step(step, steps) {
            drop(state);
            self.work.heartbeat();
            return;
        }
        let all = steps.saturating_mul(self.count);
        let done = state.pictures.saturating_mul(steps).saturating_add(step).min(all);
        let left = time_left(state.since.elapsed(), done, all);
        drop(state);
        self.work.progress(done, all, left);
    }

    fn preview(&self, picture: Picture) {
        let mut state = locked(&self.state);
        if state.previewed.is_some_and(|at| at.elapsed() < PREVIEW_INTERVAL) {
            return;
        }
        state.previewed = Some(Instant::now());
        drop(state);
        if let Ok(jpeg) = output::encode(&picture, Format::Jpeg) {
            self.work.preview("image/jpeg", STANDARD.encode(jpeg));
        }
    }

    fn wants_previews(&self) -> bool {
        self.wants_previews
    }
}

/// As long for each step that is left as for each that is done.
fn time_left(passed: Duration, done: u32, all: u32) -> Option<Duration> {
    (done > 0).then(|| passed.mul_f64(f64::from(all - done) / f64::from(done)))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use engine_protocol::FailureClass;

    use super::*;

    #[test]
    fn the_log_tells_version_memory_and_reasons() {
        let mut told = Told::default();
        told.hear(Level::Info, "stable-diffusion.cpp:480  - Version: Z-Image ");
        let line =
            "x.cpp:1134 - total params memory size = 61.50MB (VRAM 0.00MB, RAM 61.50MB): text_encoders 1MB";
        told.hear(Level::Info, line);
        assert_eq!(told.version.as_deref(), Some("Z-Image"));
        assert_eq!(told.memory_bytes, Some(61 * 1024 * 1024 + 512 * 1024));
        for number in 0..20 {
            told.hear(Level::Error, &format!("a.cpp:1 - problem {number}"));
        }
        let failure = told.failure("it did not load", Failure::model);
        assert_eq!(failure.class, FailureClass::Model);
        assert!(
            failure.message.starts_with("it did not load: problem 8; ") && failure.message.ends_with("19")
        );
        told.hear(Level::Error, "a.cpp:1 - z_image: failed to allocate the compute buffer");
        assert_eq!(told.failure("x", Failure::model).class, FailureClass::Memory);
    }

    #[test]
    fn time_left_follows_the_steps_done() {
        assert_eq!(time_left(Duration::from_secs(2), 0, 8), None);
        assert_eq!(time_left(Duration::from_secs(2), 2, 8), Some(Duration::from_secs(6)));
        assert_eq!(time_left(Duration::from_secs(2), 8, 8), Some(Duration::ZERO));
    }
}
