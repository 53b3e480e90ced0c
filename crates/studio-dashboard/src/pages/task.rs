//! What a job asks for, as a table and as JSON.

use maud::{Markup, html};
use serde_json::{Map, Value};

/// Characters of a value that a table shows; the JSON beside it has all of it.
const SHOWN_CHARS: usize = 600;
/// Characters of a data address that tell what it is.
const DATA_URL_CHARS: usize = 40;

/// What people look for first.
const TEXTS: [&str; 5] = ["prompt", "negativePrompt", "text", "system", "messages"];

/// The task's text: the prompt, what is to be said, or the last message of a chat.
pub fn prompt(task: &Value) -> Option<&str> {
    let field = |name: &str| task.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let last = || task.get("messages")?.as_array()?.last()?.get("content")?.as_str();
    field("prompt").or_else(|| field("text")).or_else(last)
}

/// The parameters of a task, one row each; the kind and the prompt stand elsewhere.
pub fn table(task: &Value) -> Markup {
    let empty = Map::new();
    let fields = task.as_object().unwrap_or(&empty);
    let is_text = |name: &str| TEXTS.contains(&name);
    let first = fields.iter().filter(|(name, _)| is_text(name));
    let rest = fields.iter().filter(|(name, _)| *name != "kind" && !is_text(name));
    html! {
        dl.facts.parameters {
            @for (name, value) in first.chain(rest) { div { dt { (label(name)) } dd { (shown(value)) } } }
        }
    }
}

/// Those parameters of a picture that people compare, in one line.
pub fn summary(task: &Value) -> String {
    let number = |name: &str| task.get(name).filter(|value| value.is_number()).map(ToString::to_string);
    let size = number("width").zip(number("height")).map(|(width, height)| format!("{width} × {height}"));
    let steps = number("steps").map(|steps| format!("{steps} steps"));
    let seed = number("seed").map(|seed| format!("seed {seed}"));
    let seconds = number("seconds").map(|seconds| format!("{seconds} s"));
    let voice = task.get("voice").and_then(Value::as_str).map(|voice| format!("voice {voice}"));
    [size, seconds, steps, seed, voice].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// A JSON value to be read and copied.
pub fn json(id: &str, title: &str, value: &Value) -> Markup {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    html! {
        details.raw #{ (id) "-raw" } {
            summary { (title) }
            div.raw-body {
                button.small type="button" data-copy={ "#" (id) } { "Copy" }
                pre #(id) tabindex="0" { (pretty) }
            }
        }
    }
}

/// `cfgScale` as `cfg scale`.
fn label(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

fn shown(value: &Value) -> Markup {
    match value {
        Value::String(text) => html! { (clipped(text)) },
        Value::Array(messages) if messages.iter().all(|one| one.get("role").is_some()) => html! {
            ol.turns {
                @for message in messages {
                    li {
                        strong { (message.get("role").and_then(Value::as_str).unwrap_or_default()) }
                        " " (clipped(message.get("content").and_then(Value::as_str).unwrap_or_default()))
                    }
                }
            }
        },
        Value::Array(_) | Value::Object(_) => html! { code { (clipped(&value.to_string())) } },
        Value::Null | Value::Bool(_) | Value::Number(_) => html! { (value) },
    }
}

fn clipped(text: &str) -> String {
    let chars = if text.starts_with("data:") { DATA_URL_CHARS } else { SHOWN_CHARS };
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} …", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parts::tests::check;

    #[test]
    fn the_text_of_a_task_is_found() {
        assert_eq!(prompt(&json!({ "kind": "image", "prompt": "a fox" })), Some("a fox"));
        assert_eq!(prompt(&json!({ "kind": "audio_tts", "text": "Hello" })), Some("Hello"));
        let chat = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
        assert_eq!(prompt(&chat), Some("Hi"));
        assert_eq!(prompt(&json!({ "kind": "audio_stt", "inputUrl": "x" })), None);
        assert_eq!(prompt(&json!([])), None);
    }

    #[test]
    fn parameters_are_readable_and_escaped() {
        let long = format!("data:image/png;base64,{}", "A".repeat(5_000));
        let task =
            json!({ "kind": "image", "prompt": "<b>", "cfgScale": 7.5, "initImageUrl": long, "loras": [1] });
        let text = check(&table(&task));
        assert!(text.contains("cfg scale") && text.contains("7.5") && text.contains("&lt;b&gt;"), "{text}");
        assert!(text.len() < 1_500, "a picture inside of a task is cut: {}", text.len());
        let chat = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
        assert!(check(&table(&chat)).contains("<strong>user</strong> Hi"));
        assert_eq!(check(&table(&json!(3))), "<dl class=\"facts parameters\"></dl>");
    }

    #[test]
    fn the_line_says_what_is_there() {
        let task = json!({ "width": 512, "height": 256, "steps": 8, "seed": 7 });
        assert_eq!(summary(&task), "512 × 256 · 8 steps · seed 7");
        assert_eq!(summary(&json!({ "voice": "ada" })), "voice ada");
        assert_eq!(summary(&json!({})), "");
    }

    #[test]
    fn json_can_be_copied() {
        let text = check(&json("task", "Task as JSON", &json!({ "prompt": "</pre>" })));
        assert!(text.contains("data-copy=\"#task\"") && text.contains("&lt;/pre&gt;"));
    }
}
