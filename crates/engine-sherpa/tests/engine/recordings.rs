//! What comes in as a recording: formats, rates, channels, and what is none.

use std::fs;
use std::path::{Path, PathBuf};

use engine_protocol::FailureClass;
use serde_json::json;

use crate::models;
use crate::peer::Peer;
use crate::sound::{ADDRESS, RATE, silence, tones, transcribe, wav, wav_of};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/data").join(name)
}

#[test]
fn common_formats_are_heard() {
    let model = models::ears();
    let mut peer = Peer::with(&model);
    for name in ["tones.mp3", "tones.ogg", "tones.m4a", "tones.webm"] {
        let job = peer.run(&transcribe(json!({})), &[(ADDRESS, &data(name))]);
        let heard = job.json();
        assert_eq!(heard["text"], "the quick brown fox", "{name}");
        let duration = heard["duration"].as_f64().unwrap();
        assert!((2.15..2.4).contains(&duration), "{name}: {duration} s");
    }
}

#[test]
fn rates_and_channels_are_brought_to_the_models() {
    let model = models::ears();
    let mut peer = Peer::with(&model);
    for (rate, channels) in [(8_000, 1), (22_050, 1), (44_100, 2), (48_000, 6), (96_000, 1)] {
        let recording = wav_of(&tones(&[0, 1, 2, 3, 4], rate), rate, channels);
        let job = peer.run(&transcribe(json!({})), &[(ADDRESS, &recording.path)]);
        assert_eq!(job.json()["text"], "the quick brown fox", "{rate} Hz, {channels} channels");
        let duration = job.json()["duration"].as_f64().unwrap();
        assert!((duration - 2.7).abs() < 0.01, "{rate} Hz: {duration}");
    }
}

#[test]
fn what_is_no_recording_is_refused_in_words() {
    let model = models::ears();
    let mut peer = Peer::with(&model);
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read(wav(&tones(&[0], RATE)).path).unwrap();
    let header = |bytes: u32| {
        let mut header = good[..44].to_vec();
        header[4..8].copy_from_slice(&bytes.to_le_bytes());
        header[40..44].copy_from_slice(&bytes.to_le_bytes());
        header
    };
    let mut rateless = good.clone();
    rateless[24..28].copy_from_slice(&0_u32.to_le_bytes());
    let mut fast = good.clone();
    fast[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("noise", (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()),
        ("text", b"<!DOCTYPE html><title>404</title>".repeat(50)),
        ("no samples", header(0)),
        ("an hour claimed, nothing there", header(3_600 * RATE * 2)),
        ("no rate", rateless),
        ("an absurd rate", fast),
        ("cut in the header", good[..20].to_vec()),
    ] {
        let path = folder.path().join("recording");
        fs::write(&path, bytes).unwrap();
        let job = peer.run(&transcribe(json!({})), &[(ADDRESS, &path)]);
        let failed = job.failed();
        assert_eq!((failed.class, failed.retryable), (FailureClass::BadInput, false), "{name}: {failed:?}");
        assert!(failed.message.contains("recording"), "{name}: {failed:?}");
    }
    let job = peer.run(&transcribe(json!({})), &[]);
    assert!(job.failed().message.contains("did not fetch"), "{:?}", job.failed());
    assert!(peer.is_alive());
}

#[test]
fn a_header_that_promises_too_much_is_not_believed() {
    let model = models::ears();
    let mut peer = Peer::with(&model);
    let recording = wav(&tones(&[0, 1, 2], RATE));
    let mut bytes = fs::read(&recording.path).unwrap();
    // What a recorder leaves that could not go back to its header.
    bytes[4..8].fill(0xff);
    bytes[40..44].fill(0xff);
    fs::write(&recording.path, bytes).unwrap();
    let job = peer.run(&transcribe(json!({})), &[(ADDRESS, &recording.path)]);
    assert_eq!(*job.json(), json!({"text": "the quick", "duration": 1.7}));
}

#[test]
fn more_than_half_a_day_is_refused_before_it_is_heard() {
    let model = models::ears();
    let mut peer = Peer::with(&model);
    let recording = silence(13 * 3_600, 1_000);
    let job = peer.run(&transcribe(json!({})), &[(ADDRESS, &recording.path)]);
    assert!(job.failed().message.contains("longer than 12 hours"), "{:?}", job.failed());
    assert!(job.progress.is_empty());
}

#[test]
fn damaged_recordings_never_end_the_engine() {
    damage(15, 11);
}

#[test]
#[ignore = "two minutes"]
fn ten_thousand_damaged_recordings_never_end_the_engine() {
    damage(2_500, 12);
}

/// Changes and cuts each recording so many times.
fn damage(times: usize, seed: u64) {
    let model = models::ears();
    let mut peer = Peer::with(&model);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let mut draw = tiny_models::Weights::new(seed);
    let mut heard = 0;
    for name in ["tones.mp3", "tones.ogg", "tones.m4a", "tones.webm"] {
        let good = fs::read(data(name)).unwrap();
        for _ in 0..times {
            let mut bytes = good.clone();
            for _ in 0..8 {
                let at = draw.next_u64() as usize % bytes.len();
                bytes[at] = draw.next_u64() as u8;
            }
            bytes.truncate(bytes.len() - draw.next_u64() as usize % (bytes.len() / 2));
            fs::write(&path, &bytes).unwrap();
            // Heard or refused: the next job comes all the same.
            let Some(job) = peer.try_run(&transcribe(json!({})), &[(ADDRESS, &path)]) else {
                let kept = std::env::temp_dir().join("studio-engine-sherpa-crash");
                fs::write(&kept, &bytes).unwrap();
                panic!("a damaged {name} ended the engine: {}", kept.display());
            };
            match &job.end {
                Ok(_) => heard += 1,
                Err(failed) => assert_eq!(failed.class, FailureClass::BadInput, "{failed:?}"),
            }
        }
    }
    println!("{} damaged recordings, {heard} heard all the same", 4 * times);
    assert!(heard > 0 && peer.is_alive());
}
