//! Model files that the studio keeps, and those that its registry expects of it.
//!
//! They can be had again, so that what is wrong with them is no more than a warning.

use std::path::Path;

use anyhow::Context;
use studio_store::{Look, Model};

use super::super::manifest::database;
use super::super::times::size;
use super::findings::{Findings, named};
use crate::client::hash_of;
use crate::model_files::{Recorded, StudioAddress, recorded};
use crate::settings::MODELS;

/// Looks at all of it; fails when the folder cannot be read.
pub async fn look(data_dir: &Path, deep: bool, findings: &mut Findings) -> anyhow::Result<()> {
    let root = data_dir.join(MODELS);
    let known = recorded(&root).with_context(|| format!("could not read `{}`", root.display()))?;
    let (mut wrong, mut total) = (Vec::new(), 0);
    for Recorded { model, filename, stored } in &known {
        let is_right = match stored {
            Some(stored) if deep => {
                let hash = hash_of(&root.join(model).join(filename)).await;
                hash.is_ok_and(|hash| hash == stored.sha256)
            }
            stored => stored.is_some(),
        };
        total += stored.as_ref().map_or(0, |stored| stored.bytes);
        if !is_right {
            wrong.push(format!("{model}/{filename}"));
        }
    }
    if !wrong.is_empty() {
        let detail = format!("{} damaged or gone: {}", wrong.len(), named(&wrong));
        findings.warn("models", detail, "fetch or upload them again");
    } else if !known.is_empty() {
        let checked = if deep { "every hash is right" } else { "all there, --deep compares hashes" };
        findings.ok("models", format!("{} files of {}: {checked}", known.len(), size(total)));
    }
    // What is wrong with the database itself was told where it was looked at.
    if let Ok(path) = database(data_dir)
        && let Ok(database) = Look::open_still(&path)
        && database.version() == Look::KNOWN_VERSION
    {
        match database.db().models() {
            Ok(models) => registry(&models, &known, findings),
            Err(error) => findings.fail("registry", error.to_string(), "restore a backup"),
        }
    }
    Ok(())
}

fn registry(models: &[Model], known: &[Recorded], findings: &mut Findings) {
    let (mut absent, mut other, mut unpinned) = (Vec::new(), Vec::new(), 0);
    for model in models.iter().filter(|model| model.enabled) {
        for file in &model.source.files {
            unpinned += usize::from(file.sha256.is_none());
            let Some(Ok(address)) = StudioAddress::parse(&file.url) else { continue };
            let is_it = |one: &&Recorded| one.model == address.model && one.filename == address.filename;
            let name = || format!("{}/{}", address.model, address.filename);
            match known.iter().find(is_it) {
                None => absent.push(name()),
                // Told as damaged.
                Some(Recorded { stored: None, .. }) => {}
                Some(Recorded { stored: Some(stored), .. }) => {
                    if file.sha256.as_ref().is_some_and(|pinned| *pinned != stored.sha256) {
                        other.push(name());
                    }
                }
            }
        }
    }
    if !absent.is_empty() {
        let detail = format!("{} that the registry names are not here: {}", absent.len(), named(&absent));
        findings.warn("registry", detail, "upload them with `studio models add`, or disable their models");
    }
    if !other.is_empty() {
        let detail = format!("{} have another hash than the registry says: {}", other.len(), named(&other));
        findings.warn("registry", detail, "upload the right ones, or pin what is here");
    }
    if absent.is_empty() && other.is_empty() {
        let detail = format!("{} models, {unpinned} of their files without a hash", models.len());
        findings.ok("registry", detail);
    }
}
