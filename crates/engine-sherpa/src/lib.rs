//! The sherpa-onnx engine: speech from text, and text from speech.
//!
//! Everything here is behind the feature `sherpa`, which brings the native library.

#[cfg(feature = "sherpa")]
mod engine;
#[cfg(feature = "sherpa")]
mod model;
#[cfg(feature = "sherpa")]
mod native;
#[cfg(feature = "sherpa")]
mod speech;
#[cfg(feature = "sherpa")]
mod transcript;

/// The whole program: serves commands until the daemon is gone.
#[cfg(feature = "sherpa")]
pub fn main() -> std::process::ExitCode {
    engine_protocol::harness::serve(engine::Sherpa::default())
}
