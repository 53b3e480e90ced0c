//! Transcripts of recordings that nobody listened to.

use serde_json::{Value, json};
use studio_protocol::{AudioSttTask, Timestamps};

use super::seed::Seed;
use super::words;
use crate::Failure;
use crate::harness::Output;

/// Words of a transcript.
const WORDS: usize = 24;
/// Milliseconds for each word: a calm speaker.
const WORD_MS: usize = 400;

pub(super) fn make(task: &AudioSttTask, seed: &Seed) -> Result<Output, Failure> {
    let text = words::text(&mut seed.draw(0), WORDS);
    let words: Vec<&str> = text.split(' ').collect();
    let mut result = json!({
        "text": text,
        "language": task.language.as_deref().unwrap_or("en"),
        "duration": seconds(words.len()),
    });
    match task.timestamps {
        None => {}
        Some(Timestamps::Segment) => result["segments"] = segments(&words),
        Some(Timestamps::Word) => {
            result["segments"] = segments(&words);
            result["words"] =
                words.iter().enumerate().map(|(at, word)| span("word", word, at, at + 1)).collect();
        }
    }
    Output::json(&result)
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
