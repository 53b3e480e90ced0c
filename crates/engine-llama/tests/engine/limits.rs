//! What does not fit is refused by number, and what fits exactly is not.

use engine_protocol::Event;
use serde_json::json;
use tiny_models::gguf::LanguageModel;

use crate::peer::{Peer, says};

#[test]
fn a_prompt_beyond_the_context_is_refused_by_number() {
    let model = LanguageModel { context: 100_000, ..LanguageModel::default() };
    let mut peer = Peer::tiny(&model, &json!({"contextSize": 4096}));
    let failed = peer.refused(&says(&"a ".repeat(5_000), &json!({})));
    assert!(
        failed.message.starts_with("prompt has ") && failed.message.ends_with("the context holds 4,096"),
        "{}",
        failed.message
    );
    assert!(!failed.retryable);
    assert!(!peer.done(&says("hello", &json!({"maxTokens": 2}))).content().is_empty());
}

#[test]
fn what_the_model_was_trained_for_is_a_limit_too() {
    let model = LanguageModel { context: 256, ..LanguageModel::default() };
    let failed = Peer::tiny(&model, &json!({})).refused(&says(&"a ".repeat(400), &json!({})));
    assert!(failed.message.ends_with("the context holds 256"), "{}", failed.message);
}

#[test]
fn an_answer_ends_where_the_context_does() {
    let model = LanguageModel { context: 256, ..LanguageModel::default() };
    let mut peer = Peer::tiny(&model, &json!({}));
    let done = peer.done(&says("hello", &json!({"maxTokens": 100_000})));
    assert_eq!(done.finish(), "length");
    // The last token that is drawn needs no place.
    assert_eq!(done.usage("total_tokens"), 257);
    assert_eq!(peer.done(&says("hello", &json!({"maxTokens": 100_000}))).content(), done.content());
}

#[test]
fn a_prompt_that_takes_long_gives_signs_of_life() {
    let model = LanguageModel { context: 1_000_000, ..LanguageModel::default() };
    let mut peer = Peer::tiny(&model, &json!({"contextSize": 60_000}));
    peer.begin("slow", &says(&"a ".repeat(29_000), &json!({})));
    // One that waits for a slot or for its turn hears of it as well.
    peer.begin("long", &says(&"b ".repeat(28_000), &json!({})));
    let mut heard = std::collections::BTreeSet::new();
    while heard.len() < 2 {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "an engine may say more, and that is its business"
        )]
        match peer.next().unwrap() {
            Event::Heartbeat(beat) => heard.extend(beat.job_id),
            Event::Failed(failed) => panic!("{failed:?}"),
            Event::Done(done) => panic!("{} was done without a sign of life", done.job_id),
            _ => {}
        }
    }
}

#[test]
fn progress_is_said_in_tokens() {
    let model = LanguageModel { context: 100_000, ..LanguageModel::default() };
    let mut peer = Peer::tiny(&model, &json!({"contextSize": 8192}));
    let done = peer.done(&says("hello", &json!({"maxTokens": 3000})));
    assert!(!done.progress.is_empty(), "an answer of {} tokens", done.usage("completion_tokens"));
    assert!(done.progress.is_sorted_by_key(|progress| progress.step));
    assert!(done.progress.iter().all(|progress| progress.steps == 3000 && progress.step <= 3000));
}
