//! `/v1/audio/transcriptions` and `translations`: a recording becomes a task, its result one of five formats.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::subtitles::{self, Cue};
use crate::openai::asked::{self, shown};
use crate::openai::form::Form;
use crate::{Failure, Fields};

/// How a transcript comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Text,
    Srt,
    VerboseJson,
    Vtt,
}

const FORMATS: &[(&str, Format)] = &[
    ("json", Format::Json),
    ("text", Format::Text),
    ("srt", Format::Srt),
    ("verbose_json", Format::VerboseJson),
    ("vtt", Format::Vtt),
];

/// Fields that are looked at, or ask for nothing.
const KNOWN: &[&str] =
    &["model", "language", "prompt", "response_format", "timestamp_granularities", "stream", "vad", "user"];

/// A request that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptRequest {
    /// The registry's name.
    pub model: String,
    /// What is to be heard.
    pub task: Value,
    /// Whether events are sent while it is heard.
    pub stream: bool,
    /// What was asked for and is not looked at.
    pub ignored: Vec<String>,
    translate: bool,
    format: Format,
    words: bool,
    segments: bool,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// What it is.
    pub content_type: &'static str,
    /// The bytes.
    pub text: String,
}

impl TranscriptRequest {
    /// Reads a form; `translate` asks for English.
    pub fn read(mut form: Form, translate: bool) -> Result<Self, Failure> {
        let file = form.take_file("file")?;
        let file = file.ok_or_else(|| {
            Failure::invalid("file", "is missing: send the recording as a file of the form")
        })?;
        let lists = ["timestamp_granularities", "include"];
        let request = form.json(&["temperature"], &["stream", "vad"], &lists)?;
        let fields = Fields::of(&request, "")?;
        let model = asked::model(&fields)?;
        let format = asked::word(&fields, "response_format", FORMATS)?.unwrap_or(Format::Json);
        let (words, segments) = granularities(&fields, format)?;
        let stream = fields.flag("stream")?.unwrap_or(false);
        if stream && !matches!(format, Format::Json | Format::Text) {
            let why = "a transcript is streamed as `json` or `text` only: leave `stream` out";
            return Err(Failure::invalid("stream", why));
        }
        let mut task = Map::new();
        task.insert("kind".to_owned(), "audio_stt".into());
        task.insert("inputUrl".to_owned(), file.into());
        // Translations have one language, which is where they go.
        if let Some(language) = if translate { None } else { asked::name(&fields, "language")? } {
            task.insert("language".to_owned(), language.into());
        }
        if let Some(prompt) = fields.text("prompt")?.filter(|prompt| !prompt.is_empty()) {
            task.insert("prompt".to_owned(), prompt.into());
        }
        if translate {
            task.insert("translate".to_owned(), true.into());
        }
        if fields.flag("vad")?.unwrap_or(false) {
            task.insert("vad".to_owned(), true.into());
        }
        match (words, format) {
            (true, _) => task.insert("timestamps".to_owned(), "word".into()),
            (false, Format::Srt | Format::Vtt | Format::VerboseJson) => {
                task.insert("timestamps".to_owned(), "segment".into())
            }
            (false, Format::Json | Format::Text) => None,
        };
        Ok(Self {
            model,
            task: Value::Object(task),
            stream,
            ignored: asked::ignored(&request, KNOWN),
            translate,
            format,
            words,
            segments,
        })
    }

    /// The answer, from a job's result.
    pub fn answer(&self, result: &str) -> Result<Body, Failure> {
        let heard = Heard::read(result)?;
        let json = |value: Value| Body { content_type: "application/json", text: value.to_string() };
        let text = |content_type, text| Body { content_type, text };
        Ok(match self.format {
            Format::Json => json(short(&heard)),
            Format::VerboseJson => json(self.verbose(&heard)),
            Format::Text => text("text/plain; charset=utf-8", format!("{}\n", heard.text)),
            Format::Srt => text("text/plain; charset=utf-8", subtitles::srt(&heard.cues())),
            Format::Vtt => text("text/vtt; charset=utf-8", subtitles::vtt(&heard.cues())),
        })
    }

    /// The data of the event `transcript.text.delta`.
    pub fn delta(text: &str) -> String {
        json!({ "type": "transcript.text.delta", "delta": text }).to_string()
    }

    /// The whole text of a result, and the data of the event `transcript.text.done`.
    pub fn done(result: &str) -> Result<(String, String), Failure> {
        let heard = Heard::read(result)?;
        let mut data = short(&heard);
        data["type"] = "transcript.text.done".into();
        Ok((heard.text, data.to_string()))
    }

