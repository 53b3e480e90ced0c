//! What `llama-bench` and `llama-batched-bench` time, without them: the crate leaves their source out.

use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Instant;

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;

/// Tokens before those that are timed, as a short prompt.
pub const PROMPT: u32 = 16;

/// A loaded model.
pub struct Bare {
    backend: LlamaBackend,
    model: LlamaModel,
    threads: i32,
}

impl Bare {
    pub fn load(path: &Path, threads: u32) -> io::Result<Self> {
        let mut backend = LlamaBackend::init().map_err(io::Error::other)?;
        backend.void_logs();
        let model = LlamaModel::load_from_file(&backend, path, &LlamaModelParams::default())
            .map_err(io::Error::other)?;
        Ok(Self { backend, model, threads: threads.cast_signed() })
    }

    /// Tokens a second of all streams together.
    pub fn generate(&self, streams: usize, tokens: u32) -> io::Result<f64> {
        let cells = (PROMPT + tokens) * streams as u32;
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(cells))
            .with_n_seq_max(streams as u32)
            .with_kv_unified(true)
            .with_n_threads(self.threads)
            .with_n_threads_batch(self.threads)
            .with_no_perf(true);
        let mut context = self.model.new_context(&self.backend, params).map_err(io::Error::other)?;
        let mut batch = LlamaBatch::new(streams, 1);
        let mut started = Instant::now();
        for position in 0..PROMPT + tokens {
            if position == PROMPT {
                started = Instant::now();
            }
            batch.clear();
            for stream in 0..streams as u32 {
                // Any token will do, but not the same for all.
                let token = (position * 31 + stream * 17) % self.model.n_vocab().cast_unsigned();
                batch
                    .add(
                        LlamaToken(token.cast_signed()),
                        position.cast_signed(),
                        &[stream.cast_signed()],
                        true,
                    )
                    .map_err(io::Error::other)?;
            }
            context.decode(&mut batch).map_err(io::Error::other)?;
            context.synchronize();
        }
        Ok(f64::from(tokens) * streams as f64 / started.elapsed().as_secs_f64())
    }
}
