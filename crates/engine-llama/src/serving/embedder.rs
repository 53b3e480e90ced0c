//! Vectors of texts, in a context of their own that exists from the first text on.

use engine_protocol::Failure;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use std::num::NonZeroU32;

use super::Link;
use crate::logs;

/// Texts in one batch.
const MAX_TOGETHER: usize = 8;

/// One job: texts, and the vectors made so far.
#[derive(Debug)]
pub struct Texts {
    tokens: Vec<Vec<LlamaToken>>,
    pub(super) vectors: Vec<Vec<f32>>,
    pub(super) link: Link,
}

impl Texts {
    /// Nothing is done yet.
    pub fn new(tokens: Vec<Vec<LlamaToken>>, link: Link) -> Self {
        Self { tokens, vectors: Vec::new(), link }
    }
}

/// Makes the vectors.
pub struct Embedder<'m> {
    context: Option<LlamaContext<'m>>,
    /// Tokens of one batch, and so of one text.
    size: u32,
    threads: i32,
    pooling: LlamaPoolingType,
}

impl<'m> Embedder<'m> {
    pub fn new(size: u32, threads: u32, pooling: LlamaPoolingType) -> Self {
        Self { context: None, size, threads: threads.cast_signed(), pooling }
    }

    /// Makes some of the vectors; whether all are made.
    pub fn some(&mut self, model: &'m LlamaModel, texts: &mut Texts) -> Result<bool, Failure> {
        let (size, mut tokens, mut count) = (self.size as usize, 0, 0);
        let mut batch = LlamaBatch::new(size, 1);
        for text in texts.tokens.iter().skip(texts.vectors.len()).take(MAX_TOGETHER) {
            if tokens + text.len() > size {
                break;
            }
            batch
                .add_sequence(text, count, true)
                .map_err(|problem| Failure::internal(format!("embed: {problem}")))?;
            tokens += text.len();
            count += 1;
        }
        if count == 0 {
            return Ok(true);
        }
        let context = self.context(model)?;
        context.clear_kv_cache();
        context
            .decode(&mut batch)
            .map_err(|problem| Failure::internal(format!("embed: {problem}; {}", logs::take_errors())))?;
        for sequence in 0..count {
            let vector = context.embeddings_seq_ith(sequence);
            let vector = vector.map_err(|_| Failure::internal("embed: llama.cpp gave no vector"))?;
            texts.vectors.push(normalised(vector));
        }
        texts.link.say(super::News::Alive);
        Ok(texts.vectors.len() == texts.tokens.len())
    }

    fn context(&mut self, model: &'m LlamaModel) -> Result<&mut LlamaContext<'m>, Failure> {
        if self.context.is_none() {
            let params = LlamaContextParams::default()
                .with_n_ctx(NonZeroU32::new(self.size))
                .with_n_batch(self.size)
                .with_n_ubatch(self.size)
                .with_n_seq_max(MAX_TOGETHER as u32)
                .with_kv_unified(true)
                .with_n_threads(self.threads)
                .with_n_threads_batch(self.threads)
                .with_embeddings(true)
                .with_pooling_type(self.pooling);
            let backend = super::loading::backend()?;
            let context = model.new_context(backend, params);
            let context = context.map_err(|_| {
                Failure::memory(format!("embed: there is no room for a context: {}", logs::take_errors()))
            })?;
            self.context = Some(context);
        }
        self.context.as_mut().ok_or_else(|| Failure::internal("embed: there is no context"))
    }
}

/// Of length 1, so that a dot product compares two.
fn normalised(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if length == 0.0 {
        return vector.to_vec();
    }
    vector.iter().map(|x| (f64::from(*x) / length) as f32).collect()
}
