//! Answers: `chat.completion`, and `chat.completion.chunk` piece by piece.

use serde_json::{Map, Value, json};

use crate::openai::{finish_reason, usage};
use crate::{Answer, Call, Event, Failure, Origin, Usage, Writer};

pub(super) struct ChatWriter {
    id: String,
    created: i64,
    model: String,
    n: usize,
    include_usage: bool,
    /// Of the answers that are complete.
    usages: Vec<Usage>,
}

impl ChatWriter {
    pub(super) fn new(origin: &Origin, model: &str, n: usize, include_usage: bool) -> Self {
        Self {
            id: format!("chatcmpl-{}", origin.id),
            created: origin.created,
            model: model.to_owned(),
            n,
            include_usage,
            usages: Vec::new(),
        }
    }

    fn chunk(&self, choices: &Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn piece(&self, at: usize, delta: &Value, finish: Option<&str>) -> Event {
        let choice = json!({ "index": at, "delta": delta, "logprobs": null, "finish_reason": finish });
        Event::data(&self.chunk(&json!([choice])))
    }

    fn usage(usages: &[Usage]) -> Value {
        let prompt = usages.iter().map(|usage| usage.prompt).max().unwrap_or_default();
        usage(&[prompt], usages.iter().copied())
    }
}

impl Writer for ChatWriter {
    fn begin(&mut self) -> Vec<Event> {
        let role = json!({ "role": "assistant", "content": "", "refusal": null });
        (0..self.n).map(|at| self.piece(at, &role, None)).collect()
    }

    fn delta(&mut self, at: usize, text: &str, reasoning: &str) -> Vec<Event> {
        let mut delta = Map::new();
        for (name, said) in [("reasoning_content", reasoning), ("content", text)] {
            if !said.is_empty() {
                delta.insert(name.to_owned(), said.into());
            }
        }
        vec![self.piece(at, &Value::Object(delta), None)]
    }

    fn done(&mut self, at: usize, answer: &Answer) -> Vec<Event> {
        let mut events = Vec::new();
        for (index, call) in answer.calls.iter().enumerate() {
            let function = json!({ "name": call.name, "arguments": "" });
            let head = json!({ "index": index, "id": call.id, "type": "function", "function": function });
            let rest = json!({ "index": index, "function": { "arguments": call.arguments } });
            for part in [head, rest] {
                events.push(self.piece(at, &json!({ "tool_calls": [part] }), None));
            }
        }
        events.push(self.piece(at, &json!({}), Some(finish_reason(answer))));
        self.usages.push(answer.usage);
        events
    }

    fn end(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.include_usage {
            let mut chunk = self.chunk(&json!([]));
            chunk["usage"] = Self::usage(&self.usages);
            events.push(Event::data(&chunk));
        }
        events.push(Event { name: None, data: "[DONE]".into() });
        events
    }

    fn failed(&mut self, failure: &Failure, _request_id: &str) -> Vec<Event> {
        vec![Event::data(&failure.openai())]
    }

    fn whole(&self, answers: &[Answer]) -> Value {
        let choice = |(at, answer): (usize, &Answer)| {
            json!({
                "index": at,
                "message": message(answer),
                "logprobs": null,
                "finish_reason": finish_reason(answer),
            })
        };
        let usages: Vec<Usage> = answers.iter().map(|answer| answer.usage).collect();
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": answers.iter().enumerate().map(choice).collect::<Vec<_>>(),
            "usage": Self::usage(&usages),
        })
    }
}

fn message(answer: &Answer) -> Value {
    let says_nothing = answer.text.is_empty() && !answer.calls.is_empty();
    let content = if says_nothing { Value::Null } else { Value::from(answer.text.as_str()) };
    let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
    if !answer.reasoning.is_empty() {
        message["reasoning_content"] = answer.reasoning.as_str().into();
    }
    if !answer.calls.is_empty() {
        let call = |call: &Call| {
            let function = json!({ "name": call.name, "arguments": call.arguments });
            json!({ "id": call.id, "type": "function", "function": function })
        };
        message["tool_calls"] = answer.calls.iter().map(call).collect();
    }
    message
}
