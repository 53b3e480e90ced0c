//! `/v1/audio` over a real fleet.

use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::client::{Holding, SOON, ours};
use crate::fleet::{Fleet, answered, client, events, file, key_of, refused};
use crate::served::Served;

const SPEECH: &str = "/v1/audio/speech";
const TRANSCRIPTIONS: &str = "/v1/audio/transcriptions";
/// Of the synthetic engine: words a second, and its rate.
const WORD_SECONDS: f64 = 0.22;
const RATE: f64 = 22_050.0;

fn says(text: &str, more: &Value) -> Value {
    let mut body = json!({"model": "synthetic-tts", "voice": "alloy", "input": text});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn heard(wav: &[u8]) -> Form {
    Form::new().text("model", "synthetic-stt").part("file", file(wav.to_vec(), "speech.wav", "audio/wav"))
}

async fn speech(fleet: &Fleet, text: &str) -> Vec<u8> {
    let response = fleet.post(SPEECH, says(text, &json!({}))).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"audio/wav".parse().unwrap())
    );
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let bytes = response.bytes().await.unwrap().to_vec();
    assert_eq!(bytes.len(), length);
    bytes
}

#[tokio::test]
async fn a_text_is_said_as_sound_of_its_length() {
    let fleet = Fleet::open().await;
    let wav = speech(&fleet, "one two three four").await;
    assert!(wav.starts_with(b"RIFF"));
    let seconds = (wav.len() - 44) as f64 / 2.0 / RATE;
    assert!((seconds - 4.0 * WORD_SECONDS).abs() < 0.01, "{seconds}");

    let raw = says("one two three four", &json!({"response_format": "pcm", "instructions": "slowly"}));
    let raw = fleet.post(SPEECH, raw).await;
    assert!(raw.headers()["content-type"].to_str().unwrap().starts_with("audio/pcm"));
    assert_eq!(raw.headers()["x-studio-ignored"], "instructions");
    let samples = raw.bytes().await.unwrap();
    assert!((samples.len() as f64 / 2.0 / 24_000.0 - seconds).abs() < 0.01, "{} bytes", samples.len());
    let loud = samples.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]]).unsigned_abs()).max();
    assert!(loud > Some(4_000), "{loud:?}");
}

#[tokio::test]
async fn what_cannot_be_said_is_refused() {
    let fleet = Fleet::open().await;
    for (more, status, param, word) in [
        (json!({"response_format": "mp3"}), 400, json!("response_format"), "wav, flac, opus, pcm"),
        (json!({"input": ""}), 400, json!("input"), "empty"),
        (json!({"speed": 99}), 400, json!("speed"), "0.25"),
        (json!({"model": "synthetic"}), 400, json!("model"), "audio_tts"),
        (json!({"response_format": "opus"}), 422, Value::Null, "opus"),
    ] {
        let (is, at, message) = refused(fleet.post(SPEECH, says("hello", &more)).await).await;
        assert_eq!((is, at), (status, param), "{more}: {message}");
        assert!(message.contains(word), "{more}: {message}");
    }
}

#[tokio::test]
async fn a_recording_becomes_text_in_every_format() {
    let fleet = Fleet::open().await;
    let wav = speech(&fleet, &"word ".repeat(40)).await;
    let as_format = async |format: &'static str| {
        let response = fleet.form(TRANSCRIPTIONS, heard(&wav).text("response_format", format)).await;
        assert_eq!(response.status(), 200);
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, response.text().await.unwrap())
    };
    let (_, json) = as_format("json").await;
    let json: Value = serde_json::from_str(&json).unwrap();
    let words = json["text"].as_str().unwrap().split(' ').count();
    assert!((18..=24).contains(&words), "8.8 s are about 22 words: {json}");
    assert_eq!(json["usage"], json!({"type": "duration", "seconds": 9}));
    let (kind, text) = as_format("text").await;
    assert!(kind.starts_with("text/plain") && text.ends_with(".\n") || text.ends_with('\n'), "{text}");
    let (_, srt) = as_format("srt").await;
    assert!(srt.starts_with("1\n00:00:00,000 --> 00:00:0"), "{srt}");
    let (kind, vtt) = as_format("vtt").await;
    assert!(kind.starts_with("text/vtt") && vtt.starts_with("WEBVTT\n\n00:00:00.000 --> "), "{vtt}");
    let (_, verbose) = as_format("verbose_json").await;
    let verbose: Value = serde_json::from_str(&verbose).unwrap();
    assert_eq!((&verbose["task"], &verbose["language"]), (&json!("transcribe"), &json!("en")));
    assert!((verbose["duration"].as_f64().unwrap() - 8.8).abs() < 0.01, "{verbose}");
    assert!(verbose["segments"].as_array().unwrap().len() > 1 && verbose.get("words").is_none(), "{verbose}");

    let form = heard(&wav).text("response_format", "verbose_json").text("language", "de");
    let form = form.text("timestamp_granularities[]", "word").text("timestamp_granularities[]", "segment");
    let timed = answered(fleet.form(TRANSCRIPTIONS, form).await).await;
    assert_eq!(timed["words"].as_array().unwrap().len(), words);
    assert!(timed["segments"].is_array() && timed["language"] == "de", "{timed}");
    let english = heard(&wav).text("response_format", "verbose_json");
    let english = fleet.form("/v1/audio/translations", english).await;
    assert_eq!(fleet.tasks(&english).await[0]["translate"], true);
    assert_eq!(answered(english).await["task"], "translate");
}

