//! Pictures and sound.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::support::{Program, alone, events, left, told};
use crate::support::until;

fn size_of(picture: &Value) -> (u32, u32) {
    let bytes = STANDARD.decode(picture["b64_json"].as_str().unwrap()).unwrap();
    let picture =
        image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().unwrap().decode().unwrap();
    (picture.width(), picture.height())
}

fn picture(prompt: &str) -> Value {
    json!({"model": "synthetic", "prompt": prompt, "size": "64x48"})
}

fn file(name: &str, kind: &str, bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name(name.to_owned()).mime_str(kind).unwrap()
}

#[tokio::test]
async fn pictures_come_inside_of_the_answer_and_leave_nothing_behind() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let mut asked = picture("a fox");
    asked["n"] = json!(2);
    let answer = program.ask("/images/generations", asked).await;
    let pictures = answer["data"].as_array().unwrap();
    assert_eq!(pictures.iter().map(size_of).collect::<Vec<_>>(), [(64, 48), (64, 48)]);
    assert_ne!(pictures[0]["b64_json"], pictures[1]["b64_json"]);

    let first = STANDARD.decode(pictures[0]["b64_json"].as_str().unwrap()).unwrap();
    let form = Form::new()
        .text("model", "synthetic")
        .text("prompt", "a red fox")
        .text("size", "64x48")
        .part("image", file("fox.png", "image/png", first));
    let edited: Value = program.send_form("/images/edits", form).await.json().await.unwrap();
    assert_eq!(size_of(&edited["data"][0]), (64, 48), "{edited}");
    until("nothing is left", || left(&worker).is_empty().then_some(())).await;
}

#[tokio::test]
async fn pictures_show_themselves_while_they_are_made() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let mut asked = picture("a slow fox [[delay=400]]");
    (asked["stream"], asked["partial_images"]) = (json!(true), json!(2));
    let events = events(program.post("/images/generations", asked).await).await;
    let events: Vec<Value> = events.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(events.last().unwrap()["type"], "image_generation.completed");
    assert_eq!(size_of(events.last().unwrap()), (64, 48));
    assert_eq!(events[0]["type"], "image_generation.partial_image");
}

#[tokio::test]
async fn addresses_of_pictures_and_false_files_are_refused() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let mut asked = picture("a fox");
    asked["response_format"] = json!("url");
    let (status, _, error) = program.refused("/images/generations", asked).await;
    assert_eq!((status, error["param"].as_str()), (400, Some("response_format")));
    let form = Form::new()
        .text("model", "synthetic")
        .text("prompt", "x")
        .part("image", file("x.png", "image/png", b"no picture".to_vec()));
    let (status, _, error) = told(program.send_form("/images/edits", form).await).await;
    assert_eq!((status, error["param"].as_str()), (400, Some("image")));
    assert!(left(&worker).is_empty());
}

#[tokio::test]
async fn speech_is_a_file_or_samples_and_is_understood_again() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let speech = |format: &str| json!({"model": "synthetic-tts", "input": "Good evening", "voice": "alloy", "response_format": format});
    let answer = program.post("/audio/speech", speech("wav")).await;
    assert_eq!(answer.headers()["content-type"], "audio/wav");
    let wav = answer.bytes().await.unwrap();
    assert!(wav.starts_with(b"RIFF") && wav[8..].starts_with(b"WAVE"));
    let answer = program.post("/audio/speech", speech("pcm")).await;
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("audio/pcm"));
    assert!(!answer.bytes().await.unwrap().is_empty());

    let form = |format: &str| {
        Form::new()
            .text("model", "synthetic-stt")
            .text("response_format", format.to_owned())
            .part("file", file("a.wav", "audio/wav", wav.to_vec()))
    };
    let heard: Value = program.send_form("/audio/transcriptions", form("json")).await.json().await.unwrap();
    assert!(!heard["text"].as_str().unwrap().is_empty(), "{heard}");
    let srt = program.send_form("/audio/transcriptions", form("srt")).await.text().await.unwrap();
    assert!(srt.starts_with("1\n00:00:00,000 --> "), "{srt}");
    let stream = form("json").text("stream", "true");
    let events = events(program.send_form("/audio/transcriptions", stream).await).await;
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert_eq!((&last["type"], &last["text"]), (&json!("transcript.text.done"), &heard["text"]));
    until("nothing is left", || left(&worker).is_empty().then_some(())).await;
}
