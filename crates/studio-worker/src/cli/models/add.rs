//! `studio-worker models add`: brings a model, and shows how far it is.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use worker_local::{AddModel, Client, ClientError, Download, ModelPlace};

use super::super::{daemon, output};
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct Add {
    /// What it is called here, if not as its source; then where it comes from: hf:OWNER/REPO[@REVISION][:FILE], an
    /// address, or a file of this machine
    #[arg(required = true, num_args = 1..=2, value_name = "NAME|FROM")]
    what: Vec<String>,
    /// A model source as JSON, in place of FROM: engine, files and defaults
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
    /// Wait until it is here
    #[arg(long)]
    wait: bool,
}

impl Add {
    pub(super) fn execute(&self, home: &Home, json: bool) -> anyhow::Result<Exit> {
        let add = self.ask()?;
        let daemon = daemon::required(home)?;
        let models = daemon.ask(async |client| client.add_model(&add).await)?;
        if !self.wait {
            if json {
                output::json(&models)?;
            } else {
                output::line(format!("{} is on its way; `studio-worker status` shows how far", add.model));
            }
            return Ok(Exit::Clean);
        }
        let view = daemon.ask(async |client| waited(client, &add.model).await)?;
        let Some(view) = view else { bail!("the download of {} was broken off", add.model) };
        let is_here = !matches!(view.place, ModelPlace::Absent | ModelPlace::Downloading);
        if let Some(trouble) = view.trouble.as_ref().filter(|_| !is_here) {
            bail!("{}: {trouble}", add.model);
        }
        if json {
            output::json(&view)?;
        } else {
            output::line(format!("{} is here: {}", add.model, super::table::size(view.file_bytes)));
        }
        Ok(Exit::Clean)
    }

    fn ask(&self) -> anyhow::Result<AddModel> {
        if let Some(path) = &self.source {
            let [model] = &self.what[..] else { bail!("with --source a model has a name and nothing else") };
            let text = std::fs::read(path).with_context(|| format!("could not read `{}`", path.display()))?;
            let source = serde_json::from_slice(&text)
                .with_context(|| format!("`{}` is not a model source", path.display()))?;
            return Ok(AddModel { model: model.clone(), source: Some(source), from: None });
        }
        let (model, from) = match &self.what[..] {
            [from] => (name_of(from), from),
            [model, from] => (model.clone(), from),
            _ => bail!("a model has a name and a place that it comes from"),
        };
        Ok(AddModel { model, source: None, from: Some(whole(from)?) })
    }
}

/// The daemon stands elsewhere: what is a file here is told with its whole path.
fn whole(from: &str) -> anyhow::Result<String> {
    if from.starts_with("hf:") || from.contains("://") {
        return Ok(from.to_owned());
    }
    let path = std::path::absolute(Path::new(from))?;
    if !path.is_file() {
        bail!("there is no file `{}`; a model of a hub is written hf:OWNER/REPO", path.display());
    }
    path.into_os_string().into_string().map_err(|_| anyhow::anyhow!("`{from}` has no plain name"))
}

/// A name for the model, from that of its repository or its file.
fn name_of(from: &str) -> String {
    let place = from.split(['?', '#']).next().unwrap_or_default();
    let last = match place.strip_prefix("hf:") {
        Some(hub) => hub.split(['@', ':']).next().and_then(|repo| repo.rsplit('/').next()),
        None => Path::new(place).file_stem().and_then(|stem| stem.to_str()),
    };
    let lower = last.unwrap_or_default().to_ascii_lowercase();
    let lower = lower.strip_suffix("-gguf").unwrap_or(&lower);
    let plain: String = lower
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    let plain = plain.trim_matches(['.', '-']);
    if plain.is_empty() { "model".to_owned() } else { plain.to_owned() }
}

/// The model once it is no longer on its way; `None` when it is gone.
async fn waited(client: &Client, model: &str) -> Result<Option<worker_local::ModelView>, ClientError> {
    let bar = bar();
    let mut after = None;
    loop {
        let status = client.status(after).await?;
        after = Some(status.generation);
        if let Some(download) = status.downloads.iter().find(|download| download.model == model) {
            show(&bar, download);
            continue;
        }
        bar.finish_and_clear();
        return Ok(client.models().await?.models.into_iter().find(|view| view.model == model));
    }
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {prefix}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, download: &Download) {
    bar.set_length(download.total_bytes.max(download.bytes));
    bar.set_position(download.bytes);
    bar.set_message(download.file.clone());
    let speed = download.bytes_per_second.map(|speed| format!("{}/s", super::table::size(speed)));
    bar.set_prefix(speed.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_by_where_it_comes_from() {
        for (from, name) in [
            ("hf:Qwen/Qwen3-4B-GGUF@main:Q8_0.gguf", "qwen3-4b"),
            ("https://h/a/My%20Model.gguf?x=1", "my-20model"),
            ("/m/z-image_Turbo.safetensors", "z-image_turbo"),
            ("..", "model"),
        ] {
            assert_eq!(name_of(from), name, "{from}");
        }
    }
}
