//! Which files a model consists of.

use std::path::{Path, PathBuf};

use engine_protocol::{Failure, Load};
use studio_protocol::{FileRole, ModelFile};

use crate::gguf_check::{self, GgufError, Header};

/// Models that need two passes, which llama.cpp would end the process about.
const ENCODERS_WITH_DECODERS: [&str; 2] = ["t5", "t5encoder"];

/// The files of a model, checked.
#[derive(Debug)]
pub struct Files {
    /// The language model, or its first part.
    pub model: PathBuf,
    /// What its header says.
    pub header: Header,
    /// The vision projector.
    pub projector: Option<PathBuf>,
}

impl Files {
    /// Finds and checks them; what is missing or broken is said by name.
    pub fn find(load: &Load) -> Result<Self, Failure> {
        let dir = load.dir.as_deref().map(Path::new);
        let dir = dir.ok_or_else(|| Failure::model(format!("model `{}` has no folder", load.model)))?;
        let (mut models, mut projector) = (Vec::new(), None);
        for file in &load.source.files {
            match &file.role {
                FileRole::Model => models.push(path_of(dir, file)?),
                FileRole::TextEncoderVision => projector = Some(path_of(dir, file)?),
                FileRole::DiffusionModel
                | FileRole::TextEncoder
                | FileRole::Vae
                | FileRole::Lora
                | FileRole::Labels
                | FileRole::Other(_) => return Err(unknown_role(file)),
            }
        }
        // The parts of a split model sort by their number.
        models.sort();
        let Some(model) = models.into_iter().next() else {
            return Err(Failure::model(format!("model `{}` has no file with the role `model`", load.model)));
        };
        let header = gguf_check::check_model(&model).map_err(|(path, problem)| broken(&path, &problem))?;
        if ENCODERS_WITH_DECODERS.contains(&header.architecture.as_str()) {
            let problem =
                format!("`{}` has the architecture `{}`, an encoder", name(&model), header.architecture);
            return Err(Failure::model(format!(
                "{problem} with a decoder, which this engine does not serve"
            )));
        }
        if header.tensors == 0 {
            return Err(Failure::model(format!("`{}` has no tensors", name(&model))));
        }
        if let Some(path) = &projector {
            gguf_check::check(path).map_err(|problem| broken(path, &problem))?;
        }
        Ok(Self { model, header, projector })
    }
}

fn path_of(dir: &Path, file: &ModelFile) -> Result<PathBuf, Failure> {
    if file.has_plain_name() {
        return Ok(dir.join(&file.filename));
    }
    Err(Failure::model(format!("`{}` is no plain file name", file.filename.escape_debug())))
}

fn unknown_role(file: &ModelFile) -> Failure {
    let role = serde_json::to_value(&file.role).unwrap_or_default();
    let role = role.as_str().unwrap_or_default().to_owned();
    Failure::model(format!(
        "`{}` has the role `{role}`: this engine knows `model` and `text-encoder-vision`",
        file.filename.escape_debug()
    ))
}

fn broken(path: &Path, problem: &GgufError) -> Failure {
    match problem {
        GgufError::Io(io) if io.kind() == std::io::ErrorKind::NotFound => {
            Failure::model(format!("`{}` is missing", name(path)))
        }
        GgufError::Io(io) => Failure::model(format!("`{}` cannot be read: {io}", name(path))),
        GgufError::Broken(what) => Failure::model(format!("`{}` {what}", name(path))),
    }
}

/// The name without its folder, which is nobody's business.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
