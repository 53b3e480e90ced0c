//! Voice activity detection with a model of Silero's kind.

use std::mem::zeroed;
use std::slice;

use engine_protocol::Failure;
use sherpa_onnx_sys as sys;

use super::count;
use super::listener::RATE;
use super::texts::Texts;
use crate::model::Model;

/// Samples that the model judges at once.
pub(crate) const WINDOW: usize = 512;
/// Likelihood from which on it is speech.
const THRESHOLD: f32 = 0.5;
/// Seconds: shorter pauses do not end a piece, shorter sounds do not start one.
const MIN_SILENCE: f32 = 0.25;
const MIN_SPEECH: f32 = 0.1;
/// Seconds that the library looks back on: more than the longest piece.
const BUFFER: f32 = 60.0;

/// A loaded detector.
#[derive(Debug)]
pub(crate) struct Vad {
    handle: *const sys::VoiceActivityDetector,
}

// SAFETY: the handle is used by one thread at a time: everything but `drop` takes `&mut self`.
unsafe impl Send for Vad {}

impl Vad {
    /// The model's file of role `vad`, if it has one; pieces are at most `longest` seconds long.
    pub(crate) fn create(model: &Model, longest: f32) -> Result<Option<Self>, Failure> {
        if !model.files.has("vad") {
            return Ok(None);
        }
        let mut texts = Texts::default();
        // SAFETY: a C struct of numbers and pointers, for which zero means "nothing given".
        let mut config: sys::VadModelConfig = unsafe { zeroed() };
        config.silero_vad = sys::SileroVadModelConfig {
            model: texts.files(&model.files, "vad")?,
            threshold: THRESHOLD,
            min_silence_duration: MIN_SILENCE,
            min_speech_duration: MIN_SPEECH,
            window_size: i32::try_from(WINDOW).unwrap_or(0),
            max_speech_duration: longest,
        };
        config.sample_rate = RATE.cast_signed();
        config.num_threads = 1;
        config.provider = texts.keep("cpu")?;
        // SAFETY: the configuration and its texts live until the call returns.
        let handle = unsafe { sys::SherpaOnnxCreateVoiceActivityDetector(&raw const config, BUFFER) };
        if handle.is_null() {
            return Err(Failure::model(
                "sherpa-onnx could not load the file of role `vad`, its log says why",
            ));
        }
        Ok(Some(Self { handle }))
    }

    /// Forgets everything before the next recording.
    pub(crate) fn reset(&mut self) {
        // SAFETY: the handle is live.
        unsafe {
            sys::SherpaOnnxVoiceActivityDetectorReset(self.handle);
            sys::SherpaOnnxVoiceActivityDetectorClear(self.handle);
        }
    }

    /// The next [`WINDOW`] samples.
    pub(crate) fn feed(&mut self, samples: &[f32]) {
        // SAFETY: the handle is live, and so are the samples.
        unsafe {
            sys::SherpaOnnxVoiceActivityDetectorAcceptWaveform(self.handle, samples.as_ptr(), count(samples));
        }
    }

    /// Speech that goes on at the end is a piece as well.
    pub(crate) fn finish(&mut self) {
        // SAFETY: the handle is live.
        unsafe { sys::SherpaOnnxVoiceActivityDetectorFlush(self.handle) };
    }

    /// The next whole piece of speech: its first sample, counted since the reset, and its samples.
    pub(crate) fn next(&mut self) -> Option<(usize, Vec<f32>)> {
        // SAFETY: the handle is live; the piece is a valid struct of `n` floats, freed once after the copy.
        unsafe {
            if sys::SherpaOnnxVoiceActivityDetectorEmpty(self.handle) != 0 {
                return None;
            }
            let front = sys::SherpaOnnxVoiceActivityDetectorFront(self.handle);
            if front.is_null() {
                return None;
            }
            let length = usize::try_from((*front).n).unwrap_or(0);
            let samples = slice::from_raw_parts((*front).samples, length).to_vec();
            let start = usize::try_from((*front).start).unwrap_or(0);
            sys::SherpaOnnxDestroySpeechSegment(front);
            sys::SherpaOnnxVoiceActivityDetectorPop(self.handle);
            Some((start, samples))
        }
    }
}

impl Drop for Vad {
    fn drop(&mut self) {
        // SAFETY: the handle is live and is not used after this.
        unsafe { sys::SherpaOnnxDestroyVoiceActivityDetector(self.handle) };
    }
}
