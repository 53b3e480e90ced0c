//! `studio models`

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use studio_protocol::{CliDefaults, FileRole, ModelFile, ModelSource, TaskKind};
use studio_store::Model;

use super::Exit;
use super::output::{Output, fields, table};
use super::times::size;
use crate::api::types::{Items, PutModel};
use crate::client::Client;

/// What to do; a list when nothing is said.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Show every model
    List,
    /// Show one model with its files
    Show {
        /// What jobs call it
        id: String,
    },
    /// Add a model, or replace the one of that name
    Add(Box<AddArgs>),
    /// Take a model out of the registry
    Remove {
        /// What jobs call it
        id: String,
    },
    /// Take new jobs for a model
    Enable {
        /// What jobs call it
        id: String,
    },
    /// Take no new jobs for a model
    Disable {
        /// What jobs call it
        id: String,
    },
}

/// A model.
#[derive(Debug, Args)]
struct AddArgs {
    /// What jobs will call it
    id: String,
    /// The entry as JSON, as `studio --json models show` prints it, in place of the options below
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "engine", "files"])]
    from: Option<PathBuf>,
    /// image, llm, audio_stt, audio_tts, video or mesh
    #[arg(long, required_unless_present = "from")]
    kind: Option<TaskKind>,
    /// sd-cpp, llama-cpp, ...
    #[arg(long, required_unless_present = "from")]
    engine: Option<String>,
    /// Device memory that a job needs, GiB
    #[arg(long, default_value_t = 0.0)]
    vram_gb: f64,
    /// A file, several times: ROLE=URL, and after commas filename=, sha256=, approxBytes= (roles: diffusion-model,
    /// text-encoder, text-encoder-vision, vae, lora, model, labels)
    #[arg(long = "file", value_name = "ROLE=URL", value_parser = parse_file)]
    files: Vec<ModelFile>,
    /// Classifier-free guidance of jobs that state none
    #[arg(long, default_value_t = 1.0)]
    cfg_scale: f64,
    /// Denoising steps of jobs that state none
    #[arg(long, default_value_t = 20)]
    steps: u32,
    /// Pixels of jobs that state none
    #[arg(long, default_value_t = 512)]
    width: u32,
    /// Pixels of jobs that state none
    #[arg(long, default_value_t = 512)]
    height: u32,
    /// Another default, several times: KEY=VALUE (samplingMethod, contextSize, ...)
    #[arg(long = "default", value_name = "KEY=VALUE", value_parser = parse_default)]
    defaults: Vec<(String, Value)>,
}

/// Does it.
pub async fn run(client: &Client, out: Output, args: ModelsArgs) -> anyhow::Result<Exit> {
    match args.command.unwrap_or(ModelsCommand::List) {
        ModelsCommand::List => {
            let items = client.models().await?;
            let page = Items { items, next_cursor: None };
            out.show(&page, || list(&page.items))?;
        }
        ModelsCommand::Show { id } => {
            let model = client.model(&id).await?;
            out.show(&model, || detail(&model))?;
        }
        ModelsCommand::Add(args) => {
            let id = args.id.clone();
            let model = client.put_model(&id, &args.model()?).await?;
            out.show(&model, || format!("{} is in the registry", model.id))?;
        }
        ModelsCommand::Remove { id } => {
            client.remove_model(&id).await?;
            out.show(&serde_json::json!({ "removed": id }), || format!("{id} is removed"))?;
        }
        ModelsCommand::Enable { id } => enable(client, out, &id, true).await?,
        ModelsCommand::Disable { id } => enable(client, out, &id, false).await?,
    }
    Ok(Exit::Done)
}

async fn enable(client: &Client, out: Output, id: &str, enabled: bool) -> anyhow::Result<()> {
    let model = client.enable_model(id, enabled).await?;
    out.show(&model, || format!("{id} is {}", if model.enabled { "enabled" } else { "disabled" }))?;
    Ok(())
}

impl AddArgs {
    fn model(self) -> anyhow::Result<PutModel> {
        if let Some(path) = self.from {
            let text =
                std::fs::read(&path).with_context(|| format!("could not read `{}`", path.display()))?;
            return serde_json::from_slice(&text)
                .with_context(|| format!("`{}` is not a model", path.display()));
        }
        let (Some(kind), Some(engine)) = (self.kind, self.engine) else {
            bail!("a model has a --kind and an --engine")
        };
        let more: Map<String, Value> = self.defaults.into_iter().collect();
        let cli_defaults = CliDefaults {
            cfg_scale: self.cfg_scale,
            steps: self.steps,
            width: self.width,
            height: self.height,
            more,
        };
        let source = ModelSource { engine, files: self.files, cli_defaults };
        Ok(PutModel { kind, vram_gb: self.vram_gb, enabled: None, source })
    }
}

