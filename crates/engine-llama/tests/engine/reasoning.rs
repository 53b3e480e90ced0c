//! Thinking is told from speaking.

use serde_json::{Value, json};
use tiny_models::gguf::LanguageModel;

use crate::peer::{Done, Peer, says};

/// Opens the thinking, unless it is turned off; then it is empty, as in Qwen3's template.
const THINKING: &str = "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endfor %}\
    {{- '<|im_start|>assistant\n' }}{%- if enable_thinking is defined and enable_thinking is false %}\
    {{- '<think>\n\n</think>\n\n' }}{%- else %}{{- '<think>\n' }}{%- endif %}";

fn peer(more: &Value) -> Peer {
    let mut options = json!({"chatTemplate": THINKING});
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Peer::tiny(&LanguageModel::default(), &options)
}

fn thought(done: &Done) -> &str {
    done.message()["reasoning_content"].as_str().unwrap_or_default()
}

#[test]
fn what_follows_an_opened_thinking_is_thought() {
    let mut peer = peer(&json!({}));
    let done = peer.done(&says("hello", &json!({"maxTokens": 20})));
    assert_eq!(done.content(), "");
    assert!(!thought(&done).is_empty());
    let streamed: String = done.deltas.iter().filter_map(|delta| delta.reasoning.as_deref()).collect();
    assert_eq!(streamed, thought(&done));
    assert_eq!(done.streamed(), "");
}

#[test]
fn thinking_can_be_turned_off() {
    let mut peer = peer(&json!({}));
    for off in [
        json!({"reasoning": false}),
        json!({"reasoning": {"effort": "none"}}),
        json!({"chatTemplateKwargs": {"enable_thinking": false}}),
    ] {
        let mut task = says("hello", &json!({"maxTokens": 20}));
        task.as_object_mut().unwrap().extend(off.as_object().unwrap().clone());
        let done = peer.done(&task);
        assert!(!done.content().is_empty() && thought(&done).is_empty(), "{off}");
    }
    let failed = peer.refused(&says("hello", &json!({"reasoning": 7})));
    assert!(failed.message.contains("reasoning"), "{}", failed.message);
}

#[test]
fn a_model_can_be_told_not_to_split() {
    let done = peer(&json!({"reasoningFormat": "none"})).done(&says("hello", &json!({"maxTokens": 20})));
    assert!(!done.content().is_empty() && thought(&done).is_empty());
}

#[test]
fn a_schema_rules_only_what_follows_the_thinking() {
    let mut peer = peer(&json!({}));
    let schema = json!({"enum": ["yes", "no"]});
    let done = (0..60).find_map(|seed| {
        let options = json!({"maxTokens": 400, "temperature": 3.0, "topK": 0, "topP": 1.0, "minP": 0.0, "seed": seed,
            "jsonSchema": schema});
        let done = peer.done(&says("hello", &options));
        (!done.content().is_empty()).then_some(done)
    });
    let done = done.expect("a hot model ends its thinking among a few hundred tokens");
    assert!(!thought(&done).is_empty());
    assert!(["\"yes\"", "\"no\""].contains(&done.content()), "{}", done.result);
}
