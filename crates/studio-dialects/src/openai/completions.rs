//! `/v1/completions`: each prompt is what a user says in a chat, because models answer through their templates.

use serde_json::{Map, Value, json};

use super::sampling::{self, MAX_TOKENS, put};
use super::{MAX_CHOICES, finish_reason, usage};
use crate::{Answer, Asked, Event, Failure, Fields, Origin, Usage, Writer};

/// Reads a request.
pub fn read(body: &Value, origin: &Origin) -> Result<Asked, Failure> {
    let body = Fields::of(body, "")?;
    let model = body.needed_text("model")?.to_owned();
    body.refuse("suffix", "is not supported: models answer, they do not fill in")?;
    body.refuse("logprobs", "is not supported: engines do not tell the probabilities of tokens")?;
    let n = sampling::choices(&body)?;
    if body.whole("best_of", 1, MAX_CHOICES as u64)?.is_some_and(|best| best > n as u64) {
        return Err(body.error("best_of", "is not supported beyond `n`: answers are not ranked"));
    }
    let prompts = prompts(&body)?;
    if prompts.len() * n > MAX_CHOICES {
        let detail = format!("{} prompts with `n` {n} are more than {MAX_CHOICES} answers", prompts.len());
        return Err(body.error("prompt", detail));
    }
    let mut task = Map::new();
    sampling::common(&body, &mut task)?;
    put(&mut task, "maxTokens", body.whole("max_tokens", 1, MAX_TOKENS)?);
    let seed = sampling::seed(&body)?;
    let mut tasks = Vec::new();
    for prompt in &prompts {
        let mut task = task.clone();
        task.insert("messages".to_owned(), json!([{ "role": "user", "content": prompt }]));
        tasks.extend(sampling::repeat(&task, seed, n));
    }
    let stream = body.flag("stream")?.unwrap_or(false);
    let echo = body.flag("echo")?.unwrap_or(false);
    let include_usage = sampling::include_usage(&body, stream)?;
    let writer = CompletionWriter {
        id: format!("cmpl-{}", origin.id),
        created: origin.created,
        model: model.clone(),
        n,
        echoes: if echo { prompts } else { Vec::new() },
        include_usage,
        usages: vec![Usage::default(); tasks.len()],
    };
    Ok(Asked { model, tasks, stream, one_call: false, writer: Box::new(writer) })
}

fn prompts(body: &Fields<'_>) -> Result<Vec<String>, Failure> {
    if let Some(Value::Array(list)) = body.get("prompt")
        && list.iter().any(|item| item.is_number() || item.is_array())
    {
        return Err(body.error("prompt", "tokens are not supported: send text"));
    }
    let prompts = body.texts("prompt")?.ok_or_else(|| body.error("prompt", "is missing"))?;
    if prompts.is_empty() {
        return Err(body.error("prompt", "is empty: at least one text is needed"));
    }
    Ok(prompts.into_iter().map(str::to_owned).collect())
}

struct CompletionWriter {
    id: String,
    created: i64,
    model: String,
    n: usize,
    /// Prompts that are repeated in front of their answers.
    echoes: Vec<String>,
    include_usage: bool,
    usages: Vec<Usage>,
}

impl CompletionWriter {
    fn of(&self, choices: &Value) -> Value {
        json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }

    fn chunk(&self, choices: &Value) -> Value {
        let mut chunk = self.of(choices);
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn piece(&self, at: usize, text: &str, finish: Option<&str>) -> Event {
        let choice = json!({ "index": at, "text": text, "logprobs": null, "finish_reason": finish });
        Event::data(&self.chunk(&json!([choice])))
    }

    fn echo(&self, at: usize) -> &str {
        self.echoes.get(at / self.n).map_or("", String::as_str)
    }

    fn usage(&self, usages: &[Usage]) -> Value {
        let of_prompt =
            |answers: &[Usage]| answers.iter().map(|usage| usage.prompt).max().unwrap_or_default();
        let prompts: Vec<u64> = usages.chunks(self.n).map(of_prompt).collect();
        usage(&prompts, usages.iter().copied())
    }
}

impl Writer for CompletionWriter {
    fn begin(&mut self) -> Vec<Event> {
        let echoed = (0..self.usages.len()).filter(|at| !self.echo(*at).is_empty());
        echoed.map(|at| self.piece(at, self.echo(at), None)).collect()
    }

    fn delta(&mut self, at: usize, text: &str, _reasoning: &str) -> Vec<Event> {
        if text.is_empty() { Vec::new() } else { vec![self.piece(at, text, None)] }
    }

    fn done(&mut self, at: usize, answer: &Answer) -> Vec<Event> {
        if let Some(usage) = self.usages.get_mut(at) {
            *usage = answer.usage;
        }
        vec![self.piece(at, "", Some(finish_reason(answer)))]
    }

    fn end(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.include_usage {
            let mut chunk = self.chunk(&json!([]));
            chunk["usage"] = self.usage(&self.usages);
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
            let text = format!("{}{}", self.echo(at), answer.text);
            json!({ "index": at, "text": text, "logprobs": null, "finish_reason": finish_reason(answer) })
        };
        let mut whole = self.of(&answers.iter().enumerate().map(choice).collect());
        let usages: Vec<Usage> = answers.iter().map(|answer| answer.usage).collect();
        whole["usage"] = self.usage(&usages);
        whole
    }
}

#[cfg(test)]
mod tests;
