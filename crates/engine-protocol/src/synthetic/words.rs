//! Sentences that read like sentences.

use super::seed::Draw;

const WHO: &[&str] =
    &["the lantern", "a quiet river", "the old map", "a paper crane", "the night train", "a small fox"];
const DOES: &[&str] = &["follows", "remembers", "carries", "crosses", "answers", "outlasts"];
const WHAT: &[&str] = &[
    "the first snow",
    "an open door",
    "a distant bell",
    "the harbour lights",
    "every promise",
    "the long road",
];
const HOW: &[&str] =
    &["without a sound", "once more", "before dawn", "in its own time", "with great care", "at last"];

/// About `words` words, in whole sentences.
pub(super) fn text(draw: &mut Draw, words: usize) -> String {
    let mut sentences = Vec::new();
    let mut count = 0;
    while count < words.max(1) {
        let sentence =
            format!("{} {} {} {}.", draw.pick(WHO), draw.pick(DOES), draw.pick(WHAT), draw.pick(HOW));
        count += sentence.split(' ').count();
        sentences.push(capitalised(&sentence));
    }
    sentences.join(" ")
}

fn capitalised(sentence: &str) -> String {
    let (first, rest) = sentence.split_at(1);
    first.to_ascii_uppercase() + rest
}
