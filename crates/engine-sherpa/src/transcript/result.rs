//! The transcript of a whole recording.

use engine_protocol::Failure;
use engine_protocol::harness::Output;
use serde_json::{Value, json};
use studio_protocol::{AudioSttTask, Timestamps};

use super::pieces::Piece;
use super::words::{self, Span};
use crate::native::Heard;

/// Seconds of silence after which a new segment starts, in models that do not say where sentences end.
const PAUSE: f64 = 0.8;
/// Where a sentence ends.
const ENDS: &[char] = &['.', '!', '?', '。', '！', '？'];

/// Grows with each piece.
#[derive(Debug)]
pub(super) struct Transcript {
    timestamps: Option<Timestamps>,
    text: String,
    segments: Vec<Span>,
    words: Vec<Span>,
    /// As the model heard it first.
    language: Option<String>,
}

impl Transcript {
    pub(super) fn new(task: &AudioSttTask) -> Self {
        let (text, segments, words, language) = Default::default();
        Self { timestamps: task.timestamps, text, segments, words, language }
    }

    /// Puts what was heard in a piece at its place; by what the text has grown.
    pub(super) fn add(&mut self, piece: &Piece, heard: &Heard) -> &str {
        let text = heard.text.trim();
        let before = self.text.len();
        if !text.is_empty() {
            words::append(&mut self.text, text);
            self.note(piece, heard, text);
        }
        &self.text[before..]
    }

    fn note(&mut self, piece: &Piece, heard: &Heard, text: &str) {
        let language = heard.lang.trim_matches(['<', '|', '>']);
        if self.language.is_none() && !language.is_empty() {
            self.language = Some(language.to_owned());
        }
        if self.timestamps.is_none() {
            return;
        }
        let timed = words::of(heard, piece.start(), piece.end());
        let segments = segments(piece, heard, &timed, text);
        if self.timestamps == Some(Timestamps::Word) {
            let words =
                if timed.is_empty() { segments.iter().flat_map(words::shared).collect() } else { timed };
            self.words.extend(words);
        }
        self.segments.extend(segments);
    }

    /// The whole of it; `own` is the language that was asked for.
    pub(super) fn finish(self, duration: f64, own: Option<&String>) -> Result<Output, Failure> {
        let mut result = json!({ "text": self.text, "duration": rounded(duration) });
        if let Some(language) = self.language.as_ref().or(own) {
            result["language"] = Value::from(language.as_str());
        }
        if self.timestamps.is_some() {
            result["segments"] = self.segments.iter().map(|segment| span("text", segment)).collect();
        }
        if self.timestamps == Some(Timestamps::Word) {
            result["words"] = self.words.iter().map(|word| span("word", word)).collect();
        }
        Output::json(&result)
    }
}

/// The model's own sentences, or else words between pauses, or else the whole piece.
fn segments(piece: &Piece, heard: &Heard, words: &[Span], text: &str) -> Vec<Span> {
    let (start, end) = (piece.start(), piece.end());
    let own: Vec<Span> = heard
        .segment_texts
        .iter()
        .zip(heard.segment_timestamps.iter().zip(&heard.segment_durations))
        .map(|(text, (at, lasts))| {
            let from = (start + at).clamp(start, end);
            Span { text: text.trim().to_owned(), start: from, end: (from + lasts.max(0.0)).min(end) }
        })
        .filter(|segment| !segment.text.is_empty())
        .collect();
    if !own.is_empty() {
        return own;
    }
    if words.is_empty() {
        return vec![Span { text: text.to_owned(), start, end }];
    }
    let mut segments: Vec<Span> = Vec::new();
    for word in words {
        match segments.last_mut() {
            Some(last) if !last.text.ends_with(ENDS) && word.start - last.end < PAUSE => {
                words::append(&mut last.text, &word.text);
                last.end = word.end;
            }
            _ => segments.push(word.clone()),
        }
    }
    segments
}

fn span(key: &str, span: &Span) -> Value {
    json!({ key: span.text, "start": rounded(span.start), "end": rounded(span.end) })
}

/// Milliseconds are finer than any model hears.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}
