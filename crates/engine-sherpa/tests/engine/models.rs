//! Tiny models on disk, as a daemon hands them over.

use std::fs;
use std::path::Path;

use engine_protocol::Load;
use serde_json::{Value, json};
use studio_protocol::{CliDefaults, FileRole, ModelFile, ModelSource};
use tempfile::TempDir;
use tiny_models::onnx::{self, TinyFile};

/// The name of every model here.
pub const MODEL: &str = "tiny";

/// Files in a folder of their own, which goes when this does.
pub struct OnDisk {
    pub folder: TempDir,
    pub load: Load,
}

impl OnDisk {
    pub fn new(files: &[TinyFile], defaults: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(folder.path().join(file.filename), &file.bytes).unwrap();
        }
        let load = Load {
            model: MODEL.to_owned(),
            source: source(files, defaults),
            dir: Some(folder.path().to_str().unwrap().to_owned()),
        };
        Self { folder, load }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A voice of one speaker.
pub fn voice() -> OnDisk {
    OnDisk::new(&onnx::vits(0), json!({}))
}

/// A transcriber that hears tones.
pub fn ears() -> OnDisk {
    OnDisk::new(&onnx::nemo_ctc(), json!({}))
}

/// The same with a detector of speech.
pub fn ears_with_vad() -> OnDisk {
    let files: Vec<TinyFile> = onnx::nemo_ctc().into_iter().chain(onnx::vad()).collect();
    OnDisk::new(&files, json!({}))
}

fn source(files: &[TinyFile], defaults: Value) -> ModelSource {
    let file = |file: &TinyFile| ModelFile {
        role: serde_json::from_value::<FileRole>(json!(file.role)).unwrap(),
        url: format!("https://models.example/{}", file.filename),
        mirrors: Vec::new(),
        filename: file.filename.to_owned(),
        approx_bytes: None,
        sha256: None,
    };
    let Value::Object(more) = defaults else { panic!("defaults are an object: {defaults}") };
    ModelSource {
        engine: "sherpa-onnx".to_owned(),
        files: files.iter().map(file).collect(),
        cli_defaults: CliDefaults { cfg_scale: 1.0, steps: 1, width: 64, height: 64, more },
    }
}
