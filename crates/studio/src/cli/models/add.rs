//! `studio models add`: an entry from addresses, from the hub, or from files of this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use studio_protocol::{CliDefaults, FileRole, ModelFile, TaskKind};
use tokio::io::AsyncReadExt;

use model_store::hub::HubModel;

use super::show::word;
use super::upload::{self, LocalFile};
use crate::api::types::{ModelDetail, PutModel};
use crate::cli::output::Output;
use crate::cli::task::parse_default;
use crate::client::Client;
use crate::model_guess::{
    Found, HEAD_BYTES, PREFIX, Wanted, entry, look_at_hub, parse_role, part, plain_name,
};

/// Endings of files that a model is made of.
const ENDINGS: [&str; 10] = ["gguf", "safetensors", "sft", "ckpt", "pth", "onnx", "ort", "bin", "txt", "fst"];

/// A model.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// What jobs will call it; then or instead its files: of this machine, or of the hub (hf:OWNER/REPO, and perhaps
    /// @REVISION and :FILE), each perhaps with its role before it (vae=ae.safetensors)
    #[arg(required = true, value_name = "ID|FILE|hf:OWNER/REPO[:FILE]")]
    what: Vec<String>,
    /// The entry as JSON, as `studio --json models show` prints it, in place of the options below
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "engine", "files"])]
    from: Option<PathBuf>,
    /// image, llm, audio_stt, audio_tts, video or mesh [default: what the files are]
    #[arg(long)]
    kind: Option<TaskKind>,
    /// sd-cpp, llama-cpp, sherpa-onnx, ... [default: what runs such files]
    #[arg(long)]
    engine: Option<String>,
    /// Device memory that a job needs, GiB [default: a little more than its files]
    #[arg(long)]
    vram_gb: Option<f64>,
    /// A file at an address, several times: ROLE=URL, and after commas filename=, sha256=, approxBytes=, mirror=
    /// (roles: diffusion-model, text-encoder, text-encoder-vision, vae, lora, model, labels, tokens, voices, ...)
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
pub async fn run(client: &Client, out: Output, args: AddArgs) -> anyhow::Result<()> {
    let (id, sources) = split(&args.what)?;
    if let Some(path) = &args.from {
        let id =
            id.filter(|_| sources.is_empty()).context("an entry from a file needs an ID, and no files")?;
        let model = client.put_model(&id, &read(path)?).await?;
        out.show(&model, || format!("{} is in the registry", model.id))?;
        return Ok(());
    }
    let mut found = Vec::new();
    for source in &sources {
        found.extend(look(out, source).await?);
    }
    let id = id.unwrap_or_else(|| name_of(&sources[0]));
    let local: Vec<LocalFile> = found.iter().filter_map(local).collect();
    for file in &mut found {
        file.place(&id);
    }
    let mut model = args.model(found)?;
    if local.is_empty() {
        client.put_model(&id, &model).await?;
    } else {
        // Jobs would be offered to workers that cannot fetch it yet.
        model.enabled = Some(false);
        client.put_model(&id, &model).await?;
        upload::run(client, out, &id, &local).await.context(
            "the model stays disabled; what was uploaded is kept, so the same command goes on from there",
        )?;
        client.enable_model(&id, true).await?;
    }
    let detail = client.model(&id).await?;
    out.show(&detail, || told(&detail))?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<PutModel> {
    let text = std::fs::read(path).with_context(|| format!("could not read `{}`", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("`{}` is not a model", path.display()))
}

fn told(detail: &ModelDetail) -> String {
    let model = &detail.model;
    let first = format!(
        "{} is in the registry: {} by {}, {:.1} GiB",
        model.id, model.kind, model.source.engine, model.vram_gb
    );
    let files = model.source.files.iter().map(|file| {
        let unpinned = if file.sha256.is_none() { " (unpinned)" } else { "" };
        format!("{} {}{unpinned}", word(&file.role), file.filename)
    });
    std::iter::once(first).chain(files).collect::<Vec<_>>().join("\n")
}

/// The id, when the first word is one, and the sources.
fn split(what: &[String]) -> anyhow::Result<(Option<String>, Vec<Source>)> {
    let (first, rest) = what.split_first().context("a model has a name or files")?;
    let (id, sources) = match Source::parse(first)? {
        Some(source) => (None, vec![source]),
        None => (Some(first.clone()), Vec::new()),
    };
    let rest = rest.iter().map(|text| {
        let source = Source::parse(text)?;
        source.with_context(|| format!("`{text}` is neither a file of this machine nor hf:OWNER/REPO"))
    });
    Ok((id, sources.into_iter().map(Ok).chain(rest).collect::<anyhow::Result<_>>()?))
}

/// Where files are to come from.
#[derive(Debug)]
struct Source {
    role: Option<FileRole>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Hub(HubModel),
    File(PathBuf),
}

impl Source {
    /// `None` when the text is neither; a file that could be one and is missing is an error.
    fn parse(text: &str) -> anyhow::Result<Option<Self>> {
        let (role, rest) = match text.split_once('=') {
            Some((role, rest)) if !Path::new(text).is_file() => {
                (Some(parse_role(role).map_err(anyhow::Error::msg)?), rest)
            }
            _ => (None, text),
        };
        if rest.starts_with(PREFIX) {
            let wrong = || {
                format!("`{rest}` is not hf:OWNER/REPO, hf:OWNER/REPO:FILE or hf:OWNER/REPO@REVISION:FILE")
            };
            let name = HubModel::parse(rest).with_context(wrong)?;
            return Ok(Some(Self { role, place: Place::Hub(name) }));
        }
        let path = Path::new(rest);
        let ending = path.extension().and_then(|ext| ext.to_str()).unwrap_or_default().to_ascii_lowercase();
        let looks_like_a_file = ENDINGS.contains(&ending.as_str()) || rest.contains('/') || role.is_some();
        match (looks_like_a_file, path.is_file()) {
            (false, _) => Ok(None),
            (true, true) => Ok(Some(Self { role, place: Place::File(path.to_owned()) })),
            (true, false) => bail!("there is no file `{}`", path.display()),
        }
    }
}

/// Finds a source's files and looks into them.
async fn look(out: Output, source: &Source) -> anyhow::Result<Vec<Found>> {
    let role = source.role.clone();
    match &source.place {
        Place::File(path) => {
            let filename = path.file_name().and_then(|name| name.to_str());
            let filename = filename.with_context(|| format!("`{}` has no plain name", path.display()))?;
            let unreadable = || format!("could not read `{}`", path.display());
            let mut head = Vec::new();
            let file = tokio::fs::File::open(path).await.with_context(unreadable)?;
            let bytes = file.metadata().await.with_context(unreadable)?.len();
            file.take(HEAD_BYTES).read_to_end(&mut head).await.with_context(unreadable)?;
            let sha256 = upload::hash(out, path, bytes).await?;
            let part = part(filename, &head);
            let file = entry(String::new(), filename, Some(bytes), Some(sha256));
            Ok(vec![Found { file, role, part, path: Some(path.clone()) }])
        }
        Place::Hub(name) => look_at_hub(name, role.as_ref()).await,
    }
}

/// What is to be uploaded of a file.
fn local(found: &Found) -> Option<LocalFile> {
    let path = found.path.clone()?;
    let bytes = found.file.approx_bytes.unwrap_or(0);
    Some(LocalFile { filename: found.file.filename.clone(), path, bytes })
}

/// A name for the model, from its first source.
fn name_of(source: &Source) -> String {
    match &source.place {
        Place::Hub(name) => plain_name(&name.repo),
        Place::File(path) => plain_name(path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("model")),
    }
}

impl AddArgs {
    fn model(self, found: Vec<Found>) -> anyhow::Result<PutModel> {
        let (kind, engine) = (self.kind, self.engine);
        let cli_defaults = CliDefaults {
            cfg_scale: self.cfg_scale,
            steps: self.steps,
            width: self.width,
            height: self.height,
            more: self.defaults.into_iter().collect(),
        };
        Wanted { kind, engine, vram_gb: self.vram_gb, files: self.files, cli_defaults }.model(found)
    }
}

fn parse_file(text: &str) -> Result<ModelFile, String> {
    let mut parts = text.split(',');
    let (role, url) = parts.next().and_then(|part| part.split_once('=')).ok_or("begin with ROLE=URL")?;
    let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let mut file = ModelFile { role: parse_role(role)?, ..entry(url.to_owned(), name, None, None) };
    for part in parts {
        match part.split_once('=') {
            Some(("filename", name)) => name.clone_into(&mut file.filename),
            Some(("sha256", hash)) => file.sha256 = Some(hash.to_ascii_lowercase()),
            Some(("mirror", url)) => file.mirrors.push(url.to_owned()),
            Some(("approxBytes", bytes)) => {
                file.approx_bytes =
                    Some(bytes.parse().map_err(|_| format!("`{bytes}` is not a number of bytes"))?);
            }
            _ => return Err(format!("`{part}` is not filename=, sha256=, approxBytes= or mirror=")),
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_address_unless_told() {
        let file = parse_file("model=https://h/a/b.gguf?download=true").unwrap();
        assert_eq!((file.filename.as_str(), file.sha256), ("b.gguf", None));
        let file =
            parse_file("tokens=https://h/x,filename=t.txt,approxBytes=12,sha256=AB,mirror=https://m/x")
                .unwrap();
        assert_eq!(
            (file.filename.as_str(), file.approx_bytes, file.sha256.as_deref()),
            ("t.txt", Some(12), Some("ab"))
        );
        assert_eq!(file.mirrors, ["https://m/x"]);
        for wrong in
            ["https://h/x", "brain=https://h/x", "vae=https://h/x,size=1", "vae=https://h/x,approxBytes=big"]
        {
            assert!(parse_file(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_word_is_a_name_unless_it_is_a_source() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let (id, sources) = split(&words(&["mine"])).unwrap();
        assert_eq!((id.as_deref(), sources.len()), (Some("mine"), 0));
        let (id, sources) = split(&words(&["hf:Qwen/Qwen3-4B-GGUF:Q8_0"])).unwrap();
        assert_eq!((id, name_of(&sources[0])), (None, "qwen3-4b".to_owned()));
        let (id, sources) = split(&words(&["mine", "hf:a/b", "vae=hf:c/d:x.safetensors"])).unwrap();
        assert_eq!((id.as_deref(), sources.len()), (Some("mine"), 2));
        assert_eq!(sources[1].role, Some(FileRole::Vae));
        for wrong in [&["gone.gguf"][..], &["mine", "other"], &["brain=hf:a/b"], &["hf:a"]] {
            assert!(split(&words(wrong)).is_err(), "{wrong:?}");
        }
    }
}
