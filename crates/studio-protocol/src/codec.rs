//! Text to frames and back.
//!
//! The tag is read first and the rest with it in mind: a result is then kept as the text it came in, and an
//! offer that cannot be read still tells which job it was about.

use serde::{Deserialize, Serialize, de};
use serde_json::Value;

use crate::object::ObjectOnly;
use crate::task::fill_in;
use crate::{BadOffer, JobId, MAX_FRAME_BYTES, Offer, StudioFrame, WorkerFrame};

/// Why a text is not a frame.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Above [`MAX_FRAME_BYTES`].
    #[error("frame of {0} bytes, at most {MAX_FRAME_BYTES} are allowed")]
    TooLarge(usize),
    /// Not a JSON object with a text `type`.
    #[error("not a JSON object with a `type`: {0}")]
    NotAFrame(#[source] serde_json::Error),
    /// A `type` of a newer peer: the reader skips it.
    #[error("unknown frame type `{0}`")]
    UnknownType(String),
    /// Fields are missing or of a wrong type.
    #[error("frame `{frame}`: {source}")]
    Malformed {
        /// The `type`.
        frame: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    tag: String,
}

fn tag_of(text: &str) -> Result<String, DecodeError> {
    if text.len() > MAX_FRAME_BYTES {
        return Err(DecodeError::TooLarge(text.len()));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let tag = Tag::deserialize(ObjectOnly(&mut json)).and_then(|tag| json.end().map(|()| tag.tag));
    tag.map_err(DecodeError::NotAFrame)
}

fn body<'a, T: Deserialize<'a>>(frame: &'static str, text: &'a str) -> Result<T, DecodeError> {
    from_json(text).map_err(|source| DecodeError::Malformed { frame, source })
}

/// Reads any message, which is a JSON object; unlike `serde_json`, the error says by path which field is wrong.
pub fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let read = T::deserialize(ObjectOnly(&mut json)).and_then(|message| json.end().map(|()| message));
    // Tracking the path costs time, so it is done only for what is refused.
    read.map_err(|error| {
        let mut again = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize::<_, T>(ObjectOnly(&mut again)).err().map_or(error, named)
    })
}

/// An error of serde with its path in front.
pub(crate) fn named<E: de::Error>(error: serde_path_to_error::Error<serde_json::Error>) -> E {
    let path = error.path().to_string();
    let problem = error.into_inner();
    if path == "." { E::custom(problem) } else { E::custom(format_args!("{path}: {problem}")) }
}

/// Reads what a worker said.
pub fn decode_worker_frame(text: &str) -> Result<WorkerFrame, DecodeError> {
    Ok(match tag_of(text)?.as_str() {
        "hello" => WorkerFrame::Hello(body("hello", text)?),
        "heartbeat" => WorkerFrame::Heartbeat(body("heartbeat", text)?),
        "accept" => WorkerFrame::Accept(body("accept", text)?),
        "reject" => WorkerFrame::Reject(body("reject", text)?),
        "completeJson" => WorkerFrame::CompleteJson(body("completeJson", text)?),
        "fail" => WorkerFrame::Fail(body("fail", text)?),
        "logBatch" => WorkerFrame::LogBatch(body("logBatch", text)?),
        "readyForMore" => WorkerFrame::ReadyForMore,
        "progress" => WorkerFrame::Progress(body("progress", text)?),
        "preview" => WorkerFrame::Preview(body("preview", text)?),
        "delta" => WorkerFrame::Delta(body("delta", text)?),
        "release" => WorkerFrame::Release(body("release", text)?),
        "goodbye" => WorkerFrame::Goodbye(body("goodbye", text)?),
        other => return Err(DecodeError::UnknownType(quoted_tag(other))),
    })
}

/// Reads what a studio said.
pub fn decode_studio_frame(text: &str) -> Result<StudioFrame, DecodeError> {
    Ok(match tag_of(text)?.as_str() {
        "welcome" => StudioFrame::Welcome(body("welcome", text)?),
        "offer" => match offer(text) {
            Ok(offer) => StudioFrame::Offer(Box::new(offer)),
            Err(problem) => StudioFrame::BadOffer(bad_offer(text, &problem).ok_or(problem)?),
        },
        "heartbeatAck" => StudioFrame::HeartbeatAck,
        "completeAck" => StudioFrame::CompleteAck(body("completeAck", text)?),
        "failAck" => StudioFrame::FailAck(body("failAck", text)?),
        "error" => StudioFrame::Error(body("error", text)?),
        "cancel" => StudioFrame::Cancel(body("cancel", text)?),
        "pause" => StudioFrame::Pause,
        "resume" => StudioFrame::Resume,
        "drain" => StudioFrame::Drain,
        "loadModel" => StudioFrame::LoadModel(body("loadModel", text)?),
        "unloadModel" => StudioFrame::UnloadModel(body("unloadModel", text)?),
        "updateNow" => StudioFrame::UpdateNow,
        other => return Err(DecodeError::UnknownType(quoted_tag(other))),
    })
}

/// Writes a frame of either side.
pub fn encode<F: Serialize>(frame: &F) -> String {
    serde_json::to_string(frame).expect("frames have text keys and finite structure")
}

fn offer(text: &str) -> Result<Offer, DecodeError> {
    let malformed = |source| DecodeError::Malformed { frame: "offer", source };
    let mut frame: Value = serde_json::from_str(text).map_err(malformed)?;
    let defaults = frame.pointer("/claim/modelSource/cliDefaults").and_then(Value::as_object).cloned();
    if let (Some(defaults), Some(Value::Object(task))) = (defaults, frame.pointer_mut("/claim/task")) {
        fill_in(task, defaults);
    }
    serde_path_to_error::deserialize(ObjectOnly(frame)).map_err(|error| malformed(named(error)))
}

fn bad_offer(text: &str, problem: &DecodeError) -> Option<BadOffer> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let claim = frame.get("claim")?;
    let attempt = claim.get("attempt").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let job_id = JobId::from(claim.get("jobId")?.as_str()?);
    let kind = claim.get("task").and_then(|task| task.get("kind")).and_then(Value::as_str);
    let problem = match kind {
        Some(kind) if kind.parse::<crate::TaskKind>().is_err() => {
            format!("task kind `{}` is not known to this worker", quoted_tag(kind))
        }
        _ => problem_text(problem),
    };
    Some(BadOffer { job_id, attempt, problem })
}

fn problem_text(problem: &DecodeError) -> String {
    format!("the offer cannot be read: {problem}")
}

/// The longest tag that an error quotes.
const MAX_QUOTED_TAG: usize = 64;

fn quoted_tag(tag: &str) -> String {
    tag.chars().take(MAX_QUOTED_TAG).collect::<String>().escape_debug().to_string()
}
