//! The families of models: which files each needs, and how one is told from another.

use std::collections::BTreeMap;
use std::fs;

use engine_protocol::Failure;

use super::files::{Files, damaged};
use super::onnx::{Head, Metadata};
use super::settings::Settings;

/// A kind of model that sherpa-onnx runs and this engine knows how to set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Vits,
    Kokoro,
    Kitten,
    Matcha,
    Whisper,
    NemoCtc,
    NemoTransducer,
    Transducer,
    SenseVoice,
    Paraformer,
    ZipformerCtc,
    WenetCtc,
    Moonshine,
}

use Family::{
    Kitten, Kokoro, Matcha, Moonshine, NemoCtc, NemoTransducer, Paraformer, SenseVoice, Transducer, Vits,
    WenetCtc, Whisper, ZipformerCtc,
};

const ALL: &[Family] = &[
    Vits,
    Kokoro,
    Kitten,
    Matcha,
    Whisper,
    NemoCtc,
    NemoTransducer,
    Transducer,
    SenseVoice,
    Paraformer,
    ZipformerCtc,
    WenetCtc,
    Moonshine,
];

impl Family {
    /// The word of `family` in a model's defaults.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Vits => "vits",
            Kokoro => "kokoro",
            Kitten => "kitten",
            Matcha => "matcha",
            Whisper => "whisper",
            NemoCtc => "nemo-ctc",
            NemoTransducer => "nemo-transducer",
            Transducer => "transducer",
            SenseVoice => "sense-voice",
            Paraformer => "paraformer",
            ZipformerCtc => "zipformer-ctc",
            WenetCtc => "wenet-ctc",
            Moonshine => "moonshine",
        }
    }

    /// Whether it turns text into speech.
    pub(crate) fn speaks(self) -> bool {
        matches!(self, Vits | Kokoro | Kitten | Matcha)
    }

    /// The role of the file that says most of the model.
    pub(crate) fn main_role(self) -> &'static str {
        match self {
            Vits | Kokoro | Kitten | Matcha | NemoCtc | SenseVoice | Paraformer | ZipformerCtc | WenetCtc => {
                "model"
            }
            Whisper | NemoTransducer | Transducer | Moonshine => "encoder",
        }
    }

    fn needed_roles(self) -> &'static [&'static str] {
        match self {
            Vits | NemoCtc | SenseVoice | Paraformer | ZipformerCtc | WenetCtc => &["model", "tokens"],
            // Since sherpa-onnx 2 words become phonemes by a lexicon only.
            Kokoro | Kitten => &["model", "voices", "tokens", "lexicon"],
            Matcha => &["model", "vocoder", "tokens", "lexicon"],
            Whisper => &["encoder", "decoder", "tokens"],
            NemoTransducer | Transducer => &["encoder", "decoder", "joiner", "tokens"],
            Moonshine => &["encoder", "tokens"],
        }
    }

    /// Without these, in the file of [`Family::main_role`], native code ends the process.
    fn needed_metadata(self) -> &'static [&'static str] {
        match self {
            Vits | Matcha => &["sample_rate"],
            Kokoro => &["sample_rate", "n_speakers", "has_espeak", "style_dim"],
            Whisper => {
                &["n_mels", "n_text_layer", "n_vocab", "sot", "eot", "sot_sequence", "is_multilingual"]
            }
            NemoCtc => &["vocab_size", "subsampling_factor", "normalize_type"],
            NemoTransducer => &["vocab_size", "subsampling_factor", "pred_rnn_layers"],
            SenseVoice | Paraformer => &["vocab_size", "lfr_window_size"],
            Kitten | Transducer | ZipformerCtc | WenetCtc | Moonshine => &[],
        }
    }

    /// Refuses a model that lacks what native code takes for granted.
    pub(super) fn check(self, files: &Files, heads: &BTreeMap<&str, Head>) -> Result<(), Failure> {
        let word = self.word();
        for role in self.needed_roles() {
            if !files.has(role) {
                return Err(Failure::model(format!("a {word} model needs a file of role `{role}`")));
            }
        }
        if self == Moonshine && !files.has("merged-decoder") {
            for role in ["preprocessor", "uncached-decoder", "cached-decoder"] {
                if !files.has(role) {
                    return Err(Failure::model(format!(
                        "a moonshine model needs a file of role `merged-decoder`, or one of role `{role}`"
                    )));
                }
            }
        }
        let metadata = heads.get(self.main_role()).map(|head| &head.metadata);
        // A file in the runtime's own format tells nothing here.
        let Some(metadata) = metadata.filter(|metadata| !metadata.is_empty()) else {
            return if self.needed_metadata().is_empty() { Ok(()) } else { Err(self.no_metadata()) };
        };
        for key in self.needed_metadata() {
            if !metadata.contains_key(*key) {
                return Err(Failure::model(format!(
                    "the file of role `{}` has no metadata `{key}`: it is not a {word} model made for sherpa-onnx",
                    self.main_role()
                )));
            }
        }
        if self == Kokoro {
            check_styles(files, metadata)?;
        }
        if self == Vits && !files.has("lexicon") && !reads_characters(metadata) {
            return Err(Failure::model(
                "this voice reads phonemes and needs a file of role `lexicon` with the phonemes of each word: \
                 sherpa-onnx 2 has no espeak-ng any more",
            ));
        }
        Ok(())
    }

    fn no_metadata(self) -> Failure {
        let (role, word) = (self.main_role(), self.word());
        Failure::model(format!(
            "the file of role `{role}` has no metadata: it is not a {word} model made for sherpa-onnx"
        ))
    }
}

