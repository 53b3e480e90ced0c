//! The fields of each kind of task, with the defaults of protocol section 5.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nulls::{default_value, null_as_default};

default_value!(side, u32, 512);
default_value!(steps, u32, 20);
default_value!(image_ext, String, "webp".to_owned());
default_value!(speech_ext, String, "wav".to_owned());
default_value!(video_ext, String, "mp4".to_owned());
default_value!(mesh_ext, String, "glb".to_owned());
default_value!(max_tokens, u32, 512);
default_value!(temperature, f64, 0.7);
default_value!(voice, String, "default".to_owned());
default_value!(seconds, f64, 2.0);
default_value!(lora_weight, f64, 1.0);

/// `image`: uploaded as `ext`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageTask {
    /// What to show.
    pub prompt: String,
    /// What to avoid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// The picture to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_image_url: Option<String>,
    /// White is repainted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask_url: Option<String>,
    /// A picture to take the subject from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_image_url: Option<String>,
    /// Strength, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denoise: Option<f64>,
    /// Classifier-free guidance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cfg_scale: Option<f64>,
    /// The sampler's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling_method: Option<String>,
    /// Pixels.
    #[serde(default = "side::value", deserialize_with = "side::deserialize")]
    pub width: u32,
    /// Pixels.
    #[serde(default = "side::value", deserialize_with = "side::deserialize")]
    pub height: u32,
    /// Denoising steps.
    #[serde(default = "steps::value", deserialize_with = "steps::deserialize")]
    pub steps: u32,
    /// Absent: the engine picks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The file format.
    #[serde(default = "image_ext::value", deserialize_with = "image_ext::deserialize")]
    pub ext: String,
    /// The noise schedule's name (extension `options`, as all below).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// Time shift of flow models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_shift: Option<f64>,
    /// Distilled guidance, of models that have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<f64>,
    /// Noise that ancestral samplers put back, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<f64>,
    /// Which layer of a CLIP text encoder is taken, from the end: 1, as usual, leaves none out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_skip: Option<u32>,
    /// Fine-tunes to apply: files of the model with the role `lora`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub loras: Vec<LoraUse>,
    /// Further pictures to take subjects from.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub ref_image_urls: Vec<String>,
    /// Pictures of successive seeds, laid out as one grid; for single files submit several jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_count: Option<u32>,
    /// Decode in tiles, which takes less memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vae_tiling: Option<bool>,
}

/// A fine-tune and how strongly it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoraUse {
    /// The file's name, with or without its extension.
    pub name: String,
    /// 1 is as it was trained.
    #[serde(default = "lora_weight::value", deserialize_with = "lora_weight::deserialize")]
    pub weight: f64,
}

/// One turn of a chat.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChatMessage {
    /// `system`, `user`, `assistant`, ...
    pub role: String,
    /// What was said; empty where an answer only calls tools.
    pub content: String,
    /// Tools that an answer called, in OpenAI's shape (extension `options`, as all below).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<Value>>,
    /// Of a `tool` message: which call it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Of a `tool` message: which tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What an earlier answer had thought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
}

/// `llm`: answered with a `chat.completion` object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmTask {
    /// The conversation so far.
    #[serde(deserialize_with = "crate::object::many")]
    pub messages: Vec<ChatMessage>,
    /// Put before the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The longest answer, tokens.
    #[serde(default = "max_tokens::value", deserialize_with = "max_tokens::deserialize")]
    pub max_tokens: u32,
    /// 0 is greedy.
    #[serde(default = "temperature::value", deserialize_with = "temperature::deserialize")]
    pub temperature: f64,
    /// Nucleus sampling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Texts that end the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Vec<String>>,
    /// The answer must fit this JSON schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<Value>,
    /// How much to think, as the model understands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Value>,
    /// Handed to the model's chat template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template_kwargs: Option<Value>,
    /// Pictures that the conversation speaks of: addresses or data URLs.
    #[serde(default, deserialize_with = "null_as_default")]
    pub images: Vec<String>,
    /// Only the so many likeliest tokens (extension `options`, as all below).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Only tokens at least so likely as this share of the likeliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// The same seed, prompt and options give the same answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Above 1 makes what was said less likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_penalty: Option<f64>,
    /// For each time that a token was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// For a token that was said at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// What the model may call, in OpenAI's shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Value>>,
    /// `auto`, `none`, `required`, or one function, in OpenAI's shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// Texts to embed instead of a chat; answered with OpenAI's list of embeddings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embed: Option<Vec<String>>,
}

/// How fine the times of a transcript are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Timestamps {
    /// Start and end of each segment.
    Segment,
    /// Start and end of each word.
    Word,
}

/// `audio_stt`: answered with JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AudioSttTask {
    /// The recording.
    pub input_url: String,
    /// Of the speech; absent: detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Into English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translate: Option<bool>,
    /// Names and words to expect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Skip silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vad: Option<bool>,
    /// Absent: text only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamps: Option<Timestamps>,
}

/// `audio_tts`: uploaded as `ext`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AudioTtsTask {
    /// What to say.
    pub text: String,
    /// Which voice.
    #[serde(default = "voice::value", deserialize_with = "voice::deserialize")]
    pub voice: String,
    /// 1 is normal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The file format.
    #[serde(default = "speech_ext::value", deserialize_with = "speech_ext::deserialize")]
    pub ext: String,
}

/// `video`: uploaded as `ext`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct VideoTask {
    /// What to show.
    pub prompt: String,
    /// What to avoid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// The first picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_image_url: Option<String>,
    /// Length.
    #[serde(default = "seconds::value", deserialize_with = "seconds::deserialize")]
    pub seconds: f64,
    /// Frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    /// Pixels.
    #[serde(default = "side::value", deserialize_with = "side::deserialize")]
    pub width: u32,
    /// Pixels.
    #[serde(default = "side::value", deserialize_with = "side::deserialize")]
    pub height: u32,
    /// The file format.
    #[serde(default = "video_ext::value", deserialize_with = "video_ext::deserialize")]
    pub ext: String,
    /// Absent: the engine picks one (extension `options`, as all below).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Denoising steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Classifier-free guidance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cfg_scale: Option<f64>,
    /// The sampler's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling_method: Option<String>,
    /// Time shift of flow models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_shift: Option<f64>,
}

/// `mesh`: uploaded as `ext`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MeshTask {
    /// The picture to build from.
    pub image_url: String,
    /// Absent: the engine picks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The file format.
    #[serde(default = "mesh_ext::value", deserialize_with = "mesh_ext::deserialize")]
    pub ext: String,
}

/// A task whose required field is empty and whose other fields have the protocol's defaults.
macro_rules! default_task {
    ($task:ident, $required:literal, $empty:expr) => {
        impl Default for $task {
            fn default() -> Self {
                let required = serde_json::Map::from_iter([($required.to_owned(), Value::from($empty))]);
                serde_json::from_value(Value::Object(required)).expect("only this field is required")
            }
        }
    };
}

default_task!(ImageTask, "prompt", "");
default_task!(LlmTask, "messages", Vec::<Value>::new());
default_task!(VideoTask, "prompt", "");
default_task!(AudioTtsTask, "text", "");
default_task!(AudioSttTask, "inputUrl", "");
