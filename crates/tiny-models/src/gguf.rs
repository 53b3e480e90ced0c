//! GGUF files for llama.cpp: language models of about half a megabyte, models for embeddings, and a vision projector.

mod language;
mod merges;
mod vision;
mod writer;

pub use language::{Architecture, CHATML, LanguageModel, Pooling, Size};
pub use merges::{SPECIAL_TOKENS, Vocabulary, vocabulary};
pub use vision::VisionProjector;
pub use writer::{GgufWriter, Meta};
