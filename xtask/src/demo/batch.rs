//! What the demo lets the fleet make.

use serde_json::{Value, json};
use shape_judge::{HeldOut, PromptSet, held_out};

use super::Show;

/// Prompts of pictures.
const PICTURES: [&str; 24] = [
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
const CHATS: [&str; 8] = [
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

/// Pictures of the starter model.
const STARTER_PICTURES: usize = 24;

/// The prompts of the starter model's pictures with what they must show; it was trained on none of them.
pub fn starter_prompts() -> Vec<HeldOut> {
    held_out(PromptSet::Second).into_iter().take(STARTER_PICTURES).collect()
}

/// The jobs of a show, in the order in which they are submitted.
pub fn jobs(show: Show) -> Vec<Value> {
    if show == Show::Starter {
        return starter_prompts()
            .iter()
            .enumerate()
            .map(|(number, asked)| starter(number, &asked.prompt))
            .collect();
    }
    let mut jobs: Vec<Value> = PICTURES.iter().map(|prompt| picture(prompt)).collect();
    for (index, question) in CHATS.iter().enumerate() {
        // After every third picture.
        jobs.insert((index + 1) * 4 - 1, chat(question));
    }
    jobs
}

/// What the batch is, for a person.
pub fn told(show: Show, jobs: &[Value]) -> String {
    match show {
        Show::Starter => format!("{} pictures of starter-shapes, a model of 5 million weights", jobs.len()),
        Show::Synthetic => format!("{} pictures and {} chats", PICTURES.len(), CHATS.len()),
    }
}

fn starter(number: usize, prompt: &str) -> Value {
    let task = json!({"kind": "image", "prompt": prompt, "seed": number, "ext": "png"});
    json!({"model": "starter-shapes", "assetName": prompt, "task": task})
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
