//! Every sampling option has an effect, and the same seed the same one.

use serde_json::{Value, json};
use tiny_models::gguf::LanguageModel;

use crate::peer::{Peer, says};

/// Hot, with nothing cut off but by what a test adds.
fn hot(more: &Value) -> Value {
    let mut options =
        json!({"maxTokens": 24, "temperature": 1.5, "topK": 0, "topP": 1.0, "minP": 0.0, "seed": 1});
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    says("hello world", &options)
}

fn content(peer: &mut Peer, task: &Value) -> String {
    peer.done(task).content().to_owned()
}

#[test]
fn the_same_seed_gives_the_same_answer_and_another_another() {
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    let one = content(&mut peer, &hot(&json!({})));
    assert_eq!(content(&mut peer, &hot(&json!({}))), one);
    assert_ne!(content(&mut peer, &hot(&json!({"seed": 2}))), one);
    assert_ne!(content(&mut peer, &hot(&json!({"seed": 1_u64 << 32}))), one, "the upper half counts");
    let unseeded = || hot(&json!({"seed": null}));
    assert_ne!(content(&mut peer, &unseeded()), content(&mut peer, &unseeded()));
}

#[test]
fn what_cuts_to_one_token_is_greedy() {
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    let greedy = content(&mut peer, &hot(&json!({"temperature": 0})));
    assert_ne!(content(&mut peer, &hot(&json!({}))), greedy);
    for cut in [json!({"topK": 1}), json!({"topP": 0.0}), json!({"minP": 1.0}), json!({"temperature": 0.001})]
    {
        assert_eq!(content(&mut peer, &hot(&cut)), greedy, "{cut}");
    }
}

#[test]
fn penalties_change_the_answer() {
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    let greedy = |more: &Value| {
        let mut options = json!({"maxTokens": 100});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        // What the model says to this soon turns in circles.
        says("hello world, what is the weather in this city?", &options)
    };
    let distinct = |text: &str| text.chars().collect::<std::collections::BTreeSet<_>>().len();
    let plain = content(&mut peer, &greedy(&json!({})));
    for penalty in
        [json!({"repeatPenalty": 3.0}), json!({"frequencyPenalty": 5.0}), json!({"presencePenalty": 20.0})]
    {
        let changed = content(&mut peer, &greedy(&penalty));
        assert_ne!(changed, plain, "{penalty}");
        assert!(distinct(&changed) > distinct(&plain), "{penalty}: {changed:?} beside {plain:?}");
    }
}

#[test]
fn senseless_values_are_refused_by_name() {
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    for (name, value) in [
        ("temperature", -1.0),
        ("topP", 1.5),
        ("minP", -0.1),
        ("repeatPenalty", 0.0),
        ("presencePenalty", 1e9),
    ] {
        let failed = peer.refused(&hot(&json!({ name: value })));
        assert!(failed.message.starts_with(&format!("{name}: ")), "{}", failed.message);
    }
}

#[test]
fn an_answer_to_a_schema_fits_it() {
    let schema = json!({
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "maximum": 99},
            "kind": {"enum": ["fox", "dog"]},
            "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3},
        },
        "required": ["age", "kind", "tags"],
        "additionalProperties": false,
    });
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..6 {
        let done = peer.done(&hot(&json!({"jsonSchema": schema, "seed": seed, "maxTokens": 300})));
        let value: Value =
            serde_json::from_str(done.content()).unwrap_or_else(|e| panic!("{e}: {}", done.content()));
        assert_eq!(value.as_object().unwrap().len(), 3);
        assert!((0..=99).contains(&value["age"].as_i64().unwrap()));
        assert!(value["kind"] == "fox" || value["kind"] == "dog");
        let tags = value["tags"].as_array().unwrap();
        assert!((1..=3).contains(&tags.len()) && tags.iter().all(Value::is_boolean));
        assert_eq!(done.finish(), "stop");
        seen.insert(done.content().to_owned());
    }
    assert!(seen.len() > 1, "the grammar leaves a choice");
    let failed = peer.refused(&hot(&json!({"jsonSchema": {"type": "no such type"}})));
    assert!(failed.message.contains("jsonSchema"), "{}", failed.message);
}
