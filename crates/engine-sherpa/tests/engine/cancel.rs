//! Jobs that are cancelled, and processes that are killed.

use std::time::{Duration, Instant};

use engine_protocol::FailureClass;
use serde_json::json;

use crate::models;
use crate::peer::Peer;
use crate::sound::{ADDRESS, RATE, silence, speak, tones, transcribe, wav};

/// What the design promises for the slowest of a hundred.
const LIMIT: Duration = Duration::from_secs(2);

/// Of a recording whose job is not done before it is cancelled.
const HOUR: u32 = 3_600;

/// Cancels at once, after each of the first signs of progress, and while the file is written; does a job after each.
#[test]
fn a_cancelled_speech_ends_at_once_and_the_next_one_comes() {
    let model = models::voice();
    let mut peer = Peer::with(&model);
    let long = "all work and no play. ".repeat(1_000);
    let saying = (0..30).map(|after| ("wav", after));
    let encoding = ["flac", "opus", "flac", "opus"].map(|ext| (ext, 1_001));
    for (ext, after) in saying.chain(encoding) {
        let job = peer.begin(&speak(&long, json!({"ext": ext})), &[]);
        for _ in 0..after {
            peer.progress();
        }
        cancelled(&mut peer, job);
        assert!(peer.run(&speak("hello", json!({})), &[]).end.is_ok());
    }
}

#[test]
fn a_cancelled_transcript_ends_at_once_and_the_next_one_comes() {
    let model = models::ears();
    let mut peer = Peer::with(&model);
    let long = silence(HOUR, RATE);
    let short = wav(&tones(&[0], RATE));
    for after in [0, 1, 2, 5] {
        let job = peer.begin(&transcribe(json!({})), &[(ADDRESS, &long.path)]);
        for _ in 0..after {
            peer.progress();
        }
        cancelled(&mut peer, job);
        let next = peer.run(&transcribe(json!({})), &[(ADDRESS, &short.path)]);
        assert_eq!(next.json()["text"], "the");
    }
}

fn cancelled(peer: &mut Peer, job: tempfile::TempDir) {
    let started = Instant::now();
    peer.cancel();
    let job = peer.end(job).unwrap();
    assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    assert_eq!(job.failed().class, FailureClass::Cancelled);
}

#[test]
fn a_killed_engine_leaves_nothing_that_the_next_one_stumbles_over() {
    let (model, recording) = (models::ears(), wav(&tones(&[0, 1, 2], RATE)));
    let long = silence(HOUR, RATE);
    for after in 0..3 {
        let mut peer = Peer::with(&model);
        let job = peer.begin(&transcribe(json!({})), &[(ADDRESS, &long.path)]);
        for _ in 0..after {
            peer.progress();
        }
        peer.kill();
        assert!(peer.end(job).is_none());
        let next = Peer::with(&model).run(&transcribe(json!({})), &[(ADDRESS, &recording.path)]);
        assert_eq!(next.json()["text"], "the quick");
    }
}
