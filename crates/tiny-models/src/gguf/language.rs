//! Language models with random weights.

use std::io;
use std::path::Path;

use super::merges::vocabulary;
use super::writer::{GgufWriter, Meta};
use crate::Weights;

/// A family of models that llama.cpp knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// With norms on queries and keys.
    Qwen3,
    /// The plain one.
    Llama,
}

impl Architecture {
    fn as_str(self) -> &'static str {
        match self {
            Self::Qwen3 => "qwen3",
            Self::Llama => "llama",
        }
    }
}

/// How an embedding model makes one vector of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The mean of all.
    Mean,
    /// The last one.
    Last,
}

/// The sides of a model's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Numbers for each token.
    pub embedding: usize,
    /// Layers.
    pub blocks: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Numbers for each head.
    pub head: usize,
    /// The width of the feed-forward part.
    pub feed_forward: usize,
}

impl Size {
    /// About 0.5 MB.
    pub const TINY: Self =
        Self { embedding: 64, blocks: 2, heads: 4, kv_heads: 2, head: 16, feed_forward: 160 };
    /// About 100 MB: large enough that computing, not bookkeeping, takes the time.
    pub const BENCH: Self =
        Self { embedding: 512, blocks: 8, heads: 8, kv_heads: 4, head: 64, feed_forward: 1536 };
}

/// What to write; [`LanguageModel::default`] is a small Qwen3 with a ChatML template.
#[derive(Debug, Clone)]
pub struct LanguageModel {
    /// The family.
    pub architecture: Architecture,
    /// Of the weights.
    pub seed: u64,
    /// Tokens that the model says it was trained for.
    pub context: u32,
    /// Jinja; `None` leaves the model without one.
    pub chat_template: Option<String>,
    /// Makes it an embedding model.
    pub pooling: Option<Pooling>,
    /// The sides of its tensors.
    pub size: Size,
}

/// ChatML without tools.
pub const CHATML: &str = "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content \
    + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";
/// Epsilon of the norms.
const EPSILON: f32 = 1e-6;
/// Base of the rotary positions.
const ROPE_BASE: f32 = 10_000.0;
/// `LLAMA_FTYPE_ALL_F32`.
const FILE_TYPE_F32: u32 = 0;

impl Default for LanguageModel {
    fn default() -> Self {
        Self {
            architecture: Architecture::Qwen3,
            seed: 7,
            context: 2048,
            chat_template: Some(CHATML.to_owned()),
            pooling: None,
            size: Size::TINY,
        }
    }
}

impl LanguageModel {
    /// The whole file.
    pub fn bytes(&self) -> Vec<u8> {
        self.writer().bytes()
    }

    /// The model in two files.
    pub fn halves(&self) -> [Vec<u8>; 2] {
        self.writer().halves()
    }

    fn writer(&self) -> GgufWriter {
        let mut writer = GgufWriter::default();
        self.header(&mut writer);
        self.tokenizer(&mut writer);
        self.tensors(&mut writer);
        writer
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, self.bytes())
    }

    fn header(&self, writer: &mut GgufWriter) {
        let arch = self.architecture.as_str();
        let size = self.size;
        writer.meta("general.architecture", Meta::Text(arch.to_owned()));
        writer.meta("general.name", Meta::Text("tiny-random".to_owned()));
        writer.meta("general.file_type", Meta::U32(FILE_TYPE_F32));
        let mut number = |key: &str, value: usize| {
            writer.meta(format!("{arch}.{key}"), Meta::U32(value as u32));
        };
        number("context_length", self.context as usize);
        number("embedding_length", size.embedding);
        number("block_count", size.blocks);
        number("feed_forward_length", size.feed_forward);
        number("attention.head_count", size.heads);
        number("attention.head_count_kv", size.kv_heads);
        number("attention.key_length", size.head);
        number("attention.value_length", size.head);
        number("rope.dimension_count", size.head);
        number("vocab_size", vocabulary().tokens.len());
        if let Some(pooling) = self.pooling {
            number("pooling_type", if pooling == Pooling::Mean { 1 } else { 3 });
        }
        writer.meta(format!("{arch}.attention.layer_norm_rms_epsilon"), Meta::F32(EPSILON));
        writer.meta(format!("{arch}.rope.freq_base"), Meta::F32(ROPE_BASE));
    }

    fn tokenizer(&self, writer: &mut GgufWriter) {
        let known = vocabulary();
        let id = |token: &str| Meta::U32(known.id(token).unwrap_or_default());
        writer.meta("tokenizer.ggml.model", Meta::Text("gpt2".to_owned()));
        writer.meta("tokenizer.ggml.pre", Meta::Text("qwen2".to_owned()));
        writer.meta("tokenizer.ggml.eos_token_id", id("<|im_end|>"));
        writer.meta("tokenizer.ggml.padding_token_id", id("<|endoftext|>"));
        writer.meta("tokenizer.ggml.add_bos_token", Meta::Bool(false));
        if let Some(template) = &self.chat_template {
            writer.meta("tokenizer.chat_template", Meta::Text(template.clone()));
        }
        writer.meta("tokenizer.ggml.tokens", Meta::Texts(known.tokens));
        writer.meta("tokenizer.ggml.token_type", Meta::I32s(known.types));
        writer.meta("tokenizer.ggml.merges", Meta::Texts(known.merges));
    }

    fn tensors(&self, writer: &mut GgufWriter) {
        let Size { embedding, blocks, heads, kv_heads, head, feed_forward } = self.size;
        let tokens = vocabulary().tokens.len();
        // As a trained layer would: the output's deviation is that of the input.
        let mut matrix = |name: String, inputs: usize, outputs: usize| {
            let deviation = 1.0 / (inputs as f32).sqrt();
            let data = Weights::for_tensor(self.seed, &name).tensor(inputs * outputs, deviation);
            writer.tensor(name, &[inputs, outputs], data);
        };
        matrix("output.weight".to_owned(), embedding, tokens);
        for block in 0..blocks {
            let name = |part: &str| format!("blk.{block}.{part}.weight");
            matrix(name("attn_q"), embedding, heads * head);
            matrix(name("attn_k"), embedding, kv_heads * head);
            matrix(name("attn_v"), embedding, kv_heads * head);
            matrix(name("attn_output"), heads * head, embedding);
            matrix(name("ffn_gate"), embedding, feed_forward);
            matrix(name("ffn_up"), embedding, feed_forward);
            matrix(name("ffn_down"), feed_forward, embedding);
        }
        let name = "token_embd.weight";
        let data = Weights::for_tensor(self.seed, name).tensor(embedding * tokens, 1.0);
        writer.tensor(name, &[embedding, tokens], data);
        let mut norm = |name: String, length: usize| {
            writer.tensor(name, &[length], vec![1.0; length]);
        };
        norm("output_norm.weight".to_owned(), embedding);
        for block in 0..blocks {
            norm(format!("blk.{block}.attn_norm.weight"), embedding);
            norm(format!("blk.{block}.ffn_norm.weight"), embedding);
            if self.architecture == Architecture::Qwen3 {
                norm(format!("blk.{block}.attn_q_norm.weight"), head);
                norm(format!("blk.{block}.attn_k_norm.weight"), head);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_small_and_the_same_each_time() {
        let model = LanguageModel::default();
        let bytes = model.bytes();
        assert_eq!(bytes, model.bytes());
        assert!((400_000..700_000).contains(&bytes.len()), "{} bytes", bytes.len());
        let other = LanguageModel { seed: 8, ..LanguageModel::default() };
        assert_ne!(bytes, other.bytes());
    }
}
