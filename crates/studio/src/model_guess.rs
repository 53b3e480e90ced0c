//! What a model is, told by its files: where they are on a hub, what each is by itself, what they make together.

mod hub;

pub use hub::{Hub, PREFIX};
pub use model_store::parts::{HEAD_BYTES, Part, part};

use std::path::PathBuf;

use anyhow::{Context, bail};
use model_store::hub::HubModel;
use serde_json::Value;
use studio_protocol::{CliDefaults, FileRole, ModelFile, ModelSource, TaskKind};

use crate::api::OTHER_ROLES;
use crate::api::types::PutModel;
use crate::model_files::StudioAddress;
use model_store::parts::{self, Whole};

/// What a model takes beside its weights: caches, activations, the engine's buffers.
const VRAM_FACTOR: f64 = 1.15;
/// And at least, GiB.
const VRAM_BASE_GB: f64 = 0.5;

/// A file that was looked at.
pub struct Found {
    /// As an entry names it; its role is guessed later.
    pub file: ModelFile,
    /// Stated by the user.
    pub role: Option<FileRole>,
    /// What it is by itself.
    pub part: Option<Part>,
    /// Where it is on this machine; it will be uploaded to the studio.
    pub path: Option<PathBuf>,
}

/// What is known of a model beside its files.
pub struct Wanted {
    /// What the files make when absent.
    pub kind: Option<TaskKind>,
    /// What runs such files when absent.
    pub engine: Option<String>,
    /// A little more than the files when absent.
    pub vram_gb: Option<f64>,
    /// Beside those that were looked at.
    pub files: Vec<ModelFile>,
    /// Of jobs that state none.
    pub cli_defaults: CliDefaults,
}

impl Wanted {
    /// An entry of the files that were looked at.
    pub fn model(self, found: Vec<Found>) -> anyhow::Result<PutModel> {
        let names: Vec<&str> = found.iter().map(|found| found.file.filename.as_str()).collect();
        let parts: Vec<Option<Part>> = found.iter().map(|found| found.part.clone()).collect();
        let whole = parts::whole(&names, &parts);
        let unknown = "what these files make is not known from them: say --kind and --engine";
        let kind = self.kind.or(whole.as_ref().map(|whole| whole.kind));
        let engine = self.engine.clone().or(whole.as_ref().map(|whole| whole.engine.to_owned()));
        let (Some(kind), Some(engine)) = (kind, engine) else {
            bail!(if found.is_empty() {
                "a model has a kind and an engine: say --kind and --engine"
            } else {
                unknown
            })
        };
        let bytes: u64 = found.iter().filter_map(|found| found.file.approx_bytes).sum();
        let guessed = found.iter().any(|found| found.file.approx_bytes.is_some()).then(|| vram(bytes));
        let mut cli_defaults = self.cli_defaults;
        for (name, value) in whole.iter().flat_map(|whole| &whole.defaults) {
            cli_defaults.more.entry(*name).or_insert(Value::from(*value));
        }
        let mut files = Vec::new();
        for (at, found) in found.into_iter().enumerate() {
            files.push(with_role(found, at, whole.as_ref())?);
        }
        files.extend(self.files);
        let vram_gb = self.vram_gb.or(guessed).unwrap_or(0.0);
        Ok(PutModel { kind, vram_gb, enabled: None, source: ModelSource { engine, files, cli_defaults } })
    }
}

impl Found {
    /// A file of this machine will be at the studio.
    pub fn place(&mut self, id: &str) {
        if self.path.is_some() {
            let address = StudioAddress { model: id.to_owned(), filename: self.file.filename.clone() };
            self.file.url = address.to_string();
        }
    }
}

/// `hf:OWNER/REPO[@REVISION][:FILE]`, perhaps with a role before it; `None` for something else.
pub fn hub_source(text: &str) -> anyhow::Result<Option<(Option<FileRole>, HubModel)>> {
    let (role, rest) = match text.split_once('=') {
        Some((role, rest)) if rest.starts_with(PREFIX) => {
            (Some(parse_role(role).map_err(anyhow::Error::msg)?), rest)
        }
        _ => (None, text),
    };
    if !rest.starts_with(PREFIX) {
        return Ok(None);
    }
    let wrong =
        || format!("`{rest}` is not hf:OWNER/REPO, hf:OWNER/REPO:FILE or hf:OWNER/REPO@REVISION:FILE");
    Ok(Some((role, HubModel::parse(rest).with_context(wrong)?)))
}

/// The files that a name of the hub stands for; their heads are read where their names do not tell what they are.
pub async fn look_at_hub(name: &HubModel, role: Option<&FileRole>) -> anyhow::Result<Vec<Found>> {
    let hub = Hub::new()?;
    let mut found = Vec::new();
    for file in hub.files(name).await? {
        let filename = file.name().to_owned();
        let mut part = part(&filename, &[]);
        if part.is_none() && role.is_none() {
            part = parts::part(&filename, &hub.head(&file).await?);
        }
        let bytes = Some(file.size).filter(|bytes| *bytes > 0);
        let file = entry(file.url, &filename, bytes, file.sha256);
        found.push(Found { file, role: role.cloned(), part, path: None });
    }
    Ok(found)
}

/// A file of which no more is known.
pub fn entry(url: String, filename: &str, bytes: Option<u64>, sha256: Option<String>) -> ModelFile {
    ModelFile {
        role: FileRole::Model,
        url,
        mirrors: Vec::new(),
        filename: filename.to_owned(),
        approx_bytes: bytes,
        sha256,
    }
}

/// A name for a model, from that of a repository or a file.
pub fn plain_name(text: &str) -> String {
    let lower = text.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let lower = lower.strip_suffix("-gguf").unwrap_or(&lower);
    let plain: String = lower
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    let plain = plain.trim_matches(['.', '-']);
    if plain.is_empty() { "model".to_owned() } else { plain.to_owned() }
}

fn with_role(found: Found, at: usize, whole: Option<&Whole>) -> anyhow::Result<ModelFile> {
    let guessed = whole.and_then(|whole| whole.roles.get(at).cloned().flatten());
    let name = &found.file.filename;
    let role = found.role.or(guessed).with_context(|| {
        format!("what `{name}` is to the model is not known: write its role before it, like vae={name}")
    })?;
    Ok(ModelFile { role, ..found.file })
}

/// In tenths, rounded up.
fn vram(bytes: u64) -> f64 {
    let gb = bytes as f64 / (1024.0 * 1024.0 * 1024.0) * VRAM_FACTOR + VRAM_BASE_GB;
    (gb * 10.0).ceil() / 10.0
}

/// The role that a word names.
pub fn parse_role(word: &str) -> Result<FileRole, String> {
    match serde_json::from_value(Value::from(word)) {
        Ok(FileRole::Other(role)) if OTHER_ROLES.contains(&role.as_str()) => Ok(FileRole::Other(role)),
        Err(_) | Ok(FileRole::Other(_)) => Err(format!("`{word}` is not a role of a file")),
        Ok(role) => Ok(role),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_hub_may_have_a_role() {
        let (role, name) = hub_source("vae=hf:a/b:x.safetensors").unwrap().unwrap();
        assert_eq!((role, name.repo.as_str()), (Some(FileRole::Vae), "a/b"));
        assert!(hub_source("https://example.com/x.gguf").unwrap().is_none());
        for wrong in ["hf:a", "brain=hf:a/b"] {
            assert!(hub_source(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn memory_is_a_little_more_than_the_files() {
        assert!((vram(1 << 30) - 1.7).abs() < 1e-9);
        assert!((vram(0) - 0.5).abs() < 1e-9);
    }
}
