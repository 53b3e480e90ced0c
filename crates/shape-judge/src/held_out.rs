//! Prompts whose (shape, colour, background) triples training never saw.
//!
//! `tools/starter-shapes/train.py prompts` writes them, by the same rule that training leaves them out.

use serde::Deserialize;

use crate::Scene;

/// Written by the training scripts, so that no second implementation of their rule can differ.
const HELD_OUT: &str = include_str!("../data/held-out.json");

/// A fixed list of held-out prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptSet {
    /// 96 prompts: the ones that the starter model's figures are about.
    Standard,
    /// 192 others, to see that the first were not lucky.
    Second,
}

/// A prompt and what its picture must show.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HeldOut {
    /// What is asked for.
    pub prompt: String,
    /// What that means.
    pub scene: Scene,
}

#[derive(Deserialize)]
struct WrittenSet {
    seed: u64,
    pictures: Vec<HeldOut>,
}

impl PromptSet {
    /// The seed that the list was drawn with.
    const fn seed(self) -> u64 {
        match self {
            Self::Standard => 2024,
            Self::Second => 7,
        }
    }
}

/// Lists the prompts of a set.
pub fn held_out(set: PromptSet) -> Vec<HeldOut> {
    let sets: Vec<WrittenSet> =
        serde_json::from_str(HELD_OUT).expect("the list is part of this crate and tested");
    let wanted = sets.into_iter().find(|written| written.seed == set.seed());
    wanted.expect("the list has every set and is tested").pictures
}
