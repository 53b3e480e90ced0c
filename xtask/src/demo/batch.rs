//! What the demo lets the fleet make.

use anyhow::Result;
use serde_json::{Value, json};

use super::studio_api::StudioApi;

/// Prompts of pictures.
pub const PICTURES: [&str; 24] = [
    "a lighthouse at dusk",
    "a red fox in snow",
    "a harbour in fog",
    "an orchard in bloom",
    "a glass city",
    "a paper boat",
    "a copper kettle",
    "a night train",
    "a stone bridge",
    "a wind farm at dawn",
    "a tide pool",
    "a mountain hut",
    "a library of maps",
    "a bamboo grove",
    "a desert radio",
    "a greenhouse in rain",
    "a clockwork owl",
    "a market at noon",
    "a frozen waterfall",
    "an island of goats",
    "a lantern festival",
    "a quiet observatory",
    "a field of sunflowers",
    "a ship in a bottle",
];
/// Questions of chats.
pub const CHATS: [&str; 8] = [
    "Name the lighthouse.",
    "What does the fox say?",
    "Describe the harbour in one line.",
    "Who planted the orchard?",
    "How tall is the glass city?",
    "Where does the night train go?",
    "What is on the map?",
    "Write a postcard home.",
];
/// Sides of a picture: small, so that a debug build draws it quickly.
const SIDE: u32 = 384;

/// Submits pictures and chats together, mixed, and returns the id of the batch.
pub fn submit(api: &StudioApi) -> Result<String> {
    let mut jobs: Vec<Value> = PICTURES.iter().map(|prompt| picture(prompt)).collect();
    for (index, question) in CHATS.iter().enumerate() {
        // After every third picture.
        jobs.insert((index + 1) * 4 - 1, chat(question));
    }
    api.submit("demo", &jobs)
}

fn picture(prompt: &str) -> Value {
    let task =
        json!({"kind": "image", "prompt": prompt, "width": SIDE, "height": SIDE, "steps": 12, "ext": "webp"});
    json!({"model": "synthetic", "assetName": prompt, "task": task})
}

fn chat(question: &str) -> Value {
    let messages = json!([{"role": "user", "content": question}]);
    let task = json!({"kind": "llm", "messages": messages, "maxTokens": 48});
    json!({"model": "synthetic-chat", "assetName": question, "task": task})
}
