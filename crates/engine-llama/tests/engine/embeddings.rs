//! Vectors of texts.

use serde_json::{Value, json};
use tiny_models::gguf::{LanguageModel, Pooling};

use crate::peer::{Peer, says};

fn vectors(result: &Value) -> Vec<Vec<f64>> {
    let data = result["data"].as_array().unwrap();
    data.iter()
        .map(|item| item["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect())
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn ask(texts: &[&str]) -> Value {
    json!({"messages": [], "embed": texts})
}

#[test]
fn texts_become_vectors_of_length_one() {
    let model = LanguageModel { pooling: Some(Pooling::Last), ..LanguageModel::default() };
    let mut peer = Peer::tiny(&model, &json!({}));
    let texts = ["the quick brown fox", "hello world", "the quick brown fox"];
    let done = peer.done(&ask(&texts));
    assert_eq!((&done.result["object"], &done.result["data"][1]["index"]), (&json!("list"), &json!(1)));
    let found = vectors(&done.result);
    assert_eq!((found.len(), found[0].len()), (3, 64));
    assert!(found.iter().all(|vector| (dot(vector, vector) - 1.0).abs() < 1e-4));
    assert!((dot(&found[0], &found[2]) - 1.0).abs() < 1e-4, "the same text, the same vector");
    assert!(dot(&found[0], &found[1]) < 0.99);
    assert!(done.usage("prompt_tokens") > 6 && done.usage("prompt_tokens") == done.usage("total_tokens"));
    // Alone and among others.
    let alone = vectors(&peer.done(&ask(&texts[1..2])).result);
    assert!((dot(&alone[0], &found[1]) - 1.0).abs() < 1e-4);
}

#[test]
fn more_texts_than_fit_one_batch_are_done_in_several() {
    let model = LanguageModel { pooling: Some(Pooling::Mean), ..LanguageModel::default() };
    let texts: Vec<String> = (0..21).map(|at| format!("{} {}", "story ".repeat(at * 9), at)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut peer = Peer::tiny(&model, &json!({}));
    assert_eq!(vectors(&peer.done(&ask(&texts)).result).len(), 21);
    let empty = peer.refused(&ask(&["a", ""]));
    assert!(empty.message.contains("empty"), "{}", empty.message);
    let long = peer.refused(&ask(&[&"a ".repeat(3_000)]));
    assert!(long.message.contains("tokens, the context holds 2,048"), "{}", long.message);
    assert_eq!(peer.done(&ask(&[])).result["data"], json!([]));
}

#[test]
fn the_pooling_can_be_chosen_and_an_embedding_model_does_not_chat() {
    let model = LanguageModel { pooling: Some(Pooling::Last), ..LanguageModel::default() };
    let first = |more: &Value| {
        vectors(&Peer::tiny(&model, more).done(&ask(&["the quick brown fox"])).result).remove(0)
    };
    let own = first(&json!({}));
    assert!((dot(&own, &first(&json!({"pooling": "last"}))) - 1.0).abs() < 1e-4);
    assert!(dot(&own, &first(&json!({"pooling": "mean"}))) < 0.999);
    let failed = Peer::tiny(&model, &json!({})).refused(&says("hello", &json!({})));
    assert!(failed.message.contains("embeddings"), "{}", failed.message);
}

#[test]
fn a_chat_model_embeds_between_its_chats() {
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    let chat = says("hello", &json!({"maxTokens": 12}));
    let before = peer.done(&chat);
    let vector = vectors(&peer.done(&ask(&["hello"])).result).remove(0);
    assert!((dot(&vector, &vector) - 1.0).abs() < 1e-4);
    assert_eq!(peer.done(&chat).content(), before.content());
}
