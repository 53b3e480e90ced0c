//! Speech to text.

use std::mem::zeroed;
use std::ptr;

use engine_protocol::Failure;
use serde::Deserialize;
use sherpa_onnx_sys as sys;

use super::texts::Texts;
use super::{count, text};
use crate::model::{Family, Model};

/// What nearly every model wants; the library resamples and sizes its features by the model's own metadata otherwise.
pub(crate) const RATE: u32 = 16_000;
const FEATURES: i32 = 80;
/// The library's own defaults.
const MAX_ACTIVE_PATHS: i32 = 4;
const MAX_ACTIVE_STATES: i32 = 3_000;
const LANGUAGE_MODEL_SCALE: f32 = 1.0;
/// The library's choice.
const TAIL_PADDINGS: i32 = -1;

unsafe extern "C" {
    /// The bindings lack it. Only Whisper's own part of the configuration is taken.
    fn SherpaOnnxOfflineRecognizerSetConfig(
        recognizer: *const sys::OfflineRecognizer,
        config: *const sys::OfflineRecognizerConfig,
    );
}

/// A loaded transcriber.
#[derive(Debug)]
pub(crate) struct Listener {
    handle: *const sys::OfflineRecognizer,
    /// What it is set up for.
    request: Request,
}

/// What a job may ask a transcriber for; what a family cannot do is left out by its caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Of the speech; empty: detected.
    pub(crate) language: String,
    /// Into English.
    pub(crate) translate: bool,
    /// Start and end of sentences; Whisper only, the others always have times.
    pub(crate) segments: bool,
    /// Times of tokens; Whisper with attention only.
    pub(crate) tokens: bool,
}

/// What was heard in one piece of a recording; times in seconds from the start of the piece.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) lang: String,
    pub(crate) tokens: Vec<String>,
    pub(crate) timestamps: Vec<f64>,
    pub(crate) durations: Vec<f64>,
    pub(crate) segment_timestamps: Vec<f64>,
    pub(crate) segment_durations: Vec<f64>,
    pub(crate) segment_texts: Vec<String>,
}

// SAFETY: the handle is used by one thread at a time: everything but `drop` takes `&mut self`.
unsafe impl Send for Listener {}

impl Listener {
    /// Loads a model of a family that listens.
    pub(crate) fn create(model: &Model) -> Result<Self, Failure> {
        let request = Request::default();
        Ok(Self { handle: create(model, &request)?, request })
    }

    /// Makes the next pieces be heard as `request` says.
    pub(crate) fn prepare(&mut self, model: &Model, request: &Request) -> Result<(), Failure> {
        if *request == self.request {
            return Ok(());
        }
        match model.family {
            Family::Whisper => {
                let mut texts = Texts::default();
                let config = config(model, request, &mut texts)?;
                // SAFETY: the handle is live, and Whisper's; the configuration lives until the call returns.
                unsafe { SherpaOnnxOfflineRecognizerSetConfig(self.handle, &raw const config) };
            }
            // The language is fixed when such a model is loaded.
            Family::SenseVoice => {
                let handle = create(model, request)?;
                // SAFETY: the old handle is live, and not used after this.
                unsafe { sys::SherpaOnnxDestroyOfflineRecognizer(self.handle) };
                self.handle = handle;
            }
            Family::Vits
            | Family::Kokoro
            | Family::Kitten
            | Family::Matcha
            | Family::NemoCtc
            | Family::NemoTransducer
            | Family::Transducer
            | Family::Paraformer
            | Family::ZipformerCtc
            | Family::WenetCtc
            | Family::Moonshine => {}
        }
        self.request = request.clone();
        Ok(())
    }

    /// Hears one piece of [`RATE`] samples a second.
    pub(crate) fn hear(&mut self, samples: &[f32]) -> Result<Heard, Failure> {
        let nothing = || Failure::internal("sherpa-onnx gave no result");
        // SAFETY: the handle is live; the stream is freed below, on every way out of the block.
        let json = unsafe {
            let stream = sys::SherpaOnnxCreateOfflineStream(self.handle);
            if stream.is_null() {
                return Err(nothing());
            }
            sys::SherpaOnnxAcceptWaveformOffline(
                stream,
                RATE.cast_signed(),
                samples.as_ptr(),
                count(samples),
            );
            sys::SherpaOnnxDecodeOfflineStream(self.handle, stream);
            let result = sys::SherpaOnnxGetOfflineStreamResultAsJson(stream);
            let json = text(result);
            if !result.is_null() {
                sys::SherpaOnnxDestroyOfflineStreamResultJson(result);
            }
            sys::SherpaOnnxDestroyOfflineStream(stream);
            json
        };
        if json.is_empty() {
            return Err(nothing());
        }
        serde_json::from_str(&json)
            .map_err(|e| Failure::internal(format!("sherpa-onnx's result cannot be read: {e}")))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // SAFETY: the handle is live and is not used after this.
        unsafe { sys::SherpaOnnxDestroyOfflineRecognizer(self.handle) };
    }
}

