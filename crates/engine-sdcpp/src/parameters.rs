//! How a picture was made, kept inside of it.
//!
//! As text in the form that most tools of this field read (`parameters` of a PNG, the EXIF user comment elsewhere), and
//! as JSON, which [`read_parameters`] reads back (`studio` of a PNG, the EXIF description elsewhere).

mod exif;
mod png;

use std::fmt::Write;

use img_parts::{Bytes, DynImage, ImageEXIF};
use serde::{Deserialize, Serialize};

/// What a picture was made from; the same values and the same model give it again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameters {
    /// What to show.
    pub prompt: String,
    /// What to avoid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// Of the first picture, as the job stated it or as the engine picked it.
    pub seed: u64,
    /// Denoising steps.
    pub steps: u32,
    /// The sampler's name in stable-diffusion.cpp.
    pub sampler: String,
    /// The noise schedule's name in stable-diffusion.cpp.
    pub scheduler: String,
    /// Classifier-free guidance.
    pub cfg_scale: f64,
    /// Distilled guidance, where it was stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance: Option<f64>,
    /// Time shift, where it was stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_shift: Option<f64>,
    /// Noise of ancestral samplers, where it was stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<f64>,
    /// Layers of CLIP, where they were stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_skip: Option<u32>,
    /// Strength, when it was made from another picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denoise: Option<f64>,
    /// Fine-tunes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<LoraWeight>,
    /// Pictures of successive seeds in this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_count: Option<u32>,
    /// Pixels of one picture.
    pub width: u32,
    /// Pixels of one picture.
    pub height: u32,
    /// The model's name in its studio.
    pub model: String,
    /// SHA-256 of the model's main file, where its source states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_hash: Option<String>,
    /// The engine with its version.
    pub engine: String,
}

/// A fine-tune that took part.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LoraWeight {
    /// The file's name without its extension.
    pub name: String,
    /// 1 is as it was trained.
    pub weight: f64,
}

/// Why parameters could not be put into a picture.
#[derive(Debug)]
pub enum EmbedError {
    /// Neither PNG nor JPEG nor WebP.
    Format,
    /// The picture's file is broken.
    Picture(img_parts::Error),
}

impl std::fmt::Display for EmbedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Format => write!(f, "neither PNG nor JPEG nor WebP"),
            Self::Picture(problem) => write!(f, "not a whole picture: {problem}"),
        }
    }
}

impl std::error::Error for EmbedError {}

/// Digits of a hash in the text form: what other tools show.
const SHORT_HASH: usize = 10;

impl Parameters {
    /// The form that most tools of this field read.
    pub fn text(&self) -> String {
        let mut text = self.prompt.clone();
        // Writing to a string cannot fail.
        if let Some(negative) = self.negative_prompt.as_deref().filter(|text| !text.is_empty()) {
            let _ = write!(text, "\nNegative prompt: {negative}");
        }
        let _ = write!(
            text,
            "\nSteps: {}, Sampler: {}, Schedule type: {}, CFG scale: {}, Seed: {}, Size: {}x{}",
            self.steps, self.sampler, self.scheduler, self.cfg_scale, self.seed, self.width, self.height
        );
        if let Some(hash) = &self.model_hash {
            let _ = write!(text, ", Model hash: {}", hash.get(..SHORT_HASH).unwrap_or(hash));
        }
        let _ = write!(text, ", Model: {}", self.model);
        let numbers = [
            ("Denoising strength", self.denoise),
            ("Clip skip", self.clip_skip.map(f64::from)),
            ("Distilled CFG Scale", self.guidance),
            ("Shift", self.flow_shift),
            ("Eta", self.eta),
            ("Batch size", self.batch_count.map(f64::from)),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                let _ = write!(text, ", {name}: {number}");
            }
        }
        for lora in &self.loras {
            let _ = write!(text, ", Lora {}: {}", lora.name, lora.weight);
        }
        let _ = write!(text, ", Version: {}", self.engine);
        text
    }

    /// JSON in ASCII, so that it fits where only that is allowed.
    fn ascii_json(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        let mut ascii = String::with_capacity(json.len());
        for c in json.chars() {
            if c.is_ascii() {
                ascii.push(c);
            } else {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(ascii, "\\u{unit:04x}");
                }
            }
        }
        ascii
    }

    /// With prompts of at most so many characters.
    fn cut(&self, chars: usize) -> Self {
        let cut = |text: &String| text.chars().take(chars).collect();
        let negative_prompt = self.negative_prompt.as_ref().map(cut);
        Self { prompt: cut(&self.prompt), negative_prompt, ..self.clone() }
    }
}

