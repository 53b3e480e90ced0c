//! `/v1/audio/speech`: a text becomes a task whose artefact is the answer.

use serde_json::{Map, Value};

use crate::openai::asked::{self, shown};
use crate::{Failure, Fields};

/// What engines write, and `pcm`, which the studio makes of `wav`.
const FORMATS: &[(&str, Format)] = &[
    ("wav", Format { ext: "wav", raw: false }),
    ("flac", Format { ext: "flac", raw: false }),
    ("opus", Format { ext: "opus", raw: false }),
    ("pcm", Format { ext: "wav", raw: true }),
];
/// Formats of OpenAI that no engine writes.
const UNMADE: &[&str] = &["mp3", "aac"];
/// Beyond it nobody understands a word; what OpenAI takes, too.
const SPEEDS: (f64, f64) = (0.25, 4.0);

/// Fields that are looked at, or ask for nothing.
const KNOWN: &[&str] =
    &["model", "input", "voice", "speed", "language", "response_format", "stream_format", "user"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format {
    ext: &'static str,
    raw: bool,
}

/// A request that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechRequest {
    /// The registry's name.
    pub model: String,
    /// What is to be said.
    pub task: Value,
    /// Whether the samples alone are wanted, not the file: see [`super::PcmStream`].
    pub raw: bool,
    /// What was asked for and is not looked at.
    pub ignored: Vec<String>,
}

impl SpeechRequest {
    /// Reads a body. A format that is not stated is `wav`: `mp3`, OpenAI's own, is not made here.
    pub fn read(request: &Value) -> Result<Self, Failure> {
        let fields = Fields::of(request, "")?;
        let model = asked::model(&fields)?;
        let text = fields.needed_text("input")?;
        if text.trim().is_empty() {
            return Err(Failure::invalid("input", "is empty: there is nothing to say"));
        }
        let format = format(&fields)?;
        let mut task = Map::new();
        task.insert("kind".to_owned(), "audio_tts".into());
        task.insert("text".to_owned(), text.into());
        task.insert("ext".to_owned(), format.ext.into());
        if let Some(voice) = voice(&fields)? {
            task.insert("voice".to_owned(), voice.into());
        }
        if let Some(speed) = fields.number("speed", SPEEDS.0, SPEEDS.1)? {
            task.insert("speed".to_owned(), speed.into());
        }
        if let Some(language) = asked::name(&fields, "language")? {
            task.insert("language".to_owned(), language.into());
        }
        if fields.text("stream_format")? == Some("sse") {
            let why = "speech is sent as it is, not as events: leave it out, or use `audio`";
            return Err(fields.error("stream_format", why));
        }
        asked::word(&fields, "stream_format", &[("audio", ())])?;
        Ok(Self {
            model,
            task: Value::Object(task),
            raw: format.raw,
            ignored: asked::ignored(request, KNOWN),
        })
    }
}

fn format(fields: &Fields<'_>) -> Result<Format, Failure> {
    const NAME: &str = "response_format";
    let Some(word) = fields.text(NAME)? else { return Ok(FORMATS[0].1) };
    if let Some((_, format)) = FORMATS.iter().find(|(name, _)| *name == word) {
        return Ok(*format);
    }
    let known: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
    let known = known.join(", ");
    let why = if UNMADE.contains(&word) {
        format!("no engine here writes `{word}`: use one of {known}")
    } else {
        format!("`{}` is not one of {known}", shown(word))
    };
    Err(Failure::invalid(NAME, why))
}

/// A name, or an object that has it as `id`.
fn voice(fields: &Fields<'_>) -> Result<Option<String>, Failure> {
    if let Some(Value::Object(_)) = fields.get("voice") {
        let voice = fields.object("voice")?;
        return voice
            .map(|voice| asked::name(&voice, "id")?.ok_or_else(|| voice.error("id", "is missing")))
            .transpose();
    }
    asked::name(fields, "voice")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<SpeechRequest, Failure> {
        SpeechRequest::read(body)
    }

    #[test]
    fn a_text_becomes_a_task() {
        let plain = read(&json!({ "model": "m", "input": "hello", "instructions": "cheerfully" })).unwrap();
        assert_eq!(plain.task, json!({ "kind": "audio_tts", "text": "hello", "ext": "wav" }));
        assert_eq!((plain.raw, plain.ignored), (false, vec!["instructions".to_owned()]));
        let full = read(&json!({
            "model": "m", "input": "hello", "voice": { "id": "af_sky" }, "speed": 1.5, "language": "en",
            "response_format": "opus", "stream_format": "audio",
        }))
        .unwrap();
        assert_eq!(
            full.task,
            json!({
                "kind": "audio_tts", "text": "hello", "ext": "opus", "voice": "af_sky", "speed": 1.5,
                "language": "en",
            })
        );
        let raw = read(&json!({ "model": "m", "input": "x", "response_format": "pcm" })).unwrap();
        assert_eq!((raw.raw, &raw.task["ext"]), (true, &json!("wav")));
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        for (change, param, word) in [
            (json!({ "input": null }), "input", "missing"),
            (json!({ "input": " " }), "input", "empty"),
            (json!({ "voice": 3 }), "voice", "not a text"),
            (json!({ "voice": {} }), "voice.id", "missing"),
            (json!({ "speed": 9 }), "speed", "0.25 to 4"),
            (json!({ "response_format": "mp3" }), "response_format", "wav, flac, opus, pcm"),
            (json!({ "response_format": "aac" }), "response_format", "no engine here"),
            (json!({ "response_format": "midi" }), "response_format", "`midi`"),
            (json!({ "stream_format": "sse" }), "stream_format", "audio"),
        ] {
            let mut body = json!({ "model": "m", "input": "hello" });
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            let wrong = read(&body).unwrap_err();
            assert_eq!(wrong.param.as_deref(), Some(param), "{body}: {}", wrong.message);
            assert!(wrong.message.contains(word), "{body}: {}", wrong.message);
        }
    }
}
