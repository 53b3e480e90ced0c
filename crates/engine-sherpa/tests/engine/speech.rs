//! Every option of a speech job, by what can be heard of it.

use std::fs;
use std::path::Path;

use engine_protocol::{FailureClass, media_matches};
use serde_json::json;
use tiny_models::onnx::{self, CHARACTER_SAMPLES, VOICE_RATE};

use crate::models::{self, OnDisk};
use crate::peer::Peer;
use crate::sound::{ADDRESS, read_wav, speak, transcribe};

const TEXT: &str = "hello world";
/// The voice sings a note for each character, and one at the start.
const SAMPLES: usize = (1 + TEXT.len()) * CHARACTER_SAMPLES as usize;
/// Turns of that first note.
const START: usize = 10;

fn crossings(samples: &[i16]) -> usize {
    samples.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count()
}

#[test]
fn a_text_becomes_a_sound_of_its_length_and_speed_changes_it() {
    let model = models::voice();
    let mut peer = Peer::with(&model);
    let mut length = |speed| {
        let job = peer.run(&speak(TEXT, json!({"speed": speed})), &[]);
        let (rate, samples) = read_wav(job.file());
        assert_eq!(rate, VOICE_RATE);
        assert!(samples.iter().any(|sample| sample.abs() > 8_000), "it is silent");
        samples.len()
    };
    assert_eq!((length(1.0), length(2.0), length(0.5)), (SAMPLES, SAMPLES / 2, SAMPLES * 2));
}

#[test]
fn what_is_said_can_be_heard() {
    let model = models::voice();
    let mut peer = Peer::with(&model);
    let mut say = |text| read_wav(peer.run(&speak(text, json!({})), &[]).file()).1;
    let (low, high) = (say("aaaa"), say("zzzz"));
    // Turns of each symbol's note: ten and its number, four times; the very first turn has no crossing before it.
    assert_eq!((crossings(&low), crossings(&high)), (START + 4 * 14 - 1, START + 4 * 39 - 1));
}

#[test]
fn every_format_decodes_to_the_same_length() {
    let (voice, ears) = (models::voice(), models::ears());
    let (mut peer, mut listener) = (Peer::with(&voice), Peer::with(&ears));
    let seconds = SAMPLES as f64 / f64::from(VOICE_RATE);
    for ext in ["wav", "flac", "opus", "ogg"] {
        let job = peer.run(&speak(TEXT, json!({"ext": ext})), &[]);
        let path = job.file();
        assert_eq!(path.extension().unwrap(), ext);
        assert_eq!(media_matches(ext, &fs::read(path).unwrap()), Some(true), "{ext}");
        let heard = listener.run(&transcribe(json!({})), &[(ADDRESS, path)]);
        let duration = heard.json()["duration"].as_f64().unwrap();
        assert!((duration - seconds).abs() < 0.002, "{ext}: {duration} s, {seconds} s were said");
    }
}

#[test]
fn voices_have_names_and_numbers() {
    let model = OnDisk::new(&onnx::vits(3), json!({"voices": {"low": 0, "high": 2, "default": 1}}));
    let mut peer = Peer::with(&model);
    let mut pitch = |voice: &str| {
        let job = peer.run(&speak("aaaa", json!({"voice": voice})), &[]);
        crossings(&read_wav(job.file()).1)
    };
    let turns = START + 4 * 14;
    assert_eq!([pitch("low"), pitch("0")], [turns - 1; 2]);
    assert_eq!([pitch("default"), pitch("1")], [2 * turns - 1; 2]);
    assert_eq!([pitch("high"), pitch("2")], [3 * turns - 1; 2]);
    for unknown in ["bella", "3", "-1"] {
        let job = peer.run(&speak("a", json!({"voice": unknown})), &[]);
        let failed = job.failed();
        assert_eq!((failed.class, failed.retryable), (FailureClass::BadInput, false));
        for part in [unknown, "`high`", "`low`", "0 to 2"] {
            assert!(failed.message.contains(part), "{}", failed.message);
        }
    }
}

