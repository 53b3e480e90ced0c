//! Answers in the shape of OpenAI's `chat.completion`.

use serde_json::json;
use studio_protocol::LlmTask;

use super::schema;
use super::seed::Seed;
use super::words;
use crate::Failure;
use crate::harness::{Output, Work};

/// One word counts as one token; an answer has at least this many and less than twice as many.
const USUAL_TOKENS: usize = 16;

pub(super) fn answer(task: &LlmTask, model: &str, seed: &Seed, work: &Work<'_>) -> Result<Output, Failure> {
    let mut draw = seed.draw(0);
    let full = if let Some(schema) = &task.json_schema {
        schema::instance(schema, &mut draw)?.to_string()
    } else {
        let tokens = USUAL_TOKENS + draw.below(USUAL_TOKENS);
        words::text(&mut draw, tokens)
    };
    let stopped = cut_at_stop(&full, task.stop.as_deref().unwrap_or_default());
    let pieces: Vec<&str> = stopped.split_inclusive(' ').take(task.max_tokens as usize).collect();
    for piece in &pieces {
        work.delta(*piece, None);
    }
    let content = pieces.concat();
    let (prompt_tokens, completion_tokens) = (tokens_of(task), pieces.len());
    Output::json(&json!({
        "id": format!("chatcmpl-{}", seed.short()),
        "object": "chat.completion",
        // The hour would make the same prompt give other bytes.
        "created": 0,
        "model": model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": content },
            "finish_reason": if content.len() < stopped.len() { "length" } else { "stop" },
        }],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }))
}

fn cut_at_stop<'a>(text: &'a str, stops: &[String]) -> &'a str {
    let end = stops.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop)).min();
    &text[..end.unwrap_or(text.len())]
}

fn tokens_of(task: &LlmTask) -> usize {
    let said = task.messages.iter().map(|message| message.content.as_str()).chain(task.system.as_deref());
    said.map(|text| text.split_whitespace().count()).sum()
}
