//! Model files that are cut, foreign, or changed at random: a failure or a dead process, never a hang.

use std::fs;

use engine_protocol::FailureClass;
use serde_json::json;
use tiny_models::Weights;
use tiny_models::onnx::{self, TinyFile};

use crate::models::{self, MODEL, OnDisk};
use crate::peer::Peer;
use crate::sound::{ADDRESS, RATE, Wav, speak, tones, transcribe, wav};

#[test]
fn cut_and_foreign_files_are_refused_in_words() {
    let mut peer = Peer::start();
    for files in [onnx::vits(0), onnx::nemo_ctc(), onnx::transducer(), onnx::sense_voice(), onnx::whisper()] {
        let model = OnDisk::new(&files, json!({}));
        for file in files.iter().filter(|file| file.role != "tokens" && file.role != "lexicon") {
            let path = model.path().join(file.filename);
            let half = file.bytes[..file.bytes.len() / 2].to_vec();
            let huge =
                [&file.bytes[..3], &[0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f][..], &file.bytes[3..]].concat();
            for (damage, bytes) in [
                ("cut", half),
                ("a wrong magic", [b"GGUF".as_slice(), &file.bytes].concat()),
                ("a huge size", huge),
                ("a page of a web site", b"<!DOCTYPE html><title>404</title>".to_vec()),
                (
                    "a pointer of Git LFS",
                    b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n".to_vec(),
                ),
                ("zeros", vec![0; 4_096]),
            ] {
                fs::write(&path, bytes).unwrap();
                let failed = peer.load(&model.load).unwrap_err();
                assert_eq!(failed.class, FailureClass::Model, "{damage}: {failed:?}");
                assert!(failed.message.contains(file.filename), "{damage}: {failed:?}");
            }
            fs::write(&path, &file.bytes).unwrap();
        }
        peer.load(&model.load).unwrap();
    }
}

#[test]
fn a_list_of_tokens_that_is_none_is_refused_in_words() {
    let mut peer = Peer::start();
    let model = models::ears();
    for bytes in [&b"{\"a\": 0}\n"[..], b"\x00\xff\x00", b"\n\n", b"a b c\n"] {
        fs::write(model.path().join("tokens.txt"), bytes).unwrap();
        let failed = peer.load(&model.load).unwrap_err();
        assert!(failed.message.contains("`tokens.txt`"), "{failed:?}");
    }
}

/// Enough to meet each kind of end, in few seconds.
const MUTATIONS: usize = 400;

#[test]
fn changed_files_fail_or_end_the_process_but_never_hang() {
    mutate(MUTATIONS, 5);
}

#[test]
#[ignore = "two minutes"]
fn ten_thousand_changed_files_fail_or_end_the_process_but_never_hang() {
    mutate(10_000, 6);
}

/// Loads models with some bytes changed, and uses them when they load; a process lives until it dies of one.
fn mutate(times: usize, seed: u64) {
    let mut draw = Weights::new(seed);
    let recording = wav(&tones(&[0, 1, 2], RATE));
    let all = [
        onnx::vits(0),
        onnx::kokoro(),
        onnx::nemo_ctc(),
        onnx::transducer(),
        onnx::nemo_transducer(),
        onnx::sense_voice(),
        onnx::whisper(),
    ];
    let (mut peer, mut refused, mut died, mut worked) = (Peer::start(), 0, 0, 0);
    for time in 0..times {
        let mut files = all[time % all.len()].clone();
        change(&mut files, &mut draw);
        let model = OnDisk::new(&files, json!({"threads": 1}));
        let end = peer.try_load(&model.load);
        match end {
            Some(Err(failed)) => {
                assert_eq!(failed.model.as_deref(), Some(MODEL));
                refused += 1;
            }
            Some(Ok(())) if used(&mut peer, &files, &recording) => worked += 1,
            Some(Ok(())) | None => {
                assert!(!peer.ended().success());
                died += 1;
                peer = Peer::start();
            }
        }
    }
    println!(
        "{times} changed models: {refused} refused, {died} ended the process, {worked} worked all the same"
    );
    assert!(refused > 0 && worked > 0);
    // Whatever happened, a good model does its job.
    let good = models::ears();
    peer.load(&good.load).unwrap();
    let job = peer.run(&transcribe(json!({})), &[(ADDRESS, &recording.path)]);
    assert_eq!(job.json()["text"], "the quick");
}

/// Whether the process outlives a job.
fn used(peer: &mut Peer, files: &[TinyFile], recording: &Wav) -> bool {
    let speaks = files.iter().any(|file| file.role == "lexicon");
    let (task, path) =
        (if speaks { speak("hello", json!({})) } else { transcribe(json!({})) }, &recording.path);
    peer.try_run(&task, &[(ADDRESS, path)]).is_some()
}

/// One file of the model gets some bytes changed, half of the time near its ends, where its structure lies.
fn change(files: &mut [TinyFile], draw: &mut Weights) {
    let mut below = |limit: usize| (draw.next_u64() % limit as u64) as usize;
    let file = &mut files[below(files.len())];
    for _ in 0..=below(7) {
        let length = file.bytes.len();
        let near = below(length.min(200));
        let at = match below(4) {
            0 => near,
            1 => length - 1 - near,
            _ => below(length),
        };
        file.bytes[at] = below(256) as u8;
    }
}
