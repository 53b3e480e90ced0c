//! Messages to JSON and back.
//!
//! The tag is read first and the rest with it in mind: a result is then kept as the text it came in, and a
//! command that cannot be read still tells which job it was about.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use studio_protocol::JobId;

use crate::{Command, Event};

/// Why a frame is not a message.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not a JSON object with a text `type`.
    #[error("not a JSON object with a `type`")]
    NotAMessage(#[source] serde_json::Error),
    /// A `type` of a newer peer: the reader skips it.
    #[error("unknown message type `{0}`")]
    UnknownType(String),
    /// Fields are missing or of a wrong type.
    #[error("message `{message}` cannot be read: {source}")]
    Malformed {
        /// The `type`.
        message: &'static str,
        /// The job that it names, so that the job can be failed instead of the whole connection.
        job_id: Option<JobId>,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Reads what the daemon said.
pub fn decode_command(json: &[u8]) -> Result<Command, DecodeError> {
    Ok(match tag_of(json)?.as_str() {
        "hello" => Command::Hello(body("hello", json)?),
        "load" => Command::Load(body("load", json)?),
        "run" => Command::Run(body("run", json)?),
        "cancel" => Command::Cancel(body("cancel", json)?),
        "unload" => Command::Unload(body("unload", json)?),
        "stats" => Command::Stats,
        "shutdown" => Command::Shutdown,
        other => return Err(DecodeError::UnknownType(quoted_tag(other))),
    })
}

/// Reads what an engine said.
pub fn decode_event(json: &[u8]) -> Result<Event, DecodeError> {
    Ok(match tag_of(json)?.as_str() {
        "ready" => Event::Ready(body("ready", json)?),
        "loading" => Event::Loading(body("loading", json)?),
        "loaded" => Event::Loaded(body("loaded", json)?),
        "progress" => Event::Progress(body("progress", json)?),
        "preview" => Event::Preview(body("preview", json)?),
        "delta" => Event::Delta(body("delta", json)?),
        "done" => Event::Done(body("done", json)?),
        "failed" => Event::Failed(body("failed", json)?),
        "unloaded" => Event::Unloaded(body("unloaded", json)?),
        "stats" => Event::Stats(body("stats", json)?),
        "heartbeat" => Event::Heartbeat(body("heartbeat", json)?),
        other => return Err(DecodeError::UnknownType(quoted_tag(other))),
    })
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    tag: String,
}

fn tag_of(json: &[u8]) -> Result<String, DecodeError> {
    serde_json::from_slice::<Tag>(json).map(|tag| tag.tag).map_err(DecodeError::NotAMessage)
}

fn body<'a, T: Deserialize<'a>>(message: &'static str, json: &'a [u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(json).map_err(|source| DecodeError::Malformed {
        message,
        job_id: job_of(json),
        source,
    })
}

fn job_of(json: &[u8]) -> Option<JobId> {
    let message: Value = serde_json::from_slice(json).ok()?;
    Some(JobId::from(message.get("jobId")?.as_str()?))
}

/// The longest tag that an error quotes.
const MAX_QUOTED_TAG: usize = 64;

fn quoted_tag(tag: &str) -> String {
    tag.chars().take(MAX_QUOTED_TAG).collect::<String>().escape_debug().to_string()
}

/// Writes a message of either side as JSON, without its length.
pub(crate) fn to_json<M: Serialize>(message: &M) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages have text keys and finite structure")
}