/// The picture with its parameters inside, otherwise the same.
pub fn embed_parameters(picture: Vec<u8>, parameters: &Parameters) -> Result<Vec<u8>, EmbedError> {
    let picture = DynImage::from_bytes(Bytes::from(picture)).map_err(EmbedError::Picture)?;
    let picture = match picture.ok_or(EmbedError::Format)? {
        DynImage::Png(mut picture) => {
            png::put(&mut picture, "parameters", &parameters.text());
            png::put(&mut picture, "studio", &parameters.ascii_json());
            DynImage::Png(picture)
        }
        mut other @ (DynImage::Jpeg(_) | DynImage::WebP(_)) => {
            other.set_exif(Some(Bytes::from(fitting_exif(parameters))));
            other
        }
    };
    Ok(picture.encoder().bytes().to_vec())
}

/// The parameters of a picture that [`embed_parameters`] wrote.
pub fn read_parameters(picture: &[u8]) -> Option<Parameters> {
    let json = match DynImage::from_bytes(Bytes::copy_from_slice(picture)).ok()?? {
        DynImage::Png(picture) => png::get(&picture, "studio")?,
        other @ (DynImage::Jpeg(_) | DynImage::WebP(_)) => exif::read(&other.exif()?)?.description,
    };
    serde_json::from_str(&json).ok()
}

/// The same in the text form, also of pictures that other tools wrote into a PNG's `parameters`.
pub fn read_text(picture: &[u8]) -> Option<String> {
    match DynImage::from_bytes(Bytes::copy_from_slice(picture)).ok()?? {
        DynImage::Png(picture) => png::get(&picture, "parameters"),
        other @ (DynImage::Jpeg(_) | DynImage::WebP(_)) => Some(exif::read(&other.exif()?)?.comment),
    }
}

/// The most that a segment of a JPEG holds, less its own head.
const MAX_EXIF_BYTES: usize = 65_000;

/// EXIF with prompts cut until it fits; a cut prompt ends early and is otherwise true.
fn fitting_exif(parameters: &Parameters) -> Vec<u8> {
    let write = |parameters: &Parameters| exif::write(&parameters.ascii_json(), &parameters.text());
    let whole = write(parameters);
    let mut chars = 8_192;
    let mut fitting = whole;
    while fitting.len() > MAX_EXIF_BYTES && chars > 0 {
        fitting = write(&parameters.cut(chars));
        chars /= 2;
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Parameters {
        Parameters {
            prompt: "a cat, на луне 🐈".to_owned(),
            negative_prompt: Some("blurry".to_owned()),
            seed: u64::MAX,
            steps: 8,
            sampler: "euler".to_owned(),
            scheduler: "discrete".to_owned(),
            cfg_scale: 1.5,
            width: 640,
            height: 512,
            model: "z-image".to_owned(),
            model_hash: Some("0123456789abcdef".repeat(4)),
            engine: "engine 1".to_owned(),
            loras: vec![LoraWeight { name: "style".to_owned(), weight: 0.5 }],
            ..Parameters::default()
        }
    }

    #[test]
    fn the_text_is_what_other_tools_read() {
        let text = sample().text();
        let expected = "a cat, на луне 🐈\nNegative prompt: blurry\nSteps: 8, Sampler: euler, Schedule type: discrete, \
                        CFG scale: 1.5, Seed: 18446744073709551615, Size: 640x512, Model hash: 0123456789, \
                        Model: z-image, Lora style: 0.5, Version: engine 1";
        assert_eq!(text, expected);
    }

    #[test]
    fn json_in_ascii_reads_back() {
        let json = sample().ascii_json();
        assert!(json.is_ascii(), "{json}");
        assert_eq!(serde_json::from_str::<Parameters>(&json).unwrap(), sample());
    }

    #[test]
    fn a_prompt_that_no_segment_holds_is_cut() {
        let long = Parameters { prompt: "я".repeat(100_000), ..sample() };
        let exif = fitting_exif(&long);
        assert!(exif.len() <= MAX_EXIF_BYTES);
        let kept: Parameters = serde_json::from_str(&exif::read(&exif).unwrap().description).unwrap();
        assert!(kept.prompt.len() > 2_000 && long.prompt.starts_with(&kept.prompt));
        assert_eq!(kept.seed, long.seed);
    }

    #[test]
    fn what_is_no_picture_is_said() {
        assert!(matches!(embed_parameters(b"GIF89a".to_vec(), &sample()), Err(EmbedError::Format)));
        assert_eq!(read_parameters(b"\x89PNG\r\n\x1a\n"), None);
        assert_eq!(read_parameters(b""), None);
    }
}
