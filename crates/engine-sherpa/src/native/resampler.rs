//! From one rate to another.

use std::slice;

use engine_protocol::Failure;
use sherpa_onnx_sys as sys;

use super::count;

/// A band-limited resampler that is fed in pieces.
#[derive(Debug)]
pub(crate) struct Resampler {
    handle: *const sys::SherpaOnnxLinearResampler,
}

// SAFETY: the handle is used by one thread at a time: everything but `drop` takes `&mut self`.
unsafe impl Send for Resampler {}

/// The filter's width and edge: what sherpa-onnx uses for its own input.
const ZEROS: i32 = 6;
const CUTOFF: f32 = 0.99 * 0.5;
/// Rates of sound; the library ends the process at others.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

impl Resampler {
    pub(crate) fn new(from: u32, to: u32) -> Result<Self, Failure> {
        if !RATES.contains(&from) || !RATES.contains(&to) {
            return Err(Failure::bad_input(format!(
                "sound of {from} samples a second cannot be turned into {to}"
            )));
        }
        let cutoff = CUTOFF * from.min(to) as f32;
        // SAFETY: plain numbers, checked above.
        let handle = unsafe {
            sys::SherpaOnnxCreateLinearResampler(from.cast_signed(), to.cast_signed(), cutoff, ZEROS)
        };
        if handle.is_null() {
            return Err(Failure::internal(format!("sherpa-onnx could not resample from {from} to {to}")));
        }
        Ok(Self { handle })
    }

    /// The next samples; `last` also gives what the filter still holds.
    pub(crate) fn feed(&mut self, samples: &[f32], last: bool) -> Vec<f32> {
        // SAFETY: the handle is live; the result is a valid struct of `n` floats, freed once after the copy.
        unsafe {
            let made = sys::SherpaOnnxLinearResamplerResample(
                self.handle,
                samples.as_ptr(),
                count(samples),
                i32::from(last),
            );
            if made.is_null() {
                return Vec::new();
            }
            let length = usize::try_from((*made).n).unwrap_or(0);
            let resampled = if length == 0 || (*made).samples.is_null() {
                Vec::new()
            } else {
                slice::from_raw_parts((*made).samples, length).to_vec()
            };
            sys::SherpaOnnxLinearResamplerResampleFree(made);
            resampled
        }
    }
}

impl Drop for Resampler {
    fn drop(&mut self) {
        // SAFETY: the handle is live and is not used after this.
        unsafe { sys::SherpaOnnxDestroyLinearResampler(self.handle) };
    }
}
