//! How a model is loaded: the model's defaults that are not part of a task.

use engine_protocol::Failure;
use llama_cpp_2::context::params::{KvCacheType, LlamaPoolingType};
use serde_json::{Map, Value};

/// Chats at once: what the engine says of its slots, and the most that a model may ask for.
pub const MAX_PARALLEL: u32 = 8;
/// A context that fits most machines; models that need more say so.
const USUAL_CONTEXT: u32 = 8_192;
/// The longest context that any model is trained for, rounded up.
const MAX_CONTEXT: u32 = 16 * 1024 * 1024;
/// Prompt tokens that are computed at once: beyond it processors gain nothing.
const USUAL_BATCH: u32 = 512;
const MAX_BATCH: u32 = 8_192;
const MAX_THREADS: u32 = 512;
/// Layers that no model has: all of them.
const ALL_LAYERS: u32 = 100_000;

/// Settings of a load, all with a value.
#[derive(Debug, Clone)]
pub struct Options {
    /// Tokens of all chats together.
    pub context: u32,
    /// Layers that go to the GPU.
    pub gpu_layers: u32,
    /// The type of keys and values.
    pub kv_type: KvCacheType,
    /// -1: llama.cpp decides, as its enum has it.
    pub flash_attention: i32,
    /// Chats at once.
    pub parallel: u32,
    /// Tokens computed at once.
    pub batch: u32,
    /// Processor threads.
    pub threads: u32,
    /// Whether it is for embeddings only; `None`: its file says so.
    pub embedding: Option<bool>,
    /// How vectors are pooled; `None`: as the model says.
    pub pooling: Option<LlamaPoolingType>,
    /// Whether the file is mapped into memory.
    pub mmap: bool,
    /// Instead of the model's own.
    pub chat_template: Option<String>,
    /// For the chat template, before those of a task.
    pub template_kwargs: Map<String, Value>,
    /// Whether thinking is split off.
    pub split_reasoning: bool,
}

impl Options {
    /// Reads `cliDefaults`; a wrong type or value is a failure that names the key.
    pub fn read(more: &Map<String, Value>) -> Result<Self, Failure> {
        let keys = Keys(more);
        let context = keys.number("contextSize", 0, MAX_CONTEXT)?.filter(|&tokens| tokens > 0);
        let parallel = keys.number("parallel", 1, MAX_PARALLEL)?.unwrap_or(MAX_PARALLEL);
        let context = context.unwrap_or(USUAL_CONTEXT);
        let batch = keys.number("batchSize", 1, MAX_BATCH)?.unwrap_or(USUAL_BATCH).max(parallel);
        let kv_type = keys.word("kvType", "f16", &KV_TYPES)?;
        let flash_attention = keys.flash_attention()?;
        let quantised = !matches!(kv_type, KvCacheType::F16 | KvCacheType::F32 | KvCacheType::BF16);
        if quantised && flash_attention == 0 {
            let problem = "kvType: a quantised cache needs flashAttention, which is turned off";
            return Err(Failure::model(problem));
        }
        Ok(Self {
            context,
            gpu_layers: keys.gpu_layers()?,
            kv_type,
            flash_attention,
            parallel,
            batch: batch.min(context.max(1)),
            threads: keys.number("threads", 1, MAX_THREADS)?.unwrap_or_else(all_threads),
            embedding: keys.yes_no("embedding")?,
            pooling: keys.optional_word("pooling", &POOLINGS)?,
            mmap: keys.yes_no("mmap")?.unwrap_or(true),
            chat_template: keys.text("chatTemplate")?,
            template_kwargs: keys.object("chatTemplateKwargs")?,
            split_reasoning: keys.word("reasoningFormat", "auto", &REASONING)?,
        })
    }
}

const KV_TYPES: [(&str, KvCacheType); 9] = [
    ("f16", KvCacheType::F16),
    ("f32", KvCacheType::F32),
    ("bf16", KvCacheType::BF16),
    ("q8_0", KvCacheType::Q8_0),
    ("q5_1", KvCacheType::Q5_1),
    ("q5_0", KvCacheType::Q5_0),
    ("q4_1", KvCacheType::Q4_1),
    ("q4_0", KvCacheType::Q4_0),
    ("iq4_nl", KvCacheType::IQ4_NL),
];
const POOLINGS: [(&str, LlamaPoolingType); 3] =
    [("mean", LlamaPoolingType::Mean), ("cls", LlamaPoolingType::Cls), ("last", LlamaPoolingType::Last)];
