//! `/v1/audio/speech`: a text becomes a task whose artefact is the answer.

use serde_json::{Map, Value};

use crate::openai::Wrong;
use crate::openai::fields::{Fields, shown, what};

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
    pub fn read(body: &[u8]) -> Result<Self, Wrong> {
        let mut fields = Fields::of_json(body)?;
        let model = fields.model()?;
        let text = fields.required_text("input")?;
        if text.trim().is_empty() {
            return Err(Wrong::at("input", "`input` is empty: there is nothing to say"));
        }
        let format = format(&mut fields)?;
        let mut task = Map::new();
        task.insert("kind".to_owned(), "audio_tts".into());
        task.insert("text".to_owned(), text.into());
        task.insert("ext".to_owned(), format.ext.into());
        if let Some(voice) = voice(&mut fields)? {
            task.insert("voice".to_owned(), voice.into());
        }
        if let Some(speed) = fields.number("speed", SPEEDS.0, SPEEDS.1)? {
            task.insert("speed".to_owned(), speed.into());
        }
        if let Some(language) = fields.name("language")? {
            task.insert("language".to_owned(), language.into());
        }
        match fields.text("stream_format")?.as_deref() {
            None | Some("audio") => {}
            Some("sse") => {
                let why = "speech is sent as it is, not as events: leave `stream_format` out, or use `audio`";
                return Err(Wrong::at("stream_format", why));
            }
            Some(other) => {
                let why = format!("`stream_format` is `{}`: use audio", shown(other));
                return Err(Wrong::at("stream_format", why));
            }
        }
        fields.take("user");
        Ok(Self { model, task: Value::Object(task), raw: format.raw, ignored: fields.left() })
    }
}

fn format(fields: &mut Fields) -> Result<Format, Wrong> {
    const NAME: &str = "response_format";
    let Some(word) = fields.text(NAME)? else { return Ok(FORMATS[0].1) };
    if let Some((_, format)) = FORMATS.iter().find(|(name, _)| *name == word) {
        return Ok(*format);
    }
    let known: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
    let known = known.join(", ");
    let why = if UNMADE.contains(&word.as_str()) {
        format!("no engine here writes `{word}`: use one of {known}")
    } else {
        format!("`{NAME}` is `{}`: use one of {known}", shown(&word))
    };
    Err(Wrong::at(NAME, why))
}

/// A name, or an object that has it as `id`.
fn voice(fields: &mut Fields) -> Result<Option<String>, Wrong> {
    match fields.take("voice") {
        None => Ok(None),
        Some(Value::String(voice)) if !voice.is_empty() => Ok(Some(voice)),
        Some(Value::Object(voice)) => match voice.get("id") {
            Some(Value::String(id)) if !id.is_empty() => Ok(Some(id.clone())),
            _ => Err(Wrong::at("voice", "`voice` is an object without an `id`")),
        },
        Some(other) => {
            Err(Wrong::at("voice", format!("`voice` is {}, not the name of a voice", what(&other))))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<SpeechRequest, Wrong> {
        SpeechRequest::read(body.to_string().as_bytes())
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
            (json!({ "voice": 3 }), "voice", "a number"),
            (json!({ "voice": {} }), "voice", "`id`"),
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
