//! From the pieces of an answer to deltas and, in the end, to OpenAI's `chat.completion`.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::reasoning::Splitter;
use crate::serving::{Ending, Finish};
use crate::tools::{CallFormat, Calls};

/// Collects one answer.
#[derive(Debug)]
pub struct Answer {
    splitter: Splitter,
    calls: Option<Calls>,
    content: String,
    reasoning: String,
    id: String,
}

/// What can be shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Said.
    pub text: String,
    /// Thought.
    pub reasoning: String,
}

impl Shown {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.reasoning.is_empty()
    }
}

/// Bytes of a digest that make an id: enough never to meet twice in one conversation.
const ID_BYTES: usize = 12;

impl Answer {
    /// The answer to `prompt`; `calls` where there are tools.
    pub fn new(prompt: &str, split_reasoning: bool, calls: Option<CallFormat>) -> Self {
        Self {
            splitter: Splitter::new(prompt, split_reasoning),
            calls: calls.map(Calls::new),
            content: String::new(),
            reasoning: String::new(),
            // Of the prompt, so that the same task has the same answer to the byte.
            id: short_digest(&[prompt]),
        }
    }

    /// Takes a piece; gives what can be shown of it.
    pub fn push(&mut self, piece: &str) -> Shown {
        let split = self.splitter.push(piece);
        self.take(split.content, split.reasoning)
    }

    fn take(&mut self, content: String, reasoning: String) -> Shown {
        let text = match &mut self.calls {
            Some(calls) => calls.push(&content),
            None => content,
        };
        self.content.push_str(&text);
        self.reasoning.push_str(&reasoning);
        Shown { text, reasoning }
    }

    /// The end: what was held back, and the whole.
    pub fn finish(mut self, model: &str, ending: &Ending) -> (Shown, Value) {
        let split = self.splitter.finish();
        let mut shown = self.take(split.content, split.reasoning);
        let mut calls = Vec::new();
        if let Some(mut held) = self.calls.take() {
            let id = self.id.clone();
            let (found, rest) = held.finish(|at| format!("call_{}", short_digest(&[&id, &at.to_string()])));
            calls = found;
            self.content.push_str(&rest);
            shown.text.push_str(&rest);
        }
        let finish = match ending.finish {
            _ if !calls.is_empty() => "tool_calls",
            Finish::Stop => "stop",
            Finish::Length => "length",
        };
        let mut message = json!({ "role": "assistant", "content": self.content });
        if !self.reasoning.is_empty() {
            message["reasoning_content"] = Value::from(self.reasoning);
        }
        if !calls.is_empty() {
            message["tool_calls"] = Value::Array(calls);
        }
        let whole = json!({
            "id": format!("chatcmpl-{}", self.id),
            "object": "chat.completion",
            // The hour would make the same task give other bytes.
            "created": 0,
            "model": model,
            "choices": [{ "index": 0, "message": message, "finish_reason": finish }],
            "usage": {
                "prompt_tokens": ending.prompt,
                "completion_tokens": ending.completion,
                "total_tokens": ending.prompt + ending.completion,
                "prompt_tokens_details": { "cached_tokens": ending.cached },
            },
        });
        (shown, whole)
    }
}

fn short_digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().iter().take(ID_BYTES).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// OpenAI's list of embeddings.
pub fn embeddings(model: &str, vectors: &[Vec<f32>], tokens: u64) -> Value {
    let data: Vec<Value> = vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| json!({ "object": "embedding", "index": index, "embedding": vector }))
        .collect();
    json!({
        "object": "list",
        "model": model,
        "data": data,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(calls: Option<CallFormat>, pieces: &[&str]) -> (String, Value) {
        let mut answer = Answer::new("prompt", true, calls);
        let mut shown: String = pieces.iter().map(|piece| answer.push(piece).text).collect();
        let ending = Ending { finish: Finish::Length, prompt: 5, cached: 2, completion: 3 };
        let (rest, whole) = answer.finish("m", &ending);
        shown += &rest.text;
        (shown, whole)
    }

    #[test]
    fn an_answer_has_openais_shape() {
        let (shown, whole) = answered(None, &["<think>h", "m</think>", "Yes", "."]);
        assert_eq!(shown, "Yes.");
        let message = &whole["choices"][0]["message"];
        assert_eq!(*message, json!({"role": "assistant", "content": "Yes.", "reasoning_content": "hm"}));
        assert_eq!(whole["choices"][0]["finish_reason"], "length");
        let usage = json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8,
            "prompt_tokens_details": {"cached_tokens": 2}});
        assert_eq!(whole["usage"], usage);
    }

    #[test]
    fn calls_are_not_shown() {
        let pieces = ["Hm. <tool_", "call>{\"name\": \"a\", ", "\"arguments\": {}}</tool_call>"];
        let (shown, whole) = answered(Some(CallFormat::Hermes), &pieces);
        assert_eq!(shown, "Hm.");
        assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(
            whole["choices"][0]["message"]["tool_calls"][0]["function"],
            json!({"name": "a", "arguments": "{}"})
        );
        let (shown, whole) = answered(Some(CallFormat::Hermes), &["<tool_call>{\"na"]);
        assert_eq!(
            (shown.as_str(), &whole["choices"][0]["message"]["tool_calls"]),
            ("<tool_call>{\"na", &Value::Null)
        );
    }
}
