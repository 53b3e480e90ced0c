//! A model as it lies on disk: its files by role, its family, its settings; checked before native code sees it.
//!
//! The native library ends the process at much of what is wrong with a file; what can be told here is told in words.

mod family;
mod files;
mod onnx;
mod settings;
mod tokens;

use engine_protocol::{Failure, Load};

pub(crate) use family::Family;
pub(crate) use files::Files;
pub(crate) use settings::Settings;

/// Everything that is known of a model before it is loaded.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) family: Family,
    pub(crate) files: Files,
    pub(crate) settings: Settings,
    /// Of [`Family::main_role`], where it has any.
    pub(crate) metadata: onnx::Metadata,
    /// Whether the decoder says what it listened to, so that tokens have times.
    pub(crate) has_attention: bool,
}

/// A decoder without attention has the logits and two caches.
const PLAIN_DECODER_OUTPUTS: usize = 3;

/// Its own metadata does not list them.
const SENSE_VOICE_LANGUAGES: &[&str] = &["auto", "zh", "en", "ja", "ko", "yue"];

impl Model {
    /// Reads and checks what a `load` names.
    pub(crate) fn read(load: &Load) -> Result<Self, Failure> {
        let settings = Settings::read(&load.source.cli_defaults.more)?;
        let files = Files::find(load)?;
        let mut heads = files.onnx_heads()?;
        let family = family::of(&settings, &files, &heads)?;
        family.check(&files, &heads)?;
        if let Some(tokens) = files.first("tokens") {
            tokens::check(tokens)?;
        }
        let has_attention = heads.get("decoder").is_some_and(|head| head.outputs > PLAIN_DECODER_OUTPUTS);
        let metadata = heads.remove(family.main_role()).unwrap_or_default().metadata;
        Ok(Self { family, files, settings, metadata, has_attention })
    }

    /// The languages that the model says it knows, from its own metadata.
    pub(crate) fn languages(&self) -> Vec<&str> {
        if self.family == Family::Whisper {
            if self.is_multilingual() { self.list("all_language_codes") } else { vec!["en"] }
        } else if self.family == Family::SenseVoice {
            SENSE_VOICE_LANGUAGES.to_vec()
        } else {
            Vec::new()
        }
    }

    /// Whether a Whisper model is told languages and can translate.
    pub(crate) fn is_multilingual(&self) -> bool {
        self.metadata.get("is_multilingual").is_some_and(|word| word == "1")
    }

    fn list(&self, key: &str) -> Vec<&str> {
        self.metadata.get(key).map(|list| list.split(',').map(str::trim).collect()).unwrap_or_default()
    }
}