/// The voices' file holds a style for each speaker and each length of a sentence, as floats, and nothing else.
fn check_styles(files: &Files, metadata: &Metadata) -> Result<(), Failure> {
    let numbers = format!("{},{}", metadata["style_dim"], metadata["n_speakers"]);
    let numbers: Option<Vec<u64>> = numbers.split(',').map(|number| number.trim().parse().ok()).collect();
    let Some((path, numbers)) = files.first("voices").zip(numbers) else { return Ok(()) };
    let expected =
        numbers.iter().try_fold(size_of::<f32>() as u64, |product, number| product.checked_mul(*number));
    let found = fs::metadata(path).map_err(|e| damaged(path, &e.to_string()))?.len();
    if expected == Some(found) {
        return Ok(());
    }
    let expected = expected.map_or_else(|| "more than there are".to_owned(), |bytes| bytes.to_string());
    Err(damaged(path, &format!("it has {found} bytes, the model's speakers need {expected}")))
}

fn reads_characters(metadata: &Metadata) -> bool {
    metadata.get("frontend").is_some_and(|frontend| frontend == "characters")
}

/// The family that the model's defaults name, or else the one that its files and their metadata are of.
pub(super) fn of(
    settings: &Settings,
    files: &Files,
    heads: &BTreeMap<&str, Head>,
) -> Result<Family, Failure> {
    let words = || ALL.iter().map(|family| family.word()).collect::<Vec<_>>().join(", ");
    if let Some(word) = &settings.family {
        return ALL.iter().find(|family| family.word() == word).copied().ok_or_else(|| {
            Failure::model(format!(
                "`family` of the model's defaults is `{word}`: it must be one of {}",
                words()
            ))
        });
    }
    let says = |role: &str, key: &str| {
        heads
            .get(role)
            .and_then(|head| head.metadata.get(key))
            .map(|text| text.to_lowercase())
            .unwrap_or_default()
    };
    by_roles(files, &says("encoder", "model_type")).or_else(|| by_type(&says("model", "model_type"))).ok_or_else(|| {
        Failure::model(format!(
            "the family of this model is not known from its files ({}) and the type `{}`: name it in the defaults, `family` is one of {}",
            files.roles(),
            says("model", "model_type"),
            words()
        ))
    })
}

fn by_roles(files: &Files, encoder: &str) -> Option<Family> {
    let has = |roles: &[&str]| roles.iter().all(|role| files.has(role));
    if has(&["encoder", "decoder", "joiner"]) {
        return Some(if encoder.starts_with("encdec") { NemoTransducer } else { Transducer });
    }
    if has(&["merged-decoder"]) || has(&["preprocessor"]) {
        return Some(Moonshine);
    }
    if has(&["encoder", "decoder"]) {
        return Some(Whisper);
    }
    has(&["model", "vocoder"]).then_some(Matcha)
}

fn by_type(word: &str) -> Option<Family> {
    Some(match word {
        "vits" | "melo-vits" => Vits,
        word if word.starts_with("kokoro") => Kokoro,
        word if word.starts_with("kitten") => Kitten,
        word if word.starts_with("matcha") => Matcha,
        word if word.starts_with("encdec") => NemoCtc,
        word if word.starts_with("sense_voice") => SenseVoice,
        word if word.starts_with("paraformer") => Paraformer,
        word if word.starts_with("zipformer2_ctc") => ZipformerCtc,
        word if word.starts_with("wenet_ctc") => WenetCtc,
        _ => return None,
    })
}
