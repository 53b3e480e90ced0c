//! The only place that calls sherpa-onnx's C interface; nothing unsafe leaves it.
//!
//! Each handle is owned by one value, which frees it when it is dropped.
//! Texts and configurations that are handed over live until the call returns; the library copies what it keeps.

#![expect(unsafe_code, reason = "sherpa-onnx is a C library")]

mod listener;
mod resampler;
mod speaker;
mod texts;
mod vad;

use std::ffi::{CStr, c_char};

use sherpa_onnx_sys as sys;

pub(crate) use listener::{Heard, Listener, RATE, Request};
pub(crate) use resampler::Resampler;
pub(crate) use speaker::Speaker;
pub(crate) use vad::{Vad, WINDOW as VAD_WINDOW};

/// What runs here, for a person.
pub(crate) fn versions() -> String {
    // SAFETY: both return static strings of the library.
    let (sherpa, runtime) =
        unsafe { (text(sys::SherpaOnnxGetVersionStr()), text(sys::SherpaOnnxGetOnnxruntimeVersionStr())) };
    format!("sherpa-onnx {sherpa}, onnxruntime {runtime}")
}

/// SAFETY: `pointer` is null or ends in a zero that the library wrote.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// The library counts in `i32`.
fn count(samples: &[f32]) -> i32 {
    i32::try_from(samples.len()).unwrap_or(i32::MAX)
}
