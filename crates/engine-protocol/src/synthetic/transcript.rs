//! Transcripts of recordings that nobody listened to; as long as the recording, where that is a WAV.

use std::path::Path;

use hound::WavReader;
use serde_json::{Value, json};
use studio_protocol::{AudioSttTask, Timestamps};

use super::seed::Seed;
use super::words;
use crate::Failure;
use crate::harness::{Output, Work};

/// Words of a transcript of what is no WAV.
const WORDS: usize = 24;
/// A day is not transcribed to its end.
const MAX_WORDS: usize = 1_000;
/// Milliseconds for each word: a calm speaker.
const WORD_MS: usize = 400;

pub(super) fn make(
    task: &AudioSttTask,
    file: Option<&Path>,
    seed: &Seed,
    work: &Work<'_>,
) -> Result<Output, Failure> {
    let length = file.and_then(seconds_of);
    let count = length.map_or(WORDS, |seconds| (seconds * 1_000.0 / WORD_MS as f64) as usize);
    let whole = words::text(&mut seed.draw(0), count.min(MAX_WORDS));
    let words: Vec<&str> = whole.split(' ').collect();
    // Sentences are whole: the last one may be too long for the recording.
    let words = if length.is_some() { &words[..words.len().min(count.max(1))] } else { &words[..] };
    let text = words.join(" ");
    for sentence in text.split_inclusive(". ") {
        work.delta(sentence, None);
    }
    let mut result = json!({
        "text": text,
        "language": task.language.as_deref().unwrap_or("en"),
        "duration": length.unwrap_or_else(|| seconds(words.len())),
    });
    match task.timestamps {
        None => {}
        Some(Timestamps::Segment) => result["segments"] = segments(words),
        Some(Timestamps::Word) => {
            result["segments"] = segments(words);
            result["words"] =
                words.iter().enumerate().map(|(at, word)| span("word", word, at, at + 1)).collect();
        }
    }
    Output::json(&result)
}

fn seconds_of(file: &Path) -> Option<f64> {
    let wav = WavReader::open(file).ok()?;
    Some(f64::from(wav.duration()) / f64::from(wav.spec().sample_rate.max(1)))
}

fn segments(words: &[&str]) -> Value {
    let mut at = 0;
    let sentence = |words: &[&str]| {
        let start = at;
        at += words.len();
        span("text", &words.join(" "), start, at)
    };
    words.split_inclusive(|word| word.ends_with('.')).map(sentence).collect()
}

fn span(key: &str, text: &str, start: usize, end: usize) -> Value {
    json!({ key: text, "start": seconds(start), "end": seconds(end) })
}

fn seconds(words: usize) -> f64 {
    (words * WORD_MS) as f64 / 1_000.0
}