fn parse_file(text: &str) -> Result<ModelFile, String> {
    let mut parts = text.split(',');
    let (role, url) = parts.next().and_then(|part| part.split_once('=')).ok_or("begin with ROLE=URL")?;
    let role = match serde_json::from_value(Value::from(role)) {
        Err(_) | Ok(FileRole::Other(_)) => return Err(format!("`{role}` is not a role of a file")),
        Ok(role) => role,
    };
    let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let mut file = ModelFile {
        role,
        url: url.to_owned(),
        filename: name.to_owned(),
        mirrors: Vec::new(),
        approx_bytes: None,
        sha256: None,
    };
    for part in parts {
        match part.split_once('=') {
            Some(("filename", name)) => name.clone_into(&mut file.filename),
            Some(("sha256", hash)) => file.sha256 = Some(hash.to_ascii_lowercase()),
            Some(("approxBytes", bytes)) => {
                file.approx_bytes =
                    Some(bytes.parse().map_err(|_| format!("`{bytes}` is not a number of bytes"))?);
            }
            _ => return Err(format!("`{part}` is not filename=, sha256= or approxBytes=")),
        }
    }
    Ok(file)
}

/// Numbers and true or false are taken as such, all else as text.
fn parse_default(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not KEY=VALUE"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((key.to_owned(), value))
}

fn list(models: &[Model]) -> String {
    let row = |model: &Model| {
        let bytes = model.source.files.iter().filter_map(|file| file.approx_bytes).sum();
        [
            model.id.clone(),
            model.kind.to_string(),
            model.source.engine.clone(),
            format!("{:.1}", model.vram_gb),
            if model.source.files.is_empty() { String::new() } else { size(bytes) },
            if model.enabled { "yes" } else { "no" }.to_owned(),
        ]
    };
    table(["ID", "KIND", "ENGINE", "GPU GiB", "FILES", "ENABLED"], models.iter().map(row))
}

fn detail(model: &Model) -> String {
    let source = &model.source;
    let defaults = serde_json::to_string(&source.cli_defaults).unwrap_or_default();
    let mut text = fields(&[
        ("id", model.id.clone()),
        ("kind", model.kind.to_string()),
        ("engine", source.engine.clone()),
        ("gpu", format!("{:.1} GiB", model.vram_gb)),
        ("enabled", if model.enabled { "yes" } else { "no" }.to_owned()),
        ("defaults", defaults),
    ]);
    if !source.files.is_empty() {
        let row = |file: &ModelFile| {
            let role =
                serde_json::to_value(&file.role).ok().and_then(|role| role.as_str().map(str::to_owned));
            let bytes = file.approx_bytes.map(size).unwrap_or_default();
            [role.unwrap_or_default(), file.filename.clone(), bytes, file.url.clone()]
        };
        text += "\n\n";
        text += &table(["ROLE", "FILE", "SIZE", "URL"], source.files.iter().map(row));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_address_unless_told() {
        let file = parse_file("model=https://h/a/b.gguf?download=true").unwrap();
        assert_eq!((file.filename.as_str(), file.sha256), ("b.gguf", None));
        let file = parse_file("vae=https://h/x,filename=ae.sft,approxBytes=12,sha256=AB").unwrap();
        assert_eq!(
            (file.filename.as_str(), file.approx_bytes, file.sha256.as_deref()),
            ("ae.sft", Some(12), Some("ab"))
        );
        for wrong in
            ["https://h/x", "brain=https://h/x", "vae=https://h/x,size=1", "vae=https://h/x,approxBytes=big"]
        {
            assert!(parse_file(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn defaults_have_the_type_that_they_look_like() {
        assert_eq!(parse_default("contextSize=8192").unwrap().1, 8192);
        assert_eq!(parse_default("mmap=true").unwrap().1, true);
        assert_eq!(parse_default("samplingMethod=euler").unwrap().1, "euler");
        assert!(parse_default("mmap").is_err());
    }
}
