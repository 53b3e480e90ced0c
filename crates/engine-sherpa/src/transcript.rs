//! Speech to text: a recording, piece by piece, into a transcript in the shape of OpenAI's `verbose_json`.

mod audio;
mod pieces;
mod result;
mod words;

use std::path::Path;
use std::time::Instant;

use engine_protocol::Failure;
use engine_protocol::harness::{Output, Work};
use studio_protocol::{AudioSttTask, Timestamps};

use crate::engine::warn;
use crate::model::{Family, Model};
use crate::native::{Heard, Listener, RATE, Request, Vad};
use audio::Recording;
use pieces::{LONGEST, Piece, Pieces};
use result::Transcript;

/// A loaded model that listens.
#[derive(Debug)]
pub(crate) struct Ears {
    listener: Listener,
    vad: Option<Vad>,
    model: Model,
}

impl Ears {
    pub(crate) fn new(listener: Listener, model: Model) -> Result<Self, Failure> {
        if let Some(language) = model.settings.language.as_ref().filter(|_| !model.languages().is_empty()) {
            spelled(&model, language)
                .map_err(|e| Failure::model(format!("`language` of the model's defaults: {e}")))?;
        }
        let vad = Vad::create(&model, LONGEST)?;
        Ok(Self { listener, vad, model })
    }

    /// What the job asks for, as far as the model can do it.
    fn request(&self, task: &AudioSttTask) -> Result<Request, Failure> {
        let family = self.model.family;
        if task.prompt.as_ref().is_some_and(|prompt| !prompt.is_empty()) {
            warn(&format!("a {} model takes no prompt: it is not looked at", family.word()));
        }
        let whisper = family == Family::Whisper;
        let translate = task.translate == Some(true);
        if translate && !(whisper && self.model.is_multilingual()) {
            return Err(Failure::bad_input(format!("this {} model does not translate", family.word())));
        }
        Ok(Request {
            language: self.language(task)?,
            translate,
            segments: whisper && task.timestamps.is_some(),
            tokens: whisper && task.timestamps == Some(Timestamps::Word) && self.model.has_attention,
        })
    }

    /// The language of the job, or else of the model's defaults, as the model spells it; empty: to be detected.
    fn language(&self, task: &AudioSttTask) -> Result<String, Failure> {
        let asked = task.language.as_ref().or(self.model.settings.language.as_ref());
        let Some(asked) = asked else { return Ok(String::new()) };
        if !self.model.languages().is_empty() {
            return spelled(&self.model, asked).map_err(Failure::bad_input);
        }
        if task.language.is_some() {
            let family = self.model.family.word();
            warn(&format!(
                "a {family} model hears what it was made for: the language `{asked}` only labels the result"
            ));
        }
        Ok(String::new())
    }
}

/// A language as the model spells it: `en` for `en-US`.
fn spelled(model: &Model, asked: &str) -> Result<String, String> {
    let known = model.languages();
    let lower = asked.trim().to_lowercase();
    let base = lower.split(['-', '_']).next().unwrap_or_default();
    let found = known.iter().find(|known| **known == lower || **known == base);
    found.map(|found| (*found).to_owned()).ok_or_else(|| {
        let (asked, known) = (asked.escape_debug(), known.join(", "));
        format!("the model does not know the language `{asked}`: it knows {known}")
    })
}

/// Does a job.
pub(crate) fn make(
    ears: &mut Ears,
    task: &AudioSttTask,
    path: &Path,
    work: &Work<'_>,
) -> Result<Output, Failure> {
    let request = ears.request(task)?;
    ears.listener.prepare(&ears.model, &request)?;
    // Read to its end once, so that progress is true and a recording that is too long costs no hour.
    let total = audio::measure(path, work)?;
    let mut recording = Recording::open(path)?;
    let vad = ears.vad.as_mut().filter(|_| task.vad != Some(false));
    if task.vad == Some(true) && vad.is_none() {
        warn("the model has no file of role `vad`: silence is told by its loudness");
    }
    let mut pieces = Pieces::new(vad, task.vad == Some(true));
    let mut transcript = Transcript::new(task);
    let (started, mut ended) = (Instant::now(), false);
    work.progress(0, seconds(total), None);
    while !ended {
        work.check()?;
        if let Some(block) = recording.next_block()? {
            pieces.feed(&block);
        } else {
            ended = true;
            pieces.finish();
        }
        while let Some(piece) = pieces.next() {
            work.check()?;
            let heard = hear(&mut ears.listener, &piece)?;
            work.delta(transcript.add(&piece, &heard), None);
            let done = piece.end();
            let left = started.elapsed().mul_f64(((total - done) / done).clamp(0.0, MOST_TIMES_LONGER));
            work.progress(seconds(done).min(seconds(total)), seconds(total), Some(left));
        }
    }
    work.check()?;
    work.progress(seconds(total), seconds(total), None);
    let own = task.language.as_ref().or(ears.model.settings.language.as_ref());
    transcript.finish(recording.duration(), own)
}

/// Seconds. Less is not enough for a single row of input of SenseVoice and Paraformer, whose code reads beyond it.
const SHORTEST: f32 = 0.5;

fn hear(listener: &mut Listener, piece: &Piece) -> Result<Heard, Failure> {
    let least = (SHORTEST * RATE as f32) as usize;
    if piece.samples.len() >= least {
        return listener.hear(&piece.samples);
    }
    let mut padded = piece.samples.clone();
    padded.resize(least, 0.0);
    listener.hear(&padded)
}

/// The estimate after a first short piece of a recording of hours.
const MOST_TIMES_LONGER: f64 = 1e5;

/// Whole seconds for progress, at least one.
fn seconds(time: f64) -> u32 {
    (time.ceil() as u32).max(1)
}
