//! The files of a model by their roles.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use engine_protocol::{Failure, Load};
use studio_protocol::FileRole;

use super::onnx::{self, Head};

/// Roles whose files are in the ONNX format.
const ONNX_ROLES: &[&str] = &[
    "model",
    "encoder",
    "decoder",
    "joiner",
    "vocoder",
    "vad",
    "preprocessor",
    "uncached-decoder",
    "cached-decoder",
    "merged-decoder",
];
/// All others; `weights` are files that an ONNX file refers to by name.
const OTHER_ROLES: &[&str] = &["tokens", "lexicon", "voices", "rule-fsts", "rule-fars", "weights"];
/// Roles of former versions, with what to do instead.
const FORMER_ROLES: &[&str] = &["data", "data-dir-archive", "dict"];

/// Paths by role, in the order of the model source; every file exists and holds something.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<&'static str, Vec<PathBuf>>);

impl Files {
    /// Looks for the files that a `load` names.
    pub(super) fn find(load: &Load) -> Result<Self, Failure> {
        let mut files = Self::default();
        if load.source.files.is_empty() {
            return Err(Failure::model(format!("model `{}` names no files", load.model)));
        }
        let dir = load
            .dir
            .as_ref()
            .ok_or_else(|| Failure::model("the daemon named no folder for the model's files"))?;
        for file in &load.source.files {
            let role = known_role(&file.role, &file.filename)?;
            if !file.has_plain_name() {
                return Err(Failure::model(format!(
                    "`{}` is not a plain file name",
                    file.filename.escape_debug()
                )));
            }
            let path = Path::new(dir).join(&file.filename);
            let found = fs::metadata(&path).map_err(|e| {
                Failure::model(format!("the file `{}` of role `{role}` cannot be read: {e}", file.filename))
            })?;
            if !found.is_file() || found.len() == 0 {
                return Err(Failure::model(format!(
                    "the file `{}` of role `{role}` is empty",
                    file.filename
                )));
            }
            files.0.entry(role).or_default().push(path);
        }
        Ok(files)
    }

    /// What every ONNX file says of itself, by role.
    pub(super) fn onnx_heads(&self) -> Result<BTreeMap<&'static str, Head>, Failure> {
        let paths = ONNX_ROLES.iter().filter_map(|&role| Some((role, self.first(role)?)));
        paths.map(|(role, path)| Ok((role, onnx::read(path).map_err(|e| damaged(path, &e))?))).collect()
    }

    pub(crate) fn has(&self, role: &str) -> bool {
        self.0.contains_key(role)
    }

    /// The only file of a role, or the first of several.
    pub(crate) fn first(&self, role: &str) -> Option<&Path> {
        self.0.get(role)?.first().map(PathBuf::as_path)
    }

    /// All paths of a role as sherpa-onnx wants them: with commas between.
    pub(crate) fn joined(&self, role: &str) -> Result<Option<String>, Failure> {
        let Some(paths) = self.0.get(role) else { return Ok(None) };
        let texts: Result<Vec<&str>, Failure> = paths.iter().map(|path| as_text(path)).collect();
        Ok(Some(texts?.join(",")))
    }

    /// What a message names: `model, tokens`.
    pub(super) fn roles(&self) -> String {
        self.0.keys().copied().collect::<Vec<_>>().join(", ")
    }
}

fn as_text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| Failure::model(format!("the path {} is not text", path.display())))
}

fn known_role(role: &FileRole, filename: &str) -> Result<&'static str, Failure> {
    let word = match role {
        FileRole::Model => "model",
        // What other tools call the list of tokens.
        FileRole::Labels => "tokens",
        FileRole::Other(word) => word.as_str(),
        FileRole::DiffusionModel => "diffusion-model",
        FileRole::TextEncoder => "text-encoder",
        FileRole::TextEncoderVision => "text-encoder-vision",
        FileRole::Vae => "vae",
        FileRole::Lora => "lora",
    };
    if let Some(known) = ONNX_ROLES.iter().chain(OTHER_ROLES).find(|known| **known == word) {
        return Ok(known);
    }
    let hint = if FORMER_ROLES.contains(&word) {
        "; this version reads neither espeak-ng's data nor dictionaries, give the words and their phonemes as a file of role `lexicon`"
    } else {
        ""
    };
    let word = word.escape_debug();
    Err(Failure::model(format!(
        "the sherpa-onnx engine knows no role `{word}`, which `{filename}` has{hint}"
    )))
}

pub(super) fn damaged(path: &Path, problem: &str) -> Failure {
    let name = path.file_name().unwrap_or_default().display();
    Failure::model(format!("the file `{name}` is damaged: {problem}"))
}
