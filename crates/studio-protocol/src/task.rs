//! What a job asks for (protocol section 5).

mod facts;
mod fill;
mod kinds;

use std::fmt;
use std::str::FromStr;

use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::codec::named;
use crate::{MAX_EXT_BYTES, MAX_INPUTS};
pub use facts::{INPUT_PREFIX, rewrite_inputs, states_options};
pub(crate) use fill::fill_in;
pub use kinds::{
    AudioSttTask, AudioTtsTask, ChatMessage, ImageTask, LlmTask, LoraUse, MeshTask, Timestamps, VideoTask,
};

/// The kind of a job: what sort of thing it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A picture.
    Image,
    /// A chat answer.
    Llm,
    /// Text from speech.
    AudioStt,
    /// Speech from text.
    AudioTts,
    /// A clip.
    Video,
    /// A 3D mesh.
    Mesh,
}

impl TaskKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Image, Self::Llm, Self::AudioStt, Self::AudioTts, Self::Video, Self::Mesh];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Llm => "llm",
            Self::AudioStt => "audio_stt",
            Self::AudioTts => "audio_tts",
            Self::Video => "video",
            Self::Mesh => "mesh",
        }
    }

    /// Whether the result is JSON in a frame; all others are uploaded.
    pub fn result_is_json(self) -> bool {
        matches!(self, Self::Llm | Self::AudioStt)
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TaskKind {
    type Err = TaskError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
            TaskError::new(
                "kind",
                format!("`{word}` is not one of image, llm, audio_stt, audio_tts, video, mesh"),
            )
        })
    }
}

/// What is wrong with a task, and in which field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct TaskError {
    /// The field on the wire.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl TaskError {
    fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

/// A task, tagged by `kind`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// A picture.
    Image(ImageTask),
    /// A chat answer.
    Llm(LlmTask),
    /// Text from speech.
    AudioStt(AudioSttTask),
    /// Speech from text.
    AudioTts(AudioTtsTask),
    /// A clip.
    Video(VideoTask),
    /// A 3D mesh.
    Mesh(MeshTask),
}

impl<'de> Deserialize<'de> for Task {
    /// By hand, because a derived reader of a tagged enum cannot say which field is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let kind = fields.remove("kind").ok_or_else(|| de::Error::missing_field("kind"))?;
        let kind =
            kind.as_str().ok_or_else(|| de::Error::custom(format_args!("kind: {kind} is not a text")))?;
        let kind: TaskKind = kind.parse().map_err(de::Error::custom)?;
        let fields = Value::Object(fields);
        Ok(match kind {
            TaskKind::Image => Self::Image(body(fields)?),
            TaskKind::Llm => Self::Llm(body(fields)?),
            TaskKind::AudioStt => Self::AudioStt(body(fields)?),
            TaskKind::AudioTts => Self::AudioTts(body(fields)?),
            TaskKind::Video => Self::Video(body(fields)?),
            TaskKind::Mesh => Self::Mesh(body(fields)?),
        })
    }
}

fn body<T: DeserializeOwned, E: de::Error>(fields: Value) -> Result<T, E> {
    serde_path_to_error::deserialize(fields).map_err(named)
}

/// The longest side of a picture, pixels: what the largest image models reach, squared still fits memory.
const MAX_SIDE: u32 = 8192;
/// Denoising steps: ten times what any sampler needs.
const MAX_STEPS: u32 = 1_000;
/// A clip: what one job may hold a machine for.
const MAX_SECONDS: f64 = 600.0;

impl Task {
    /// The tag.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Image(_) => TaskKind::Image,
            Self::Llm(_) => TaskKind::Llm,
            Self::AudioStt(_) => TaskKind::AudioStt,
            Self::AudioTts(_) => TaskKind::AudioTts,
            Self::Video(_) => TaskKind::Video,
            Self::Mesh(_) => TaskKind::Mesh,
        }
    }

    /// What `prompt` of a result carries: the prompt, the text, the last message, or the input's address.
    pub fn prompt(&self) -> &str {
        match self {
            Self::Image(task) => &task.prompt,
            Self::Llm(task) => task.messages.last().map_or("", |message| &message.content),
            Self::AudioStt(task) => &task.input_url,
            Self::AudioTts(task) => &task.text,
            Self::Video(task) => &task.prompt,
            Self::Mesh(task) => &task.image_url,
        }
    }

    /// The file format of an uploaded result.
    pub fn ext(&self) -> Option<&str> {
        match self {
            Self::Image(task) => Some(&task.ext),
            Self::AudioTts(task) => Some(&task.ext),
            Self::Video(task) => Some(&task.ext),
            Self::Mesh(task) => Some(&task.ext),
            Self::Llm(_) | Self::AudioStt(_) => None,
        }
    }

    /// Refuses what no engine could do, so that a mistake is told at submission and not by a failed job.
    pub fn check(&self) -> Result<(), TaskError> {
        if let Some(ext) = self.ext() {
            check_ext(ext)?;
        }
        match self {
            Self::Image(task) => {
                check_range("width", task.width, 1, MAX_SIDE)?;
                check_range("height", task.height, 1, MAX_SIDE)?;
                check_range("steps", task.steps, 1, MAX_STEPS)
            }
            Self::Llm(task) if task.messages.is_empty() && task.embed.is_none() => {
                Err(TaskError::new("messages", "is empty: a chat needs at least one message"))
            }
            Self::Llm(task) if task.images.len() > MAX_INPUTS => Err(TaskError::new(
                "images",
                format!("{} pictures, at most {MAX_INPUTS} are allowed", task.images.len()),
            )),
            Self::Llm(task) => check_range("maxTokens", task.max_tokens, 1, u32::MAX),
            Self::Video(task) => {
                check_range("width", task.width, 1, MAX_SIDE)?;
                check_range("height", task.height, 1, MAX_SIDE)?;
                if !(task.seconds > 0.0 && task.seconds <= MAX_SECONDS) {
                    return Err(TaskError::new(
                        "seconds",
                        format!("{} is not within 0 to {MAX_SECONDS}", task.seconds),
                    ));
                }
                Ok(())
            }
            Self::AudioStt(_) | Self::AudioTts(_) | Self::Mesh(_) => Ok(()),
        }
    }
}

fn check_ext(ext: &str) -> Result<(), TaskError> {
    let plain =
        !ext.is_empty() && ext.len() <= MAX_EXT_BYTES && ext.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain {
        return Ok(());
    }
    Err(TaskError::new("ext", format!("`{}` is not a plain file extension like webp", ext.escape_debug())))
}

fn check_range(field: &'static str, value: u32, least: u32, most: u32) -> Result<(), TaskError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(TaskError::new(field, format!("{value} is not within {least} to {most}")))
}
