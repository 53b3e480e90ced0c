//! What a model must have, and what its defaults may say.

use std::fs;

use engine_protocol::{Failed, FailureClass};
use serde_json::json;
use tiny_models::onnx::{self, TinyFile};

use crate::models::{self, OnDisk};
use crate::peer::Peer;
use crate::sound::{ADDRESS, RATE, speak, tones, transcribe, wav};

fn refused(peer: &mut Peer, model: &OnDisk) -> Failed {
    let failed = peer.load(&model.load).unwrap_err();
    assert_eq!((failed.class, failed.model.as_deref()), (FailureClass::Model, Some("tiny")), "{failed:?}");
    failed
}

fn without(mut files: Vec<TinyFile>, role: &str) -> Vec<TinyFile> {
    files.retain(|file| file.role != role);
    files
}

#[test]
fn a_model_that_lacks_a_file_is_refused_by_the_role() {
    let mut peer = Peer::start();
    for (files, defaults, words) in [
        (without(onnx::vits(0), "tokens"), json!({}), "a vits model needs a file of role `tokens`"),
        (without(onnx::nemo_ctc(), "tokens"), json!({}), "a nemo-ctc model needs a file of role `tokens`"),
        (without(onnx::whisper(), "tokens"), json!({}), "a whisper model needs a file of role `tokens`"),
        (
            without(onnx::transducer(), "joiner"),
            json!({"family": "transducer"}),
            "needs a file of role `joiner`",
        ),
        (onnx::vits(0), json!({"family": "kokoro"}), "a kokoro model needs a file of role `voices`"),
        (onnx::vits(0), json!({"family": "matcha"}), "a matcha model needs a file of role `vocoder`"),
        (
            onnx::nemo_ctc(),
            json!({"family": "moonshine"}),
            "a moonshine model needs a file of role `encoder`",
        ),
        (without(onnx::nemo_ctc(), "model"), json!({}), "the family of this model is not known"),
        (Vec::new(), json!({}), "names no files"),
    ] {
        let failed = refused(&mut peer, &OnDisk::new(&files, defaults));
        assert!(failed.message.contains(words), "{}", failed.message);
    }
}

#[test]
fn a_file_that_is_not_there_or_empty_is_named() {
    let mut peer = Peer::start();
    let model = models::ears();
    fs::write(model.path().join("tokens.txt"), "").unwrap();
    assert!(refused(&mut peer, &model).message.contains("`tokens.txt` of role `tokens` is empty"));
    fs::remove_file(model.path().join("tokens.txt")).unwrap();
    assert!(refused(&mut peer, &model).message.contains("`tokens.txt` of role `tokens` cannot be read"));
    let mut model = models::ears();
    model.load.source.files[0].filename = "../model.onnx".to_owned();
    assert!(refused(&mut peer, &model).message.contains("`../model.onnx` is not a plain file name"));
}

#[test]
fn roles_and_defaults_that_it_does_not_know_are_named() {
    let mut peer = Peer::start();
    let with = |role| {
        let mut files = onnx::vits(0);
        files.push(TinyFile { role, filename: "more.bin", bytes: vec![1] });
        OnDisk::new(&files, json!({}))
    };
    assert!(refused(&mut peer, &with("vae")).message.contains("no role `vae`, which `more.bin` has"));
    assert!(refused(&mut peer, &with("data")).message.contains("a file of role `lexicon`"));
    for (defaults, key) in [
        (json!({"family": "parrot"}), "`family`"),
        (json!({"threads": "all"}), "`threads`"),
        (json!({"provider": 5}), "`provider`"),
        (json!({"voices": {"x": "y"}}), "`voices.x`"),
        (json!({"voices": {"tenor": 7}}), "`tenor` is speaker 7, but the model has 1"),
    ] {
        let failed = refused(&mut peer, &OnDisk::new(&onnx::vits(0), defaults));
        assert!(failed.message.contains(key), "{}", failed.message);
    }
}

#[test]
fn threads_labels_and_a_family_of_its_own_are_taken() {
    let mut files = onnx::nemo_ctc();
    for file in &mut files {
        if file.role == "tokens" {
            file.role = "labels";
        }
    }
    let model =
        OnDisk::new(&files, json!({"threads": 1, "family": "nemo-ctc", "provider": "cpu", "flowShift": 3}));
    let mut peer = Peer::with(&model);
    let recording = wav(&tones(&[3, 4], RATE));
    let job = peer.run(&transcribe(json!({})), &[(ADDRESS, &recording.path)]);
    assert_eq!(job.json()["text"], "brown fox");
}

#[test]
fn a_second_model_takes_the_place_of_the_first() {
    let (voice, ears) = (models::voice(), models::ears());
    let mut peer = Peer::with(&voice);
    assert!(peer.run(&speak("hello", json!({})), &[]).end.is_ok());
    peer.load(&ears.load).unwrap();
    let recording = wav(&tones(&[0], RATE));
    assert_eq!(peer.run(&transcribe(json!({})), &[(ADDRESS, &recording.path)]).json()["text"], "the");
    peer.load(&voice.load).unwrap();
    assert!(peer.run(&speak("hello", json!({})), &[]).end.is_ok());
}

#[test]
fn a_language_of_the_defaults_that_the_model_does_not_know_is_refused() {
    let failed = refused(&mut Peer::start(), &OnDisk::new(&onnx::whisper(), json!({"language": "fr"})));
    assert!(failed.message.contains("`fr`: it knows en, de"), "{}", failed.message);
}

#[test]
fn a_file_of_voices_of_a_wrong_size_is_refused() {
    let mut files = onnx::kokoro();
    files.iter_mut().find(|file| file.role == "voices").unwrap().bytes.pop();
    let failed = refused(&mut Peer::start(), &OnDisk::new(&files, json!({})));
    assert!(failed.message.contains("`voices.bin` is damaged: it has 24479 bytes"), "{}", failed.message);
}

#[test]
fn a_voice_of_phonemes_needs_a_lexicon() {
    let mut peer = Peer::start();
    let mut files = without(onnx::vits(0), "lexicon");
    assert!(peer.load(&OnDisk::new(&files, json!({})).load).is_ok(), "a voice of characters needs none");
    // The same length, so that the file stays whole.
    let model = files.iter_mut().find(|file| file.role == "model").unwrap();
    let at = model.bytes.windows(10).rposition(|bytes| bytes == b"characters").unwrap();
    model.bytes[at..at + 10].copy_from_slice(b"phonemes  ");
    let failed = refused(&mut peer, &OnDisk::new(&files, json!({})));
    assert!(failed.message.contains("a file of role `lexicon`"), "{}", failed.message);
}
