//! OpenAI's dialect.

mod asked;
pub mod audio;
pub mod chat;
pub mod completions;
pub mod embeddings;
pub mod form;
pub mod images;
pub mod models;
pub mod responses;
mod sampling;

use serde_json::{Value, json};

use crate::{Answer, Usage};

/// Answers that one request may ask for; each is a job of its own.
pub const MAX_CHOICES: usize = 8;

/// `usage` of chats and completions: a prompt counts once, however many answers there are to it.
fn usage(prompts: &[u64], answers: impl Iterator<Item = Usage>) -> Value {
    let prompt: u64 = prompts.iter().sum();
    let mut completion = 0;
    let mut cached: Option<u64> = None;
    for usage in answers {
        completion += usage.completion;
        cached = usage.cached.map(|tokens| tokens.max(cached.unwrap_or_default())).or(cached);
    }
    let mut usage = json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    });
    if let Some(cached) = cached {
        usage["prompt_tokens_details"] = json!({ "cached_tokens": cached });
    }
    usage
}

fn finish_reason(answer: &Answer) -> &'static str {
    match answer.finish {
        crate::Finish::Stop => "stop",
        crate::Finish::Length => "length",
        crate::Finish::Calls => "tool_calls",
    }
}

#[cfg(test)]
pub(crate) mod tests;
