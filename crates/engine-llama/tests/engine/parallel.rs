//! Several chats at once: the same answers, shared prompts, and a context that is too small for all.

use serde_json::{Value, json};
use tiny_models::gguf::LanguageModel;

use crate::peer::{Peer, says};

/// Single precision throughout: where the rounding depends on how chats share a batch, a random model that is unsure
/// between two tokens may say another.
fn exact(more: &Value) -> Value {
    let mut options = json!({"kvType": "f32", "flashAttention": false});
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    options
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn task(at: usize) -> Value {
    let words = ["fox", "dog", "hello", "question", "red circle", "weather", "story", "blue star"];
    says(&format!("{} {}", words[at], "the quick ".repeat(at * 7)), &json!({"maxTokens": 40}))
}

#[test]
fn eight_chats_at_once_say_what_they_say_alone() {
    let mut alone = Peer::tiny(&LanguageModel::default(), &exact(&json!({"parallel": 1})));
    let expected: Vec<String> = (0..8).map(|at| alone.done(&task(at)).content().to_owned()).collect();
    let mut peer = Peer::tiny(&LanguageModel::default(), &exact(&json!({})));
    for _ in 0..2 {
        for (at, name) in NAMES.iter().enumerate() {
            peer.begin(name, &task(at));
        }
        let said: Vec<String> =
            peer.ends(&NAMES).into_iter().map(|end| end.unwrap().content().to_owned()).collect();
        assert_eq!(said, expected);
    }
}

#[test]
fn fewer_slots_than_chats_make_chats_wait() {
    let mut alone = Peer::tiny(&LanguageModel::default(), &exact(&json!({"parallel": 1})));
    let mut peer = Peer::tiny(&LanguageModel::default(), &exact(&json!({"parallel": 2})));
    for (at, name) in NAMES.iter().enumerate() {
        peer.begin(name, &task(at));
    }
    for (at, end) in peer.ends(&NAMES).into_iter().enumerate() {
        assert_eq!(end.unwrap().content(), alone.done(&task(at)).content());
    }
}

#[test]
fn a_common_beginning_is_computed_once() {
    let mut peer = Peer::tiny(&LanguageModel::default(), &exact(&json!({})));
    let long = "the quick brown fox jumps over the lazy dog ".repeat(6);
    let first = peer.done(&says(&long, &json!({"maxTokens": 8})));
    assert_eq!(first.cached(), 0);
    let again = peer.done(&says(&long, &json!({"maxTokens": 8})));
    assert_eq!(again.cached(), first.usage("prompt_tokens") - 1, "all but the token to draw from");
    assert_eq!(again.content(), first.content());
    let turn = json!({"maxTokens": 8, "messages": [{"role": "user", "content": long},
        {"role": "assistant", "content": first.content()}, {"role": "user", "content": "and then?"}]});
    let second = peer.done(&turn);
    assert!(
        second.cached() >= first.usage("prompt_tokens") - 2,
        "the conversation so far: {}",
        second.result
    );
    let other = peer.done(&says("weather", &json!({"maxTokens": 8})));
    assert!(other.cached() < 10, "only the template's first tokens: {}", other.result);
    let fresh = Peer::tiny(&LanguageModel::default(), &exact(&json!({}))).done(&turn);
    assert_eq!(second.content(), fresh.content());
}

#[test]
fn a_beginning_is_shared_with_a_chat_that_still_runs() {
    let mut peer = Peer::tiny(&LanguageModel::default(), &exact(&json!({})));
    let long = "the quick brown fox jumps over the lazy dog ".repeat(8);
    let expected: Vec<String> = ["one", "two"]
        .iter()
        .map(|end| {
            let mut alone = Peer::tiny(&LanguageModel::default(), &exact(&json!({})));
            alone.done(&says(&format!("{long}{end}"), &json!({"maxTokens": 30}))).content().to_owned()
        })
        .collect();
    // One that holds the beginning and answers for long.
    peer.begin("a", &says(&format!("{long}one"), &json!({"maxTokens": 1500})));
    while !matches!(peer.next().unwrap(), engine_protocol::Event::Delta(_)) {}
    let two = peer.begin_and_end("b", &says(&format!("{long}two"), &json!({"maxTokens": 30})));
    assert!(two.cached() > 60, "{}", two.result);
    assert_eq!(two.content(), expected[1]);
    peer.cancel("a");
    let one = peer.begin_and_end("c", &says(&format!("{long}one"), &json!({"maxTokens": 30})));
    assert_eq!(one.content(), expected[0]);
}

#[test]
fn a_full_context_makes_chats_wait_and_not_fail() {
    // Room for two or three of them at once.
    let more = json!({"contextSize": 512, "parallel": 8, "batchSize": 64});
    let long = |at: usize| says(&"the quick brown fox ".repeat(10 + at), &json!({"maxTokens": 200}));
    let mut alone = Peer::tiny(&LanguageModel::default(), &exact(&json!({"parallel": 1})));
    let mut peer = Peer::tiny(&LanguageModel::default(), &exact(&more));
    for (at, name) in NAMES.iter().enumerate() {
        peer.begin(name, &long(at));
    }
    for (at, end) in peer.ends(&NAMES).into_iter().enumerate() {
        let (end, expected) = (end.unwrap(), alone.done(&long(at)));
        assert_eq!(end.content(), expected.content(), "chat {at}");
        assert_eq!(end.usage("prompt_tokens"), expected.usage("prompt_tokens"));
        assert_eq!(end.usage("completion_tokens"), expected.usage("completion_tokens"));
        assert_eq!(end.streamed(), end.content());
    }
}

#[test]
fn a_long_prompt_does_not_hold_up_the_others() {
    let model = LanguageModel { context: 100_000, ..LanguageModel::default() };
    let mut peer = Peer::tiny(&model, &json!({"contextSize": 20_000, "batchSize": 64}));
    peer.begin("a", &says("hello", &json!({"maxTokens": 4000})));
    while !matches!(peer.next().unwrap(), engine_protocol::Event::Delta(_)) {}
    peer.begin("b", &says(&"a ".repeat(6_000), &json!({"maxTokens": 1})));
    // Between the start and the first word of the long one, the other goes on talking.
    let mut between = 0;
    loop {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "an engine may say more, and that is its business"
        )]
        match peer.next().unwrap() {
            engine_protocol::Event::Delta(delta) if delta.job_id.as_str() == "a" => between += 1,
            engine_protocol::Event::Done(done) if done.job_id.as_str() == "b" => break,
            engine_protocol::Event::Done(done) => panic!("{} was done first", done.job_id),
            engine_protocol::Event::Failed(failed) => panic!("{failed:?}"),
            _ => {}
        }
    }
    assert!(between > 20, "{between} deltas while a long prompt was computed");
}
