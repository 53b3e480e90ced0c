//! Brings files of this machine to the studio.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::fetch::bytes_bar;
use crate::api::types::ModelDetail;
use crate::cli::output::Output;
use crate::client::Client;

/// A file of a model, on this machine.
#[derive(Debug)]
pub struct LocalFile {
    /// Its name in the entry.
    pub filename: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
}

/// Uploads what the studio does not have; again is cheap.
pub async fn run(client: &Client, out: Output, id: &str, files: &[LocalFile]) -> anyhow::Result<ModelDetail> {
    let mut detail = client.model(id).await?;
    let is_there = |detail: &ModelDetail, name: &str| {
        detail.files.iter().any(|file| file.filename == name && file.present)
    };
    let missing: Vec<_> = files.iter().filter(|file| !is_there(&detail, &file.filename)).collect();
    let bar = bytes_bar(out, missing.iter().map(|file| file.bytes).sum());
    for file in missing {
        bar.set_message(file.filename.clone());
        if !out.is_live() {
            out.note(&format!("uploading {}", file.filename));
        }
        let moved = bar.clone();
        detail = client
            .upload_model_file(id, &file.filename, &file.path, move |bytes| moved.inc(bytes))
            .await
            .with_context(|| format!("`{}`", file.path.display()))?;
    }
    bar.finish_and_clear();
    Ok(detail)
}

/// The hash of a file, with a bar for a large one.
pub async fn hash(out: Output, path: &Path, bytes: u64) -> anyhow::Result<String> {
    let bar = bytes_bar(out, bytes);
    bar.set_message(format!("hashing {}", path.display()));
    let moved = bar.clone();
    let hash = crate::client::hash_of_with(path, move |bytes| moved.inc(bytes)).await;
    bar.finish_and_clear();
    hash.with_context(|| format!("could not read `{}`", path.display()))
}
