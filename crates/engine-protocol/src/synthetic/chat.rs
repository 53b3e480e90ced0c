//! Answers in the shape of OpenAI's `chat.completion`.

use serde_json::{Value, json};
use studio_protocol::LlmTask;

use super::directives::Directives;
use super::schema;
use super::seed::{Draw, Seed};
use super::words;
use crate::Failure;
use crate::harness::{Output, Work};

/// One word counts as one token; an answer has at least this many and less than twice as many.
const USUAL_TOKENS: usize = 16;
/// Words of a thought.
const THOUGHT_WORDS: usize = 8;

pub(super) fn answer(
    task: &LlmTask,
    model: &str,
    asked: &Directives,
    seed: &Seed,
    work: &Work<'_>,
) -> Result<Output, Failure> {
    let mut draw = seed.draw(0);
    let calls = calls(task, asked, seed, &mut draw)?;
    let full = if !calls.is_empty() {
        String::new()
    } else if let Some(schema) = &task.json_schema {
        schema::instance(schema, &mut draw)?.to_string()
    } else {
        let tokens = USUAL_TOKENS + draw.below(USUAL_TOKENS);
        words::text(&mut draw, tokens)
    };
    let thought = if asked.think { words::text(&mut seed.draw(1), THOUGHT_WORDS) } else { String::new() };
    for piece in thought.split_inclusive(' ') {
        work.pause(asked.pace)?;
        work.delta("", Some(piece.to_owned()));
    }
    let (stopped, stop) = cut_at_stop(&full, task.stop.as_deref().unwrap_or_default());
    let pieces: Vec<&str> = stopped.split_inclusive(' ').take(task.max_tokens as usize).collect();
    for piece in &pieces {
        work.pause(asked.pace)?;
        work.delta(*piece, None);
    }
    let content = pieces.concat();
    let is_cut = content.len() < stopped.len();
    let (prompt_tokens, completion_tokens) = (tokens_of(task), pieces.len() + count(&thought) + calls.len());
    let mut message = json!({ "role": "assistant", "content": content });
    if !thought.is_empty() {
        message["reasoning_content"] = thought.into();
    }
    let finish = match (calls.is_empty(), is_cut) {
        (false, _) => "tool_calls",
        (true, true) => "length",
        (true, false) => "stop",
    };
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let mut choice = json!({ "index": 0, "message": message, "finish_reason": finish });
    if let Some(stop) = stop.filter(|_| !is_cut) {
        choice["stop_reason"] = stop.into();
    }
    Output::json(&json!({
        "id": format!("chatcmpl-{}", seed.short()),
        "object": "chat.completion",
        // The hour would make the same prompt give other bytes.
        "created": 0,
        "model": model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }))
}

/// Calls that the prompt asks for, or the one that the task demands; their arguments fit the tools' schemas.
fn calls(task: &LlmTask, asked: &Directives, seed: &Seed, draw: &mut Draw) -> Result<Vec<Value>, Failure> {
    let tools = task.tools.as_deref().unwrap_or_default();
    let choice = task.tool_choice.as_ref();
    if tools.is_empty() || choice.is_some_and(|choice| choice == "none") {
        return Ok(Vec::new());
    }
    let demanded = match choice {
        Some(Value::String(word)) if word == "required" => Some(""),
        Some(choice) => choice["function"]["name"].as_str(),
        None => None,
    };
    let mut names: Vec<&str> = asked.calls.iter().map(String::as_str).collect();
    if let Some(demanded) = demanded.filter(|_| names.is_empty()) {
        names.push(demanded);
    }
    let mut calls = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let function = |tool: &Value| tool.get("function").unwrap_or(tool).clone();
        let mut functions = tools.iter().map(function);
        let Some(tool) = functions.find(|tool| name.is_empty() || tool["name"] == **name) else {
            return Err(Failure::bad_input(format!("tools: none is called `{name}`")));
        };
        let arguments = schema::instance(&tool["parameters"], draw)?;
        calls.push(json!({
            "id": format!("call_{}_{at}", seed.short()),
            "type": "function",
            "function": { "name": tool["name"], "arguments": arguments.to_string() },
        }));
    }
    Ok(calls)
}

/// The text before the first stop text, and which that was.
fn cut_at_stop<'a>(text: &'a str, stops: &'a [String]) -> (&'a str, Option<&'a str>) {
    let found = stops.iter().filter(|stop| !stop.is_empty());
    let first = found.filter_map(|stop| Some((text.find(stop)?, stop.as_str()))).min();
    first.map_or((text, None), |(end, stop)| (&text[..end], Some(stop)))
}

fn tokens_of(task: &LlmTask) -> usize {
    let said = task.messages.iter().map(|message| message.content.as_str()).chain(task.system.as_deref());
    said.map(count).sum()
}

fn count(text: &str) -> usize {
    text.split_whitespace().count()
}