fn create(model: &Model, request: &Request) -> Result<*const sys::OfflineRecognizer, Failure> {
    let mut texts = Texts::default();
    let config = config(model, request, &mut texts)?;
    // SAFETY: the configuration and its texts live until the call returns.
    let handle = unsafe { sys::SherpaOnnxCreateOfflineRecognizer(&raw const config) };
    if handle.is_null() {
        let family = model.family.word();
        return Err(Failure::model(format!(
            "sherpa-onnx could not load this {family} model, its log says why"
        )));
    }
    Ok(handle)
}

fn config(
    model: &Model,
    request: &Request,
    texts: &mut Texts,
) -> Result<sys::OfflineRecognizerConfig, Failure> {
    // SAFETY: a C struct of numbers and pointers, for which zero means "nothing given".
    let mut config: sys::OfflineRecognizerConfig = unsafe { zeroed() };
    config.feat_config.sample_rate = RATE.cast_signed();
    config.feat_config.feature_dim = FEATURES;
    config.decoding_method = texts.keep("greedy_search")?;
    config.max_active_paths = MAX_ACTIVE_PATHS;
    config.lm_config.scale = LANGUAGE_MODEL_SCALE;
    config.ctc_fst_decoder_config.max_active = MAX_ACTIVE_STATES;
    config.rule_fsts = texts.files(&model.files, "rule-fsts")?;
    config.rule_fars = texts.files(&model.files, "rule-fars")?;
    let parts = &mut config.model_config;
    parts.tokens = texts.files(&model.files, "tokens")?;
    parts.num_threads = model.settings.threads;
    parts.provider = texts.keep(&model.settings.provider)?;
    let main = texts.files(&model.files, "model")?;
    let (encoder, decoder) = (texts.files(&model.files, "encoder")?, texts.files(&model.files, "decoder")?);
    match model.family {
        Family::Whisper => {
            parts.whisper = sys::OfflineWhisperModelConfig {
                encoder,
                decoder,
                language: texts.keep(&request.language)?,
                task: texts.keep(if request.translate { "translate" } else { "transcribe" })?,
                tail_paddings: TAIL_PADDINGS,
                enable_token_timestamps: i32::from(request.tokens),
                enable_segment_timestamps: i32::from(request.segments),
            };
        }
        Family::NemoTransducer | Family::Transducer => {
            let joiner = texts.files(&model.files, "joiner")?;
            parts.transducer = sys::OfflineTransducerModelConfig { encoder, decoder, joiner };
            if model.family == Family::NemoTransducer {
                parts.model_type = texts.keep("nemo_transducer")?;
            }
        }
        Family::SenseVoice => {
            let language = texts.keep(&request.language)?;
            parts.sense_voice = sys::OfflineSenseVoiceModelConfig { model: main, language, use_itn: 1 };
        }
        Family::Moonshine => {
            parts.moonshine = sys::OfflineMoonshineModelConfig {
                preprocessor: texts.files(&model.files, "preprocessor")?,
                encoder,
                uncached_decoder: texts.files(&model.files, "uncached-decoder")?,
                cached_decoder: texts.files(&model.files, "cached-decoder")?,
                merged_decoder: texts.files(&model.files, "merged-decoder")?,
            };
        }
        Family::NemoCtc => parts.nemo_ctc.model = main,
        Family::Paraformer => parts.paraformer.model = main,
        Family::ZipformerCtc => parts.zipformer_ctc.model = main,
        Family::WenetCtc => parts.wenet_ctc.model = main,
        Family::Vits | Family::Kokoro | Family::Kitten | Family::Matcha => {
            return Err(Failure::internal(format!("a {} model does not listen", model.family.word())));
        }
    }
    // Null as a path means none.
    debug_assert_ne!(parts.tokens, ptr::null());
    Ok(config)
}
