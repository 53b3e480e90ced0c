//! Tiny models with random weights, written in the real file formats, for tests of the real engines.
//!
//! The numbers come from one generator that is the same in Rust and in `tools/reference`, so that other
//! implementations can be asked what these models answer.

pub mod gguf;
pub mod onnx;
mod weights;
pub mod zimage;

pub use weights::Weights;
