//! Where a model is to come from: its source, a hub, an address, or a file of this machine.

use std::path::{Path, PathBuf};

use model_store::Web;
use model_store::hub::{self, HubModel};
use model_store::parts::{HEAD_BYTES, Part, part, whole};
use serde_json::Value;
use studio_protocol::{CliDefaults, FileRole, ModelFile, ModelSource};
use tokio::io::AsyncReadExt;

/// How a name of the hub begins.
const HUB: &str = "hf:";
/// Names the hub's mirror.
const ENDPOINT: &str = "HF_ENDPOINT";

/// What the owner said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    /// All of it.
    Source(ModelSource),
    /// `hf:OWNER/NAME[@REV][:FILE]`
    Hub(HubModel),
    /// An address.
    Address(String),
    /// A file of this machine.
    File(PathBuf),
}

/// A model's source, and the file of this machine that it is to be made of.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) source: ModelSource,
    pub(super) file: Option<PathBuf>,
}

impl Origin {
    /// Reads what a person wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with(HUB) {
            return HubModel::parse(text).map(Self::Hub).ok_or_else(|| {
                format!("`{text}` is not hf:OWNER/REPO, hf:OWNER/REPO:FILE or hf:OWNER/REPO@REVISION:FILE")
            });
        }
        if text.contains("://") {
            return Ok(Self::Address(text.to_owned()));
        }
        let path = Path::new(text);
        if path.is_absolute() {
            return Ok(Self::File(path.to_owned()));
        }
        Err(format!("`{text}` is neither hf:OWNER/REPO, nor an address, nor a whole path of a file"))
    }

    /// Finds the files, and tells from their beginnings what they make.
    pub(super) async fn locate(self, web: &Web) -> Result<Located, String> {
        let (files, file) = match self {
            Self::Source(source) => return Ok(Located { source, file: None }),
            Self::Hub(name) => (of_hub(web, &name).await?, None),
            Self::Address(url) => (vec![of_address(web, url).await?], None),
            Self::File(path) => (vec![of_file(&path).await?], Some(path)),
        };
        Ok(Located { source: source_of(files)?, file })
    }
}

/// Of jobs that state none; a studio that knows better says so with each job.
pub(super) fn defaults() -> CliDefaults {
    CliDefaults { cfg_scale: 1.0, steps: 20, width: 512, height: 512, more: serde_json::Map::new() }
}

type Looked = (ModelFile, Option<Part>);

async fn of_hub(web: &Web, name: &HubModel) -> Result<Vec<Looked>, String> {
    let endpoint = std::env::var(ENDPOINT).ok().filter(|endpoint| !endpoint.is_empty());
    let endpoint = endpoint.as_deref().unwrap_or(hub::HUGGING_FACE);
    let all = hub::list(web, endpoint, name).await.map_err(|error| error.to_string())?;
    let chosen =
        hub::choose(&all, name.file.as_deref()).map_err(|error| format!("{HUB}{}: {error}", name.repo))?;
    let mut looked = Vec::new();
    for remote in chosen {
        let file = ModelFile {
            approx_bytes: Some(remote.size).filter(|bytes| *bytes > 0),
            sha256: remote.sha256.clone(),
            ..plain_file(remote.url.clone(), remote.name())
        };
        looked.push(with_head(web, file).await?);
    }
    Ok(looked)
}

async fn of_address(web: &Web, url: String) -> Result<Looked, String> {
    let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
    with_head(web, plain_file(url, &name)).await
}

/// What its name does not tell its beginning does.
async fn with_head(web: &Web, file: ModelFile) -> Result<Looked, String> {
    let part = match part(&file.filename, &[]) {
        Some(part) => Some(part),
        None => {
            let head = hub::head(web, &file.url).await.map_err(|error| error.to_string())?;
            part(&file.filename, &head)
        }
    };
    Ok((file, part))
}

async fn of_file(path: &Path) -> Result<Looked, String> {
    let unreadable = |error: std::io::Error| format!("could not read `{}`: {error}", path.display());
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| format!("`{}` has no plain name", path.display()))?;
    let opened = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let meta = opened.metadata().await.map_err(unreadable)?;
    if !meta.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    let mut head = Vec::new();
    opened.take(HEAD_BYTES).read_to_end(&mut head).await.map_err(unreadable)?;
    // No address that could be fetched: the bytes are here, and known by their hash from now on.
    let url = format!("file://{}", path.display());
    let file = ModelFile { approx_bytes: Some(meta.len()), ..plain_file(url, name) };
    let part = part(&file.filename, &head);
    Ok((file, part))
}

fn plain_file(url: String, filename: &str) -> ModelFile {
    ModelFile {
        role: FileRole::Model,
        url,
        mirrors: Vec::new(),
        filename: filename.to_owned(),
        approx_bytes: None,
        sha256: None,
    }
}

fn source_of(looked: Vec<Looked>) -> Result<ModelSource, String> {
    let names: Vec<&str> = looked.iter().map(|(file, _)| file.filename.as_str()).collect();
    let parts: Vec<Option<Part>> = looked.iter().map(|(_, part)| part.clone()).collect();
    let listed = names.join(", ");
    let made = whole(&names, &parts).ok_or_else(|| {
        format!(
            "what {listed} makes is not known from the file: a model of several files needs its whole source"
        )
    })?;
    let mut cli_defaults = defaults();
    for (name, value) in made.defaults {
        cli_defaults.more.insert(name.to_owned(), Value::from(value));
    }
    let mut files = Vec::new();
    for ((file, _), role) in looked.into_iter().zip(made.roles) {
        let role = role.ok_or_else(|| format!("what `{}` is to the model is not known", file.filename))?;
        files.push(ModelFile { role, ..file });
    }
    Ok(ModelSource { engine: made.engine.to_owned(), files, cli_defaults })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_told_apart() {
        assert!(matches!(Origin::parse(" hf:o/r:x.gguf "), Ok(Origin::Hub(_))));
        assert!(matches!(Origin::parse("https://h/x.gguf"), Ok(Origin::Address(_))));
        let path = if cfg!(windows) { "C:\\m\\x.gguf" } else { "/m/x.gguf" };
        assert!(matches!(Origin::parse(path), Ok(Origin::File(_))));
        for wrong in ["hf:o", "x.gguf", "../x.gguf", ""] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_file_makes_a_model_only_if_it_can_be_told_what_it_is() {
        let looked = |name: &str, part| vec![(plain_file(String::new(), name), part)];
        let source = source_of(looked("m.gguf", Some(Part::Language))).unwrap();
        assert_eq!((source.engine.as_str(), &source.files[0].role), ("llama-cpp", &FileRole::Model));
        let error = source_of(looked("ae.safetensors", Some(Part::Vae))).unwrap_err();
        assert!(error.contains("ae.safetensors"), "{error}");
    }
}
