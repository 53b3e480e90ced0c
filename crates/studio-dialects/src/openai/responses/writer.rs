//! Answers: a `response` with its items, and the events in which it grows.

use serde_json::{Map, Value, json};

use crate::{Answer, Call, Event, Failure, Finish, Origin, Usage, Writer};

pub(super) struct ResponseWriter {
    id: String,
    suffix: String,
    created: i64,
    model: String,
    shown: Map<String, Value>,
    /// The number of the next event.
    sequence: u64,
    /// Items that are complete.
    items: Vec<Value>,
    /// The item that grows.
    open: Option<Open>,
    last: Option<(Finish, Usage)>,
}

struct Open {
    kind: Part,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Thought,
    Said,
}

impl ResponseWriter {
    pub(super) fn new(origin: &Origin, model: &str, shown: Map<String, Value>) -> Self {
        Self {
            id: format!("resp_{}", origin.id),
            suffix: origin.id.clone(),
            created: origin.created,
            model: model.to_owned(),
            shown,
            sequence: 0,
            items: Vec::new(),
            open: None,
            last: None,
        }
    }

    fn event(&mut self, name: &'static str, mut fields: Value) -> Event {
        fields["type"] = name.into();
        fields["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        Event::named(name, &fields)
    }

    fn response(&self, status: &str, items: &[Value], usage: Option<Usage>) -> Value {
        let mut response = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": null,
            "incomplete_details": null,
            "model": self.model,
            "output": items,
            "usage": usage.map(told),
        });
        if status == "incomplete" {
            response["incomplete_details"] = json!({ "reason": "max_output_tokens" });
        }
        if let Some(fields) = response.as_object_mut() {
            fields.extend(self.shown.clone());
        }
        response
    }

    fn item_id(&self, prefix: &str) -> String {
        format!("{prefix}_{}_{}", self.suffix, self.items.len())
    }

    fn open(&mut self, kind: Part) -> Vec<Event> {
        let (at, empty) = (self.items.len(), self.item(kind, "", "in_progress"));
        let id = empty["id"].clone();
        let mut item = empty;
        item["content"] = json!([]);
        let mut events =
            vec![self.event("response.output_item.added", json!({ "output_index": at, "item": item }))];
        if kind == Part::Said {
            let part = json!({ "item_id": id, "output_index": at, "content_index": 0, "part": said("") });
            events.push(self.event("response.content_part.added", part));
        }
        self.open = Some(Open { kind, text: String::new() });
        events
    }

    fn item(&self, kind: Part, text: &str, status: &str) -> Value {
        match kind {
            Part::Thought => json!({
                "type": "reasoning",
                "id": self.item_id("rs"),
                "summary": [],
                "content": [{ "type": "reasoning_text", "text": text }],
                "status": status,
            }),
            Part::Said => json!({
                "type": "message",
                "id": self.item_id("msg"),
                "role": "assistant",
                "content": [said(text)],
                "status": status,
            }),
        }
    }

    fn grow(&mut self, kind: Part, text: &str) -> Vec<Event> {
        let mut events = Vec::new();
        if text.is_empty() {
            return events;
        }
        if self.open.as_ref().is_none_or(|open| open.kind != kind) {
            events.extend(self.close("completed"));
            events.extend(self.open(kind));
        }
        if let Some(open) = &mut self.open {
            open.text.push_str(text);
        }
        let at = self.items.len();
        let (name, prefix) = match kind {
            Part::Thought => ("response.reasoning_text.delta", "rs"),
            Part::Said => ("response.output_text.delta", "msg"),
        };
        let mut fields =
            json!({ "item_id": self.item_id(prefix), "output_index": at, "content_index": 0, "delta": text });
        if kind == Part::Said {
            fields["logprobs"] = json!([]);
        }
        events.push(self.event(name, fields));
        events
    }

    fn close(&mut self, status: &str) -> Vec<Event> {
        let Some(Open { kind, text }) = self.open.take() else { return Vec::new() };
        let (at, item) = (self.items.len(), self.item(kind, &text, status));
        let place = json!({ "item_id": item["id"], "output_index": at, "content_index": 0 });
        let with = |name: &str, value: Value| {
            let mut fields = place.clone();
            fields[name] = value;
            fields
        };
        let mut events = Vec::new();
        match kind {
            Part::Thought => {
                events.push(self.event("response.reasoning_text.done", with("text", text.into())));
            }
            Part::Said => {
                let part = with("part", said(&text));
                let mut done = with("text", text.into());
                done["logprobs"] = json!([]);
                events.push(self.event("response.output_text.done", done));
                events.push(self.event("response.content_part.done", part));
            }
        }
        events.push(self.event("response.output_item.done", json!({ "output_index": at, "item": item })));
        self.items.push(item);
        events
    }

    fn call(&mut self, call: &Call) -> Vec<Event> {
        let at = self.items.len();
        let item = call_item(&self.item_id("fc"), call);
        let mut started = item.clone();
        (started["arguments"], started["status"]) = ("".into(), "in_progress".into());
        let place = json!({ "item_id": item["id"], "output_index": at });
        let (mut delta, mut done) = (place.clone(), place);
        delta["delta"] = call.arguments.as_str().into();
        (done["arguments"], done["name"]) = (call.arguments.as_str().into(), call.name.as_str().into());
        let events = vec![
            self.event("response.output_item.added", json!({ "output_index": at, "item": started })),
            self.event("response.function_call_arguments.delta", delta),
            self.event("response.function_call_arguments.done", done),
            self.event("response.output_item.done", json!({ "output_index": at, "item": item })),
        ];
        self.items.push(item);
        events
    }
}

