//! Text to speech.

use std::ffi::{c_char, c_void};
use std::mem::zeroed;
use std::{ptr, slice};

use engine_protocol::Failure;
use sherpa_onnx_sys as sys;

use super::texts::Texts;
use crate::model::{Family, Model};

/// What the library itself uses when its user says nothing.
const NOISE_SCALE: f32 = 0.667;
const NOISE_SCALE_W: f32 = 0.8;
const MATCHA_NOISE_SCALE: f32 = 1.0;
const LENGTH_SCALE: f32 = 1.0;
const SILENCE_SCALE: f32 = 0.2;
const FLOW_STEPS: i32 = 5;
/// Sentences are handed over one by one.
const SENTENCES: i32 = 1;

/// A loaded voice.
#[derive(Debug)]
pub(crate) struct Speaker {
    handle: *const sys::SherpaOnnxOfflineTts,
}

// SAFETY: the handle is used by one thread at a time: everything but `drop` and reads takes `&mut self`.
unsafe impl Send for Speaker {}

impl Speaker {
    /// Loads a model of a family that speaks.
    pub(crate) fn create(model: &Model) -> Result<Self, Failure> {
        let mut texts = Texts::default();
        let config = config(model, &mut texts)?;
        // SAFETY: the configuration and its texts live until the call returns.
        let handle = unsafe { sys::SherpaOnnxCreateOfflineTts(&raw const config) };
        if handle.is_null() {
            let family = model.family.word();
            return Err(Failure::model(format!(
                "sherpa-onnx could not load this {family} model, its log says why"
            )));
        }
        Ok(Self { handle })
    }

    /// Samples a second.
    pub(crate) fn rate(&self) -> u32 {
        // SAFETY: the handle is live.
        let rate = unsafe { sys::SherpaOnnxOfflineTtsSampleRate(self.handle) };
        u32::try_from(rate).unwrap_or(0)
    }

    /// Speakers that the model knows, at least one.
    pub(crate) fn speakers(&self) -> u32 {
        // SAFETY: the handle is live.
        let speakers = unsafe { sys::SherpaOnnxOfflineTtsNumSpeakers(self.handle) };
        u32::try_from(speakers).unwrap_or(0).max(1)
    }

    /// Says `text`; once `go_on` answers no the rest is left out. Nothing comes back for a text without a known sound.
    pub(crate) fn say(
        &mut self,
        text: &str,
        speaker: u32,
        speed: f32,
        mut go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<f32>, Failure> {
        let mut texts = Texts::default();
        let text = texts.keep(text)?;
        let extra = texts.keep("{}")?;
        let config = sys::SherpaOnnxGenerationConfig {
            silence_scale: SILENCE_SCALE,
            speed,
            sid: i32::try_from(speaker).unwrap_or(i32::MAX),
            num_steps: FLOW_STEPS,
            extra,
            ..no_generation()
        };
        let argument = (&raw mut go_on).cast::<c_void>();
        // SAFETY: the handle is live; text, configuration and `go_on` live until the call returns, and `ask` casts
        // the argument back to the type that it has here.
        let audio = unsafe {
            sys::SherpaOnnxOfflineTtsGenerateWithConfig(
                self.handle,
                text,
                &raw const config,
                Some(ask),
                argument,
            )
        };
        if audio.is_null() {
            return Ok(Vec::new());
        }
        // SAFETY: the library returned a valid struct, whose samples are `n` floats; it is freed once, after the copy.
        unsafe {
            let made = &*audio;
            let length = usize::try_from(made.n).unwrap_or(0);
            let samples = if made.samples.is_null() {
                Vec::new()
            } else {
                slice::from_raw_parts(made.samples, length).to_vec()
            };
            sys::SherpaOnnxDestroyOfflineTtsGeneratedAudio(audio);
            Ok(samples)
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        // SAFETY: the handle is live and is not used after this.
        unsafe { sys::SherpaOnnxDestroyOfflineTts(self.handle) };
    }
}

unsafe extern "C" fn ask(_samples: *const f32, _n: i32, _progress: f32, argument: *mut c_void) -> i32 {
    // SAFETY: `say` hands over a pointer to its `go_on`, which outlives the call.
    let go_on = unsafe { &*argument.cast::<&dyn Fn() -> bool>() };
    i32::from(go_on())
}

fn no_generation() -> sys::SherpaOnnxGenerationConfig {
    // SAFETY: a C struct of numbers and pointers, for which zero means "nothing given".
    unsafe { zeroed() }
}

fn config(model: &Model, texts: &mut Texts) -> Result<sys::OfflineTtsConfig, Failure> {
    // SAFETY: a C struct of numbers and pointers, for which zero means "nothing given".
    let mut config: sys::OfflineTtsConfig = unsafe { zeroed() };
    let mut file = |role: &str| -> Result<*const c_char, Failure> { texts.files(&model.files, role) };
    let (main, tokens, lexicon) = (file("model")?, file("tokens")?, file("lexicon")?);
    let (voices, vocoder) = (file("voices")?, file("vocoder")?);
    (config.rule_fsts, config.rule_fars) = (file("rule-fsts")?, file("rule-fars")?);
    config.max_num_sentences = SENTENCES;
    config.silence_scale = SILENCE_SCALE;
    let parts = &mut config.model;
    parts.num_threads = model.settings.threads;
    parts.provider = texts.keep(&model.settings.provider)?;
    match model.family {
        Family::Vits => {
            parts.vits = sys::OfflineTtsVitsModelConfig {
                model: main,
                lexicon,
                tokens,
                noise_scale: NOISE_SCALE,
                noise_scale_w: NOISE_SCALE_W,
                length_scale: LENGTH_SCALE,
                data_dir: ptr::null(),
                dict_dir: ptr::null(),
            };
        }
        Family::Kokoro => {
            parts.kokoro = sys::OfflineTtsKokoroModelConfig {
                model: main,
                voices,
                tokens,
                length_scale: LENGTH_SCALE,
                lexicon,
                data_dir: ptr::null(),
                dict_dir: ptr::null(),
                lang: ptr::null(),
            };
        }
        Family::Kitten => {
            parts.kitten = sys::OfflineTtsKittenModelConfig {
                model: main,
                voices,
                tokens,
                length_scale: LENGTH_SCALE,
                lexicon,
                data_dir: ptr::null(),
            };
        }
        Family::Matcha => {
            parts.matcha = sys::OfflineTtsMatchaModelConfig {
                acoustic_model: main,
                vocoder,
                lexicon,
                tokens,
                noise_scale: MATCHA_NOISE_SCALE,
                length_scale: LENGTH_SCALE,
                data_dir: ptr::null(),
                dict_dir: ptr::null(),
            };
        }
        Family::Whisper
        | Family::NemoCtc
        | Family::NemoTransducer
        | Family::Transducer
        | Family::SenseVoice
        | Family::Paraformer
        | Family::ZipformerCtc
        | Family::WenetCtc
        | Family::Moonshine => {
            return Err(Failure::internal(format!("a {} model does not speak", model.family.word())));
        }
    }
    Ok(config)
}
