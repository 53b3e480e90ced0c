//! Answers: a message with its content blocks, and the events in which it grows.

use serde_json::{Map, Value, json};

use crate::{Answer, Call, Event, Failure, Finish, Origin, Usage, Writer};

pub(super) struct MessageWriter {
    id: String,
    model: String,
    /// Whether thoughts were asked for.
    thinks: bool,
    /// How many blocks were begun.
    blocks: usize,
    open: Option<Block>,
    last: Option<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Thinking,
    Text,
}

impl MessageWriter {
    pub(super) fn new(origin: &Origin, model: &str, thinks: bool) -> Self {
        let id = format!("msg_{}", origin.id);
        Self { id, model: model.to_owned(), thinks, blocks: 0, open: None, last: None }
    }

    fn message(&self, content: &[Value], stop: &(Value, Value), usage: &Value) -> Value {
        json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop.0,
            "stop_sequence": stop.1,
            "usage": usage,
        })
    }

    fn close(&mut self) -> Vec<Event> {
        let stop = self.open.take().map(|_| event("content_block_stop", json!({ "index": self.blocks - 1 })));
        stop.into_iter().collect()
    }

    fn start(&mut self, block: &Value) -> Event {
        self.blocks += 1;
        event("content_block_start", json!({ "index": self.blocks - 1, "content_block": block }))
    }

    fn piece(&self, delta: &Value) -> Event {
        event("content_block_delta", json!({ "index": self.blocks - 1, "delta": delta }))
    }

    fn grow(&mut self, block: Block, said: &str) -> Vec<Event> {
        let mut events = Vec::new();
        if said.is_empty() {
            return events;
        }
        if self.open != Some(block) {
            events.extend(self.close());
            let empty = match block {
                Block::Thinking => json!({ "type": "thinking", "thinking": "", "signature": "" }),
                Block::Text => json!({ "type": "text", "text": "" }),
            };
            events.push(self.start(&empty));
            self.open = Some(block);
        }
        events.push(self.piece(&match block {
            Block::Thinking => json!({ "type": "thinking_delta", "thinking": said }),
            Block::Text => json!({ "type": "text_delta", "text": said }),
        }));
        events
    }
}

impl Writer for MessageWriter {
    fn begin(&mut self) -> Vec<Event> {
        // How many tokens the request has is known at the end, and told there.
        let usage = told(Usage::default());
        let message = self.message(&[], &(Value::Null, Value::Null), &usage);
        vec![event("message_start", json!({ "message": message })), event("ping", json!({}))]
    }

    fn delta(&mut self, _at: usize, text: &str, reasoning: &str) -> Vec<Event> {
        let mut events = if self.thinks { self.grow(Block::Thinking, reasoning) } else { Vec::new() };
        events.extend(self.grow(Block::Text, text));
        events
    }

    fn done(&mut self, _at: usize, answer: &Answer) -> Vec<Event> {
        let mut events = self.close();
        for call in &answer.calls {
            let start = json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} });
            events.push(self.start(&start));
            events.push(
                self.piece(&json!({ "type": "input_json_delta", "partial_json": input(call).to_string() })),
            );
            events.push(event("content_block_stop", json!({ "index": self.blocks - 1 })));
        }
        let (reason, sequence) = stop(answer);
        let delta = json!({ "stop_reason": reason, "stop_sequence": sequence });
        self.last = Some(json!({ "delta": delta, "usage": told(answer.usage) }));
        events
    }

    fn end(&mut self) -> Vec<Event> {
        let last = self.last.take().unwrap_or_else(|| json!({}));
        vec![event("message_delta", last), event("message_stop", json!({}))]
    }

    fn failed(&mut self, failure: &Failure, request_id: &str) -> Vec<Event> {
        vec![Event::named("error", &failure.anthropic(request_id))]
    }

    fn whole(&self, answers: &[Answer]) -> Value {
        let answer = answers.first().cloned().unwrap_or_default();
        let mut content = Vec::new();
        if self.thinks && !answer.reasoning.is_empty() {
            content.push(json!({ "type": "thinking", "thinking": answer.reasoning, "signature": "" }));
        }
        if !answer.text.is_empty() {
            content.push(json!({ "type": "text", "text": answer.text }));
        }
        for call in &answer.calls {
            content
                .push(json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input(call) }));
        }
        self.message(&content, &stop(&answer), &told(answer.usage))
    }
}

fn event(name: &'static str, mut fields: Value) -> Event {
    fields["type"] = name.into();
    Event::named(name, &fields)
}

fn stop(answer: &Answer) -> (Value, Value) {
    match (answer.finish, &answer.stop_text) {
        (Finish::Calls, _) => ("tool_use".into(), Value::Null),
        (Finish::Length, _) => ("max_tokens".into(), Value::Null),
        (Finish::Stop, Some(text)) => ("stop_sequence".into(), text.as_str().into()),
        (Finish::Stop, None) => ("end_turn".into(), Value::Null),
    }
}

/// An object, always: what a model wrote as something else is put into one.
fn input(call: &Call) -> Value {
    match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        Ok(_) | Err(_) => {
            Value::Object(Map::from_iter([("arguments".to_owned(), call.arguments.as_str().into())]))
        }
    }
}

/// Tokens that were computed before are counted apart here.
fn told(usage: Usage) -> Value {
    let cached = usage.cached.unwrap_or_default().min(usage.prompt);
    json!({
        "input_tokens": usage.prompt - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion,
    })
}