    fn verbose(&self, heard: &Heard) -> Value {
        let mut answer = short(heard);
        answer["task"] = if self.translate { "translate" } else { "transcribe" }.into();
        if let Some(language) = &heard.language {
            answer["language"] = language.as_str().into();
        }
        if let Some(duration) = heard.duration {
            answer["duration"] = duration.into();
        }
        if self.segments {
            let segments = heard.segments.iter().enumerate();
            answer["segments"] = segments
                .map(
                    |(id, span)| json!({ "id": id, "start": span.start, "end": span.end, "text": span.text }),
                )
                .collect();
        }
        if self.words {
            let words = heard.words.iter();
            answer["words"] = words
                .map(|span| json!({ "word": span.text, "start": span.start, "end": span.end }))
                .collect();
        }
        answer
    }
}

/// What every format in JSON has.
fn short(heard: &Heard) -> Value {
    let mut answer = json!({ "text": heard.text });
    if let Some(duration) = heard.duration {
        answer["usage"] = usage(duration);
    }
    answer
}

/// Whole seconds, begun ones too.
fn usage(duration: f64) -> Value {
    json!({ "type": "duration", "seconds": duration.max(0.0).ceil() as u64 })
}

/// Whether times of words and of segments are wanted.
fn granularities(fields: &Fields<'_>, format: Format) -> Result<(bool, bool), Failure> {
    const NAME: &str = "timestamp_granularities";
    let Some(asked) = fields.texts(NAME)? else { return Ok((false, true)) };
    if format != Format::VerboseJson {
        return Err(Failure::invalid(NAME, "goes with `response_format` verbose_json"));
    }
    let (mut words, mut segments) = (false, false);
    for one in asked {
        match one {
            "word" => words = true,
            "segment" => segments = true,
            other => {
                let why = format!("`{}` is not one of word, segment", shown(other));
                return Err(Failure::invalid(NAME, why));
            }
        }
    }
    Ok((words, segments))
}

/// A result as engines write it.
#[derive(Deserialize)]
struct Heard {
    text: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    duration: Option<f64>,
    #[serde(default)]
    segments: Vec<Segment>,
    #[serde(default)]
    words: Vec<Word>,
}

#[derive(Deserialize)]
struct Segment {
    text: String,
    start: f64,
    end: f64,
}

#[derive(Deserialize)]
struct Word {
    #[serde(rename = "word")]
    text: String,
    start: f64,
    end: f64,
}

impl Heard {
    fn read(result: &str) -> Result<Self, Failure> {
        serde_json::from_str(result).map_err(|error| asked::unreadable("the engine's transcript", error))
    }

