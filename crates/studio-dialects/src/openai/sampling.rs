//! What chats, completions and responses state of how an answer is drawn.

use serde_json::{Map, Value};

use super::MAX_CHOICES;
use crate::{Failure, Fields};

/// Stop texts of one request.
const MAX_STOPS: usize = 16;

/// The longest answer that may be asked for, tokens: as the task's field holds it.
pub(super) const MAX_TOKENS: u64 = u32::MAX as u64;

/// Temperature and the probability that is kept.
pub(super) fn heat(fields: &Fields<'_>, task: &mut Map<String, Value>) -> Result<(), Failure> {
    put(task, "temperature", fields.number("temperature", 0.0, 2.0)?);
    put(task, "topP", fields.number("top_p", 0.0, 1.0)?);
    Ok(())
}

/// What chats and completions share.
pub(super) fn common(fields: &Fields<'_>, task: &mut Map<String, Value>) -> Result<(), Failure> {
    heat(fields, task)?;
    put(task, "frequencyPenalty", penalty(fields, "frequency_penalty")?);
    put(task, "presencePenalty", penalty(fields, "presence_penalty")?);
    // Not of OpenAI, but of what most local servers understand.
    put(task, "topK", fields.whole("top_k", 0, MAX_TOKENS)?.filter(|&k| k > 0));
    put(task, "minP", fields.number("min_p", 0.0, 1.0)?);
    put(task, "repeatPenalty", fields.number("repeat_penalty", 0.0, 10.0)?);
    if let Some(stops) = fields.texts("stop")? {
        if stops.len() > MAX_STOPS {
            return Err(
                fields.error("stop", format!("{} texts, at most {MAX_STOPS} are allowed", stops.len()))
            );
        }
        put(task, "stop", Some(stops).filter(|stops| !stops.is_empty()));
    }
    fields.refuse("logit_bias", "is not supported: no engine of this fleet changes single tokens")?;
    Ok(())
}

/// One that changes nothing needs no worker that understands it.
fn penalty(fields: &Fields<'_>, name: &str) -> Result<Option<f64>, Failure> {
    Ok(fields.number(name, -2.0, 2.0)?.filter(|penalty| *penalty != 0.0))
}

/// The seed; negative ones, which some clients draw, count from the other end.
pub(super) fn seed(fields: &Fields<'_>) -> Result<Option<u64>, Failure> {
    let Some(value) = fields.get("seed") else { return Ok(None) };
    let seed = value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned));
    seed.map(Some).ok_or_else(|| fields.error("seed", format!("`{value}` is not a whole number of 64 bits")))
}

/// How many answers to each prompt.
pub(super) fn choices(fields: &Fields<'_>) -> Result<usize, Failure> {
    let n = fields.whole("n", 1, MAX_CHOICES as u64)?.unwrap_or(1);
    Ok(usize::try_from(n).unwrap_or(MAX_CHOICES))
}

/// The same task for each answer, with a seed of its own where one is stated.
pub(super) fn repeat(task: &Map<String, Value>, seed: Option<u64>, n: usize) -> Vec<Value> {
    let copy = |at: usize| {
        let mut task = task.clone();
        put(&mut task, "seed", seed.map(|seed| seed.wrapping_add(at as u64)));
        Value::Object(task)
    };
    (0..n).map(copy).collect()
}

/// Whether usage is told at the end of a stream.
pub(super) fn include_usage(fields: &Fields<'_>, stream: bool) -> Result<bool, Failure> {
    let Some(options) = fields.object("stream_options")? else { return Ok(false) };
    if !stream {
        return Err(fields.error("stream_options", "is allowed with `stream: true` only"));
    }
    Ok(options.flag("include_usage")?.unwrap_or(false))
}

/// States a field, if there is something to state.
pub(super) fn put<T: Into<Value>>(task: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        task.insert(name.to_owned(), value.into());
    }
}