#[test]
fn kokoro_knows_its_voices_by_name_and_words_by_its_lexicon() {
    let model = OnDisk::new(&onnx::kokoro(), json!({"voices": {"carl": 1}}));
    let mut peer = Peer::with(&model);
    let mut say = |voice: &str, text: &str, speed: f64| {
        let job = peer.run(&speak(text, json!({"voice": voice, "speed": speed})), &[]);
        read_wav(job.file()).1
    };
    let (anna, bert) = (say("anna", "hello", 1.0), say("bert", "hello", 1.0));
    assert_eq!(anna.len(), say("anna", "hello", 2.0).len() * 2);
    assert_eq!(crossings(&bert), 2 * (crossings(&anna) + 1) - 1);
    let world = say("anna", "hello world", 1.0).len() - anna.len();
    let unheard_of = say("anna", "hello unheardof", 1.0).len() - anna.len();
    assert_eq!(world - unheard_of, "world".len() * CHARACTER_SAMPLES as usize);
    assert_eq!(bert, say("carl", "hello", 1.0), "the model's defaults say who carl is");
    assert_eq!(bert, say("1", "hello", 1.0));
    let job = peer.run(&speak("hello", json!({"voice": "dora"})), &[]);
    let message = &job.failed().message;
    assert!(message.contains("`anna`, `bert`, `carl`, `default` and the numbers 0 to 2"), "{message}");
    let job = peer.run(&speak("unheardof", json!({})), &[]);
    assert!(job.failed().message.contains("nothing in the text"), "{:?}", job.failed());
}

#[test]
fn a_language_that_the_voice_does_not_speak_is_refused() {
    let model = OnDisk::new(&onnx::vits(0), json!({"language": "en"}));
    let mut peer = Peer::with(&model);
    assert!(peer.run(&speak("a", json!({"language": "en-GB"})), &[]).end.is_ok());
    let job = peer.run(&speak("a", json!({"language": "de"})), &[]);
    assert!(job.failed().message.contains("`en`, not `de`"), "{:?}", job.failed());

    let mut silent_about_it = Peer::with(&models::voice());
    assert!(silent_about_it.run(&speak("a", json!({"language": "de"})), &[]).end.is_ok());
    assert!(silent_about_it.log().contains("warn: the model does not say what it speaks"));
}

#[test]
fn what_cannot_be_said_is_refused_in_words() {
    let model = models::voice();
    let mut peer = Peer::with(&model);
    for (text, more, words) in [
        ("a", json!({"ext": "mp3"}), "writes no audio_tts as `mp3`: it writes flac, ogg, opus, wav"),
        ("a", json!({"speed": 0.0}), "the speed 0 is not from 0.25 to 4"),
        ("a", json!({"speed": 100}), "the speed 100 is not"),
        (" \n ", json!({}), "nothing in the text"),
        (&"a".repeat(60_000), json!({}), "60000 characters, at most 50000"),
        ("a\0b", json!({}), "zero byte"),
    ] {
        let job = peer.run(&speak(text, more), &[]);
        let failed = job.failed();
        assert!(failed.message.contains(words), "{}", failed.message);
        assert_eq!((failed.class, failed.retryable), (FailureClass::BadInput, false));
    }
    let job = peer.run(&transcribe(json!({})), &[(ADDRESS, Path::new("/dev/null"))]);
    assert!(job.failed().message.contains("text into speech"), "{:?}", job.failed());
}

#[test]
fn a_long_text_is_said_sentence_by_sentence() {
    let model = models::voice();
    let mut peer = Peer::with(&model);
    let sentence = "it is a long way home.";
    let job = peer.run(&speak(&format!("{sentence} ").repeat(20), json!({})), &[]);
    let steps: Vec<u32> = job.progress.iter().map(|progress| progress.step).collect();
    assert_eq!(steps, (0..=20).collect::<Vec<u32>>());
    assert!(job.progress.iter().all(|progress| progress.steps == 20));
    let (_, samples) = read_wav(job.file());
    // The model frames each sentence with two notes more.
    assert_eq!(samples.len(), 20 * (sentence.len() + 2) * CHARACTER_SAMPLES as usize);
}
