//! Text to speech: a job's text, sentence by sentence, into a file.

mod flac;
mod opus;
mod sentences;
mod wav;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use engine_protocol::Failure;
use engine_protocol::harness::{Output, Work};
use studio_protocol::AudioTtsTask;

use crate::engine::warn;
use crate::model::Model;
use crate::native::Speaker;

/// What it writes; `ogg` is Opus in Ogg as well.
pub(crate) const FORMATS: &[&str] = &["flac", "ogg", "opus", "wav"];

/// About an hour of speech, which is 350 MB in memory.
const MAX_TEXT_CHARS: usize = 50_000;
/// Beyond it nobody understands a word.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.25..=4.0;
/// The voice of a job that names none.
const DEFAULT_VOICE: &str = "default";

/// A loaded model that speaks.
#[derive(Debug)]
pub(crate) struct Voice {
    speaker: Speaker,
    model: Model,
    /// Names of speakers: those of the model's defaults, and the model's own where those say nothing else.
    names: BTreeMap<String, u32>,
}

impl Voice {
    /// Refuses a model whose voices it does not have.
    pub(crate) fn new(speaker: Speaker, model: Model) -> Result<Self, Failure> {
        let speakers = speaker.speakers();
        if let Some((name, number)) = model.settings.voices.iter().find(|(_, number)| **number >= speakers) {
            return Err(Failure::model(format!(
                "the voice `{name}` is speaker {number}, but the model has {speakers} speakers, numbered from 0"
            )));
        }
        let own = model.metadata.get("speaker_names").map_or("", String::as_str);
        let mut names: BTreeMap<String, u32> = (0..speakers)
            .zip(own.split(',').map(str::trim).filter(|name| !name.is_empty()))
            .map(|(number, name)| (name.to_owned(), number))
            .collect();
        names.extend(model.settings.voices.clone());
        Ok(Self { speaker, model, names })
    }

    /// The speaker of a name, or of a number.
    fn find(&self, voice: &str) -> Result<u32, Failure> {
        if let Some(number) = self.names.get(voice) {
            return Ok(*number);
        }
        if voice == DEFAULT_VOICE {
            return Ok(0);
        }
        let speakers = self.speaker.speakers();
        if let Some(number) = voice.parse().ok().filter(|number| *number < speakers) {
            return Ok(number);
        }
        let mut known: Vec<String> = self.names.keys().map(|name| format!("`{name}`")).collect();
        if !self.names.contains_key(DEFAULT_VOICE) {
            known.push(format!("`{DEFAULT_VOICE}`"));
        }
        let numbers = if speakers == 1 { "0".to_owned() } else { format!("0 to {}", speakers - 1) };
        Err(Failure::bad_input(format!(
            "the model has no voice `{}`: it has {} and the numbers {numbers}",
            voice.escape_debug(),
            known.join(", ")
        )))
    }

    /// A voice speaks what it was made for, whatever the job wants.
    fn check_language(&self, language: &str) -> Result<(), Failure> {
        let Some(own) = &self.model.settings.language else {
            warn(&format!(
                "the model does not say what it speaks: the language `{language}` is not looked at"
            ));
            return Ok(());
        };
        let base =
            |language: &str| language.trim().split(['-', '_']).next().unwrap_or_default().to_lowercase();
        if own.split(',').any(|own| base(own) == base(language)) {
            return Ok(());
        }
        Err(Failure::bad_input(format!("the model speaks `{own}`, not `{}`", language.escape_debug())))
    }
}

/// Does a job.
pub(crate) fn make(voice: &mut Voice, task: &AudioTtsTask, work: &Work<'_>) -> Result<Output, Failure> {
    let ext = task.ext.as_str();
    if !FORMATS.contains(&ext) {
        return Err(Failure::bad_input(format!(
            "the sherpa-onnx engine writes no audio_tts as `{ext}`: it writes {}",
            FORMATS.join(", ")
        )));
    }
    let speed = task.speed.unwrap_or(1.0);
    if !SPEEDS.contains(&speed) {
        return Err(Failure::bad_input(format!(
            "the speed {speed} is not from {} to {}",
            SPEEDS.start(),
            SPEEDS.end()
        )));
    }
    if let Some(language) = &task.language {
        voice.check_language(language)?;
    }
    let speaker = voice.find(&task.voice)?;
    let characters = task.text.chars().count();
    if characters > MAX_TEXT_CHARS {
        return Err(Failure::bad_input(format!(
            "the text has {characters} characters, at most {MAX_TEXT_CHARS} are read aloud"
        )));
    }
    let sound = say(voice, &task.text, speaker, speed as f32, work)?;
    let path = work.out_path(ext)?;
    write(&path, ext, &sound, voice.speaker.rate(), work)?;
    Ok(Output::File { ext: task.ext.clone() })
}

fn say(
    voice: &mut Voice,
    text: &str,
    speaker: u32,
    speed: f32,
    work: &Work<'_>,
) -> Result<Vec<f32>, Failure> {
    let sentences = sentences::of(text);
    let steps = u32::try_from(sentences.len()).unwrap_or(u32::MAX);
    let started = Instant::now();
    let mut sound = Vec::new();
    work.progress(0, steps, None);
    for (at, sentence) in (1..).zip(&sentences) {
        work.check()?;
        let said = voice.speaker.say(sentence, speaker, speed, &|| !work.is_cancelled())?;
        work.check()?;
        if said.is_empty() {
            warn(&format!("nothing in `{}` has a sound in this voice", sentence.escape_debug()));
        }
        sound.extend_from_slice(&said);
        work.progress(at, steps, Some(left(started, at, steps)));
    }
    if sound.is_empty() {
        return Err(Failure::bad_input("there is nothing in the text that this voice can say"));
    }
    Ok(sound)
}

fn left(started: Instant, done: u32, steps: u32) -> Duration {
    started.elapsed() / done * steps.saturating_sub(done)
}

fn write(path: &Path, ext: &str, sound: &[f32], rate: u32, work: &Work<'_>) -> Result<(), Failure> {
    match ext {
        "flac" => flac::write(path, sound, rate, work),
        "ogg" | "opus" => opus::write(path, sound, rate, work),
        _ => wav::write(path, sound, rate),
    }
}

/// What a file could not be written for.
fn unwritten(path: &Path, problem: impl std::fmt::Display) -> Failure {
    Failure::internal(format!("could not write {}: {problem}", path.display()))
}

/// A sample of 16 bits; louder than loud is cut off.
fn sixteen_bits(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16
}
