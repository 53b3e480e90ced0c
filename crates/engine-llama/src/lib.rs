//! The llama.cpp engine: chat, vision and embeddings on GGUF models.
//!
//! One thread owns llama.cpp's context and computes for all chats at once; the threads of the harness turn tasks into
//! prompts before it and tokens into answers after it.
//! Without the feature `llama` there is nothing here, so that a plain build compiles no C++.

#[cfg(feature = "llama")]
mod answer;
#[cfg(feature = "llama")]
mod engine;
#[cfg(feature = "llama")]
mod files;
#[cfg(feature = "llama")]
pub mod gguf_check;
#[cfg(feature = "llama")]
mod logs;
#[cfg(feature = "llama")]
mod options;
#[cfg(feature = "llama")]
mod prompt;
#[cfg(feature = "llama")]
mod reasoning;
#[cfg(feature = "llama")]
mod sampling;
#[cfg(feature = "llama")]
mod serving;
#[cfg(feature = "llama")]
mod surroundings;
#[cfg(feature = "llama")]
mod template;
#[cfg(feature = "llama")]
mod text;
#[cfg(feature = "llama")]
mod tools;

#[cfg(feature = "llama")]
pub use engine::{NAME, main};