#[tokio::test]
async fn a_transcript_comes_as_events() {
    let fleet = Fleet::open().await;
    let wav = speech(&fleet, &"word ".repeat(60)).await;
    let form = heard(&wav).text("stream", "true").text("prompt", "[[delay=100]]");
    let response = fleet.form(TRANSCRIPTIONS, form).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = events(&response.text().await.unwrap());
    let (last, done) = events.last().unwrap();
    assert_eq!((last.as_str(), &done["type"]), ("transcript.text.done", &json!("transcript.text.done")));
    let told: String =
        events[..events.len() - 1].iter().map(|(_, data)| data["delta"].as_str().unwrap()).collect();
    assert_eq!(done["text"], told);
    let failing = heard(&wav).text("stream", "true").text("prompt", "[[fail-for-good]]");
    let text = fleet.form(TRANSCRIPTIONS, failing).await.text().await.unwrap();
    assert!(text.contains("event: error\ndata: {\"error\""), "{text}");
}

#[tokio::test]
async fn what_is_heard_is_told_at_once() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&ours()).await;
    let form = heard(b"RIFF0000WAVEfmt ").text("stream", "true");
    let url = format!("{}{TRANSCRIPTIONS}", studio.url);
    let mut response = client().post(url).bearer_auth(key_of(&studio)).multipart(form).send().await.unwrap();
    let (mut holding, _) = Holding::next(session).await;
    holding.say("Once ").await;
    let mut text = String::new();
    while !text.contains("\"Once \"") {
        let chunk = tokio::time::timeout(SOON, response.chunk()).await.unwrap().unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(!text.contains("transcript.text.done"), "{text}");
    let (job, attempt) = (holding.job.clone(), holding.attempt);
    let result = json!({"type": "completeJson", "jobId": job, "attempt": attempt, "prompt": "",
        "result": {"text": "Once upon", "duration": 1.5}});
    holding.session.send_json(result).await;
    let told = events(&response.text().await.unwrap());
    let told: Vec<(&str, &Value)> = told.iter().map(|(name, data)| (name.as_str(), data)).collect();
    let delta = json!({"type": "transcript.text.delta", "delta": "upon"});
    let done = json!({"type": "transcript.text.done", "text": "Once upon",
        "usage": {"type": "duration", "seconds": 2}});
    assert_eq!(told, [("transcript.text.delta", &delta), ("transcript.text.done", &done)]);
}

#[tokio::test]
async fn who_hangs_up_ends_the_transcript() {
    let fleet = Fleet::open().await;
    let wav = [&b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0"[..], &[0; 28]].concat();
    let form = heard(&wav).text("prompt", "[[delay=60000]]");
    fleet.hang_up(fleet.request(Method::POST, TRANSCRIPTIONS).multipart(form), 1).await;
}

#[tokio::test]
async fn recordings_that_lie_or_are_missing_are_refused() {
    let fleet = Fleet::open().await;
    let form = || Form::new().text("model", "synthetic-stt");
    let wav = b"RIFF0000WAVEfmt ".to_vec();
    for (form, param, word) in [
        (form(), json!("file"), "missing"),
        (form().part("file", file(wav.clone(), "a.mp3", "audio/mpeg")), json!("file"), "audio/mpeg"),
        (
            form().part("file", file(b"\x89PNG\r\n\x1a\n".to_vec(), "a.wav", "audio/wav")),
            json!("file"),
            "no recording",
        ),
        (form().part("file", file(b"hello".to_vec(), "a.wav", "audio/wav")), json!("file"), "no recording"),
        (form().part("audio", file(wav.clone(), "a.wav", "audio/wav")), json!("file"), "missing"),
        (heard(&wav).text("response_format", "pdf"), json!("response_format"), "verbose_json"),
        (heard(&wav).text("stream", "true").text("response_format", "vtt"), json!("stream"), "json"),
    ] {
        let (status, at, message) = refused(fleet.form(TRANSCRIPTIONS, form).await).await;
        assert_eq!((status, at), (400, param), "{message}");
        assert!(message.contains(word), "{message}");
    }
}