    /// The segments, or the whole text where the engine gave none.
    fn cues(&self) -> Vec<Cue> {
        let cue = |start, end, text: &str| Cue { start, end, text: text.to_owned() };
        if self.segments.is_empty() && !self.text.trim().is_empty() {
            return vec![cue(0.0, self.duration.unwrap_or(0.0), &self.text)];
        }
        self.segments.iter().map(|segment| cue(segment.start, segment.end, &segment.text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{"text":"Hello there. You.","language":"en","duration":2.4,
        "segments":[{"text":"Hello there.","start":0.0,"end":1.0},{"text":"You.","start":1.5,"end":2.0}],
        "words":[{"word":"Hello","start":0.0,"end":0.4}]}"#;

    fn form(texts: &[(&str, &str)]) -> Form {
        let mut form = Form::default();
        form.add_file("file", "studio:///inputs/1");
        form.add_text("model", "whisper");
        for (name, text) in texts {
            form.add_text(*name, *text);
        }
        form
    }

    fn read(texts: &[(&str, &str)]) -> Result<TranscriptRequest, Failure> {
        TranscriptRequest::read(form(texts), false)
    }

    fn answer(texts: &[(&str, &str)]) -> Body {
        read(texts).unwrap().answer(RESULT).unwrap()
    }

    #[test]
    fn a_form_becomes_a_task() {
        let plain = read(&[("temperature", "0"), ("chunking_strategy", "auto")]).unwrap();
        let base = json!({ "kind": "audio_stt", "inputUrl": "studio:///inputs/1" });
        assert_eq!(plain.task, base);
        assert_eq!(plain.ignored, ["chunking_strategy", "temperature"]);
        let full =
            read(&[("language", "de"), ("prompt", "Names"), ("vad", "true"), ("response_format", "srt")]);
        assert_eq!(
            full.unwrap().task,
            json!({
                "kind": "audio_stt", "inputUrl": "studio:///inputs/1", "language": "de", "prompt": "Names",
                "vad": true, "timestamps": "segment",
            })
        );
        let english = TranscriptRequest::read(form(&[]), true).unwrap();
        assert_eq!(english.task["translate"], true);
        let words =
            read(&[("response_format", "verbose_json"), ("timestamp_granularities[]", "word")]).unwrap();
        assert_eq!(words.task["timestamps"], "word");
    }

    #[test]
    fn each_format_is_what_it_says() {
        let json: Value = serde_json::from_str(&answer(&[]).text).unwrap();
        assert_eq!(
            json,
            json!({ "text": "Hello there. You.", "usage": { "type": "duration", "seconds": 3 } })
        );
        assert_eq!(answer(&[("response_format", "text")]).text, "Hello there. You.\n");
        let srt = answer(&[("response_format", "srt")]).text;
        assert!(srt.starts_with("1\n00:00:00,000 --> 00:00:01,000\nHello there.\n\n2\n"), "{srt}");
        let vtt = answer(&[("response_format", "vtt")]);
        assert!(
            vtt.text.starts_with("WEBVTT\n\n00:00:00.000 -->") && vtt.content_type.starts_with("text/vtt")
        );
        let verbose: Value =
            serde_json::from_str(&answer(&[("response_format", "verbose_json")]).text).unwrap();
        assert_eq!(
            verbose,
            json!({
                "task": "transcribe", "language": "en", "duration": 2.4, "text": "Hello there. You.",
                "usage": { "type": "duration", "seconds": 3 },
                "segments": [
                    { "id": 0, "start": 0.0, "end": 1.0, "text": "Hello there." },
                    { "id": 1, "start": 1.5, "end": 2.0, "text": "You." },
                ],
            })
        );
        let words = answer(&[("response_format", "verbose_json"), ("timestamp_granularities[]", "word")]);
        let words: Value = serde_json::from_str(&words.text).unwrap();
        assert_eq!(words["words"], json!([{ "word": "Hello", "start": 0.0, "end": 0.4 }]));
        assert!(words.get("segments").is_none());
    }

    #[test]
    fn an_engine_without_segments_gives_one_cue() {
        let request = read(&[("response_format", "srt")]).unwrap();
        let srt = request.answer(r#"{"text":"Hi.","duration":1.0}"#).unwrap().text;
        assert_eq!(srt, "1\n00:00:00,000 --> 00:00:01,000\nHi.\n\n");
        assert_eq!(request.answer(r#"{"text":""}"#).unwrap().text, "");
        assert!(request.answer("[]").unwrap_err().message.contains("transcript"));
    }

    #[test]
    fn events_have_their_types() {
        let request = read(&[("stream", "true")]).unwrap();
        assert!(request.stream);
        let delta: Value = serde_json::from_str(&TranscriptRequest::delta("a")).unwrap();
        assert_eq!(delta, json!({ "type": "transcript.text.delta", "delta": "a" }));
        let (text, done) = TranscriptRequest::done(RESULT).unwrap();
        let done: Value = serde_json::from_str(&done).unwrap();
        assert_eq!((text.as_str(), &done["type"]), ("Hello there. You.", &json!("transcript.text.done")));
        assert_eq!(done["text"], "Hello there. You.");
    }

    #[test]
    fn wrong_forms_name_their_field() {
        for (texts, param) in [
            (&[("response_format", "diarized_json")][..], "response_format"),
            (&[("timestamp_granularities[]", "word")], "timestamp_granularities"),
            (
                &[("response_format", "verbose_json"), ("timestamp_granularities[]", "day")],
                "timestamp_granularities",
            ),
            (&[("stream", "true"), ("response_format", "srt")], "stream"),
            (&[("stream", "often")], "stream"),
            (&[("language", "")], "language"),
        ] {
            let wrong = read(texts).unwrap_err();
            assert_eq!(wrong.param.as_deref(), Some(param), "{texts:?}: {}", wrong.message);
        }
        let without = TranscriptRequest::read(Form::default(), false).unwrap_err();
        assert_eq!(without.param.as_deref(), Some("file"));
        let mut two = form(&[]);
        two.add_file("file", "b");
        assert_eq!(TranscriptRequest::read(two, false).unwrap_err().param.as_deref(), Some("file"));
        let mut no_model = Form::default();
        no_model.add_file("file", "a");
        assert_eq!(TranscriptRequest::read(no_model, false).unwrap_err().param.as_deref(), Some("model"));
    }
}
