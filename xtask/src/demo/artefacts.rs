//! What the batch made, on disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::studio_api::StudioApi;

/// Replaces the content of `folder` by what the batch made, and returns the files in the order of the batch.
pub fn download(api: &StudioApi, batch: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not clear {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))?;
    let mut jobs = api.jobs(&format!("batch={batch}"))?;
    // The list begins with the newest.
    jobs.reverse();
    jobs.iter().enumerate().map(|(index, job)| save(api, job, index + 1, folder)).collect()
}

fn save(api: &StudioApi, job: &Value, number: usize, folder: &Path) -> Result<PathBuf> {
    let id = job["id"].as_str().context("a job has an id")?;
    let name = job["assetName"].as_str().context("a job has a name")?;
    let (ext, bytes) = if let Some(ext) = job["artefact"]["ext"].as_str() {
        (ext, api.bytes(&format!("/jobs/{id}/artefact"))?)
    } else {
        ("json", serde_json::to_vec_pretty(&api.get(&format!("/jobs/{id}/result"))?)?)
    };
    ensure!(!bytes.is_empty(), "the result of `{name}` is empty");
    let path = folder.join(format!("{number:02}-{}.{ext}", plain(name)));
    fs::write(&path, bytes).with_context(|| format!("could not write {}", path.display()))?;
    Ok(path)
}

/// A name that is fit for a file.
fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(plain("What does the fox say?"), "what-does-the-fox-say");
        assert_eq!(plain("../../etc/passwd"), "etc-passwd");
    }
}
