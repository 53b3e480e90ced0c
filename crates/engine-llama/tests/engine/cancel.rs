//! Cancelling, and being killed.

use std::time::{Duration, Instant};

use engine_protocol::{Event, FailureClass};
use serde_json::{Value, json};
use tiny_models::gguf::LanguageModel;

use crate::peer::{Folder, Peer, says};

/// From `cancel` to the answer, at the 99th of 100.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);
const CANCELS: usize = 50;

fn model() -> LanguageModel {
    LanguageModel { context: 1_000_000, ..LanguageModel::default() }
}

/// Cancels after `wait` has seen what it waits for; how long it took.
fn cancelled(peer: &mut Peer, task: &Value, wait: impl Fn(&Peer)) -> Duration {
    peer.begin("slow", task);
    wait(peer);
    let asked = Instant::now();
    peer.cancel("slow");
    let failed = peer.end("slow").unwrap_err();
    assert_eq!(failed.class, FailureClass::Cancelled, "{}", failed.message);
    asked.elapsed()
}

fn worst(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() * 99 / 100]
}

#[test]
fn a_prompt_is_cancelled_at_once() {
    let mut peer = Peer::tiny(&model(), &json!({"contextSize": 60_000}));
    let task = says(&"a ".repeat(25_000), &json!({"maxTokens": 10}));
    let mut times: Vec<Duration> = (0..CANCELS).map(|_| cancelled(&mut peer, &task, |_| ())).collect();
    assert!(worst(&mut times) <= CANCEL_LIMIT, "{times:?}");
    assert_eq!(peer.done(&says("hello", &json!({"maxTokens": 4}))).usage("completion_tokens"), 4);
}

#[test]
fn an_answer_is_cancelled_at_once_and_the_others_go_on() {
    let mut peer = Peer::tiny(&model(), &json!({"contextSize": 60_000}));
    let task = says("hello", &json!({"maxTokens": 50_000}));
    let first_word = |peer: &Peer| {
        while !matches!(peer.next().unwrap(), Event::Delta(delta) if delta.job_id.as_str() == "slow") {}
    };
    let mut times: Vec<Duration> = (0..CANCELS).map(|_| cancelled(&mut peer, &task, first_word)).collect();
    assert!(worst(&mut times) <= CANCEL_LIMIT, "{times:?}");
    let expected = peer.done(&says("fox", &json!({"maxTokens": 60})));
    peer.begin("slow", &task);
    peer.begin("other", &says("fox", &json!({"maxTokens": 60})));
    first_word(&peer);
    peer.cancel("slow");
    let ends = peer.ends(&["slow", "other"]);
    assert_eq!(ends[0].as_ref().unwrap_err().class, FailureClass::Cancelled);
    assert_eq!(ends[1].as_ref().unwrap().content(), expected.content());
}

#[test]
fn a_killed_engine_is_replaced_by_a_new_one() {
    let folder = Folder::with(&model());
    let task = says("hello", &json!({"maxTokens": 6}));
    let expected = Peer::serving(&folder, &json!({})).done(&task);
    let mut peer = Peer::serving(&folder, &json!({}));
    peer.begin("slow", &says("hello", &json!({"maxTokens": 5_000})));
    while !matches!(peer.next().unwrap(), Event::Delta(_)) {}
    peer.kill();
    assert!(!peer.ended().success());
    assert_eq!(Peer::serving(&folder, &json!({})).done(&task).result, expected.result);
}