const REASONING: [(&str, bool); 3] = [("auto", true), ("deepseek", true), ("none", false)];

fn all_threads() -> u32 {
    engine_protocol::harness::threads() as u32
}

struct Keys<'a>(&'a Map<String, Value>);

impl Keys<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn number(&self, key: &str, least: u32, most: u32) -> Result<Option<u32>, Failure> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(wrong(key, value, &format!("a whole number within {least} to {most}"))),
        }
    }

    fn yes_no(&self, key: &str) -> Result<Option<bool>, Failure> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong(key, value, "true or false"))
    }

    fn text(&self, key: &str) -> Result<Option<String>, Failure> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| wrong(key, value, "a text"))
    }

    fn object(&self, key: &str) -> Result<Map<String, Value>, Failure> {
        let Some(value) = self.get(key) else { return Ok(Map::new()) };
        value.as_object().cloned().ok_or_else(|| wrong(key, value, "an object"))
    }

    fn word<T: Copy>(&self, key: &str, usual: &str, words: &[(&str, T)]) -> Result<T, Failure> {
        match self.optional_word(key, words)? {
            Some(found) => Ok(found),
            None => {
                Ok(words.iter().find(|(word, _)| *word == usual).expect("the usual word is one of them").1)
            }
        }
    }

    fn optional_word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, Failure> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = value.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
        let all = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        found
            .map(|(_, meaning)| Some(*meaning))
            .ok_or_else(|| wrong(key, value, &format!("one of {}", all())))
    }

    fn gpu_layers(&self) -> Result<u32, Failure> {
        let key = "gpuLayers";
        match self.get(key) {
            None => Ok(ALL_LAYERS),
            Some(value) if value.as_i64() == Some(-1) || value.as_str() == Some("all") => Ok(ALL_LAYERS),
            Some(_) => Ok(self.number(key, 0, ALL_LAYERS)?.unwrap_or(ALL_LAYERS)),
        }
    }

    fn flash_attention(&self) -> Result<i32, Failure> {
        let key = "flashAttention";
        let words = [("auto", -1), ("off", 0), ("on", 1)];
        match self.get(key) {
            Some(Value::Bool(yes)) => Ok(i32::from(*yes)),
            _ => self.word(key, "auto", &words),
        }
    }
}

fn wrong(key: &str, value: &Value, wanted: &str) -> Failure {
    Failure::model(format!("{key}: `{value}` is not {wanted}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(more: &Value) -> Result<Options, String> {
        Options::read(more.as_object().unwrap()).map_err(|failure| failure.message)
    }

    #[test]
    fn nothing_said_is_the_usual() {
        let options = read(&json!({"unknown": [1], "contextSize": null})).unwrap();
        assert_eq!(
            (options.context, options.parallel, options.batch),
            (USUAL_CONTEXT, MAX_PARALLEL, USUAL_BATCH)
        );
        assert!(options.mmap && options.split_reasoning && options.embedding.is_none());
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        for (key, value) in [
            ("contextSize", json!("big")),
            ("gpuLayers", json!(-2)),
            ("kvType", json!("q9")),
            ("flashAttention", json!("maybe")),
            ("parallel", json!(0)),
            ("batchSize", json!(1.5)),
            ("threads", json!(0)),
            ("embedding", json!("yes")),
            ("pooling", json!("max")),
            ("mmap", json!(1)),
            ("chatTemplate", json!(7)),
            ("chatTemplateKwargs", json!([])),
            ("reasoningFormat", json!("loud")),
        ] {
            let problem = read(&json!({ key: value })).unwrap_err();
            assert!(problem.starts_with(&format!("{key}: ")), "{problem}");
        }
        assert!(
            read(&json!({"kvType": "q8_0", "flashAttention": false})).unwrap_err().contains("flashAttention")
        );
    }

    #[test]
    fn words_are_understood() {
        let options =
            read(&json!({"gpuLayers": "all", "flashAttention": true, "kvType": "q8_0", "pooling": "last"}));
        let options = options.unwrap();
        assert_eq!((options.gpu_layers, options.flash_attention), (ALL_LAYERS, 1));
        assert_eq!((options.kv_type, options.pooling), (KvCacheType::Q8_0, Some(LlamaPoolingType::Last)));
    }
}
