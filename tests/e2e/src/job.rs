//! Jobs as the stories submit them, and what their history says.

use serde_json::{Value, json};

/// A small picture.
pub fn picture(prompt: &str) -> Value {
    json!({"model": "synthetic", "task": {"kind": "image", "prompt": prompt, "width": 64, "height": 64, "ext": "png"}})
}

/// A chat of one message.
pub fn chat(prompt: &str) -> Value {
    json!({"model": "synthetic-chat", "task": {"kind": "llm", "messages": [{"role": "user", "content": prompt}]}})
}

/// How each attempt of a job ended, in order; `running` for one that has not.
pub fn outcomes(job: &Value) -> Vec<String> {
    let history = job["history"].as_array().unwrap_or_else(|| panic!("no history in {job}"));
    history.iter().map(|attempt| attempt["outcome"].as_str().unwrap_or("running").to_owned()).collect()
}
