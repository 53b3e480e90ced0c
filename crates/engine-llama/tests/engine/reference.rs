//! The same tokens and vectors as transformers, asked with the same weights (`tools/reference/llm.py`).

use serde_json::{Value, json};
use tiny_models::gguf::{Architecture, LanguageModel, Pooling, vocabulary};

use crate::peer::{Peer, golden};

fn architecture(name: &str) -> Architecture {
    match name {
        "qwen3" => Architecture::Qwen3,
        "llama" => Architecture::Llama,
        other => panic!("{other}"),
    }
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

#[test]
fn greedy_tokens_equal_transformers() {
    let golden = golden("llm.json");
    let known = vocabulary();
    for case in golden["cases"].as_array().unwrap() {
        let model = LanguageModel {
            architecture: architecture(case["architecture"].as_str().unwrap()),
            seed: case["seed"].as_u64().unwrap(),
            chat_template: Some("{{ messages[0].content }}".to_owned()),
            ..LanguageModel::default()
        };
        let (prompt, tokens) = (case["prompt"].as_str().unwrap(), ids(&case["tokens"]));
        let mut peer = Peer::tiny(&model, &json!({"kvType": "f32", "flashAttention": false}));
        let task = json!({"messages": [{"role": "user", "content": prompt}], "maxTokens": tokens.len()});
        let done = peer.done(&task);
        assert_eq!(done.usage("prompt_tokens"), ids(&case["prompt_tokens"]).len() as u64);
        assert_eq!(done.content(), known.text(&tokens), "{} of seed {}", case["architecture"], case["seed"]);
        assert_eq!(done.usage("completion_tokens"), tokens.len() as u64);
    }
}

#[test]
fn vectors_equal_transformers() {
    let golden = golden("llm.json");
    for case in golden["embeddings"].as_array().unwrap() {
        let model = LanguageModel {
            architecture: architecture(case["architecture"].as_str().unwrap()),
            seed: case["seed"].as_u64().unwrap(),
            pooling: Some(if case["pooling"] == "mean" { Pooling::Mean } else { Pooling::Last }),
            ..LanguageModel::default()
        };
        let mut peer = Peer::tiny(&model, &json!({}));
        let done = peer.done(&json!({"messages": [], "embed": [case["text"]]}));
        let found = done.result["data"][0]["embedding"].as_array().unwrap();
        let expected = case["vector"].as_array().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            assert!((found - expected).abs() < 2e-3, "{found} beside {expected}");
        }
    }
}
