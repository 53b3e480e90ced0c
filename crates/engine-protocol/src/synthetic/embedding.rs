//! Vectors for texts: the same text gives the same vector, whatever stands beside it.

use serde_json::{Value, json};

use super::seed::Seed;
use crate::Failure;
use crate::harness::Output;

/// Numbers of a vector: few enough to read in a failed test, enough to tell texts apart.
const DIMENSIONS: usize = 64;

pub(super) fn make(texts: &[String], model: &str) -> Result<Output, Failure> {
    if texts.iter().any(String::is_empty) {
        return Err(Failure::bad_input("embed: a text is empty"));
    }
    let tokens: usize = texts.iter().map(|text| text.split_whitespace().count().max(1)).sum();
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({ "object": "embedding", "index": index, "embedding": vector(text) }))
        .collect();
    Output::json(&json!({
        "object": "list",
        "model": model,
        "data": data,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    }))
}

/// Of length 1. Texts that share words lie nearer to each other than those that do not.
fn vector(text: &str) -> Vec<f32> {
    let mut sum = vec![0.0_f32; DIMENSIONS];
    let whole = Seed::of_text(text).draw(0);
    let words = text.split_whitespace().map(|word| Seed::of_text(&word.to_lowercase()).draw(1));
    for mut draw in std::iter::once(whole).chain(words) {
        for number in &mut sum {
            *number += draw.between(-1.0, 1.0);
        }
    }
    let length = sum.iter().map(|number| number * number).sum::<f32>().sqrt();
    sum.iter().map(|number| number / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_follow_their_words() {
        let near = |a: &str, b: &str| vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum::<f32>();
        assert!((near("a small fox", "a small fox") - 1.0).abs() < 1e-5);
        assert!(near("a small fox", "a small wolf") > near("a small fox", "the night train"));
        assert_eq!(vector("x").len(), DIMENSIONS);
    }
}
