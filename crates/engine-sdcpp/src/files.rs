//! Which file of a model is what.

use std::path::{Path, PathBuf};

use engine_protocol::{Failure, Load};
use studio_protocol::{FileRole, ModelFile};

use crate::check::check;
use crate::sd::FileKind;

/// The files of a model, all looked over.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// What is loaded.
    pub(crate) loaded: Vec<(FileKind, PathBuf)>,
    /// What jobs may name.
    pub(crate) loras: Vec<Lora>,
    /// Of all that is loaded.
    pub(crate) bytes: u64,
    /// Of the main file, where the source states it.
    pub(crate) hash: Option<String>,
}

/// A fine-tune that lies beside the model.
#[derive(Debug, Clone)]
pub(crate) struct Lora {
    /// Without the extension.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The roles that are known, for failures.
const ROLES: &str = "diffusion-model, high-noise-diffusion-model, model, text-encoder, text-encoder-vision, t5xxl, \
                     clip-l, clip-g, clip-vision, vae, taesd, lora";

impl Files {
    /// Finds and checks every file of the model.
    pub(crate) fn find(load: &Load) -> Result<Self, Failure> {
        let Some(dir) = &load.dir else {
            return Err(Failure::model(format!("model `{}` has no folder of files", load.model)));
        };
        let mut files = Self::default();
        for file in &load.source.files {
            files.add(Path::new(dir), file)?;
        }
        let has_main =
            files.loaded.iter().any(|(kind, _)| matches!(kind, FileKind::Model | FileKind::DiffusionModel));
        if !has_main {
            let message = "no file of the role diffusion-model or model";
            return Err(Failure::model(format!("model `{}` has {message}", load.model)));
        }
        Ok(files)
    }

    fn add(&mut self, dir: &Path, file: &ModelFile) -> Result<(), Failure> {
        let name = &file.filename;
        if !file.has_plain_name() {
            return Err(Failure::model(format!("`{}` is no plain file name", crate::names::quoted(name))));
        }
        let path = dir.join(name);
        let bytes = || {
            check(&path).map_err(|problem| Failure::model(format!("file {name} cannot be loaded: {problem}")))
        };
        let kind = match &file.role {
            FileRole::Lora => {
                bytes()?;
                let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(name);
                self.loras.push(Lora { name: stem.to_owned(), path });
                return Ok(());
            }
            FileRole::DiffusionModel => FileKind::DiffusionModel,
            FileRole::TextEncoder => FileKind::Llm,
            FileRole::TextEncoderVision => FileKind::LlmVision,
            FileRole::Vae => FileKind::Vae,
            FileRole::Model => FileKind::Model,
            FileRole::Labels => return Err(unknown("labels", name)),
            FileRole::Other(role) => match role.as_str() {
                "high-noise-diffusion-model" => FileKind::HighNoiseDiffusionModel,
                "t5xxl" => FileKind::T5xxl,
                "clip-l" => FileKind::ClipL,
                "clip-g" => FileKind::ClipG,
                "clip-vision" => FileKind::ClipVision,
                "taesd" => FileKind::Taesd,
                role => return Err(unknown(role, name)),
            },
        };
        if self.loaded.iter().any(|(other, _)| *other == kind) {
            return Err(Failure::model(format!("file {name} has a role that another file has already")));
        }
        self.bytes += bytes()?;
        if matches!(kind, FileKind::Model | FileKind::DiffusionModel) {
            self.hash.clone_from(&file.sha256);
        }
        self.loaded.push((kind, path));
        Ok(())
    }

    /// The fine-tune that a job names, with or without its extension.
    pub(crate) fn lora(&self, name: &str) -> Result<&Lora, Failure> {
        let is_named = |lora: &&Lora| {
            lora.name == name || lora.path.file_name().and_then(|file| file.to_str()) == Some(name)
        };
        self.loras.iter().find(is_named).ok_or_else(|| {
            let names: Vec<&str> = self.loras.iter().map(|lora| lora.name.as_str()).collect();
            let there = if names.is_empty() { "it has none".to_owned() } else { names.join(", ") };
            Failure::bad_input(format!(
                "the model has no LoRA `{}`; there: {there}",
                crate::names::quoted(name)
            ))
        })
    }
}

fn unknown(role: &str, name: &str) -> Failure {
    let role = crate::names::quoted(role);
    Failure::model(format!(
        "file {name} has the role `{role}`, which this engine does not load: it loads {ROLES}"
    ))
}