impl Writer for ResponseWriter {
    fn begin(&mut self) -> Vec<Event> {
        let response = json!({ "response": self.response("in_progress", &[], None) });
        vec![self.event("response.created", response.clone()), self.event("response.in_progress", response)]
    }

    fn delta(&mut self, _at: usize, text: &str, reasoning: &str) -> Vec<Event> {
        let mut events = self.grow(Part::Thought, reasoning);
        events.extend(self.grow(Part::Said, text));
        events
    }

    fn done(&mut self, _at: usize, answer: &Answer) -> Vec<Event> {
        let mut events = Vec::new();
        if self.open.is_none() && self.items.is_empty() && answer.calls.is_empty() {
            // An answer that says nothing is still one.
            events.extend(self.open(Part::Said));
        }
        events.extend(self.close(status(answer.finish)));
        for call in &answer.calls {
            events.extend(self.call(call));
        }
        self.last = Some((answer.finish, answer.usage));
        events
    }

    fn end(&mut self) -> Vec<Event> {
        let (finish, usage) = self.last.unwrap_or_default();
        let response = json!({ "response": self.response(status(finish), &self.items, Some(usage)) });
        let name = if finish == Finish::Length { "response.incomplete" } else { "response.completed" };
        vec![self.event(name, response)]
    }

    fn failed(&mut self, failure: &Failure, _request_id: &str) -> Vec<Event> {
        let mut response = self.response("failed", &self.items, None);
        response["error"] =
            json!({ "code": failure.code().unwrap_or("server_error"), "message": failure.message });
        vec![self.event("response.failed", json!({ "response": response }))]
    }

    fn whole(&self, answers: &[Answer]) -> Value {
        let answer = answers.first().cloned().unwrap_or_default();
        let mut items: Vec<Value> = Vec::new();
        let id = |prefix: &str, at: usize| format!("{prefix}_{}_{at}", self.suffix);
        let with_id = |mut item: Value, prefix: &str, at: usize| {
            item["id"] = id(prefix, at).into();
            item
        };
        if !answer.reasoning.is_empty() {
            items.push(with_id(self.item(Part::Thought, &answer.reasoning, "completed"), "rs", 0));
        }
        if !answer.text.is_empty() || answer.calls.is_empty() {
            let at = items.len();
            items.push(with_id(self.item(Part::Said, &answer.text, status(answer.finish)), "msg", at));
        }
        for call in &answer.calls {
            items.push(call_item(&id("fc", items.len()), call));
        }
        self.response(status(answer.finish), &items, Some(answer.usage))
    }
}

fn status(finish: Finish) -> &'static str {
    if finish == Finish::Length { "incomplete" } else { "completed" }
}

fn said(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn call_item(id: &str, call: &Call) -> Value {
    json!({
        "type": "function_call",
        "id": id,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "status": "completed",
    })
}

fn told(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.prompt,
        "input_tokens_details": { "cached_tokens": usage.cached.unwrap_or_default() },
        "output_tokens": usage.completion,
        // Engines do not count thoughts apart.
        "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": usage.prompt + usage.completion,
    })
}
