//! `studio restore`: a backup becomes the data of a studio, checked before the studio can see it.
//!
//! The database goes last: a restore that was cut short leaves no database, so no studio starts on half of it.

use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, bail};

use super::Exit;
use super::backup::{copy, copy_key};
use super::manifest::{
    ADMIN_KEY, ARTEFACT_LIST, ARTEFACTS, ArtefactLine, DATABASE, Manifest, SIGNING_KEY, empty_folder,
};
use super::output::Output;
use super::times::size;
use crate::artefacts::Artefacts;
use crate::client::hash_of;

/// Puts the backup into `data_dir`.
pub async fn run(backup: &Path, data_dir: &Path, out: Output) -> anyhow::Result<Exit> {
    let manifest = Manifest::read(backup)?;
    let database = backup.join(DATABASE);
    let found =
        hash_of(&database).await.with_context(|| format!("could not read `{}`", database.display()))?;
    if found != manifest.database_sha256 {
        bail!("`{}` is damaged: its SHA-256 is not the one in the manifest", database.display());
    }
    empty_folder(
        data_dir,
        "a backup is restored into an empty data directory only; move what is there away, or name another with --data-dir",
    )?;
    if let Err(error) = fill(backup, data_dir, &manifest).await {
        // Nothing was there before, so nothing is lost; the next try finds the folder empty.
        for made in [ARTEFACTS, ADMIN_KEY, SIGNING_KEY].map(|name| data_dir.join(name)) {
            let _ = if made.is_dir() { std::fs::remove_dir_all(&made) } else { std::fs::remove_file(&made) };
        }
        return Err(error);
    }
    out.show(&manifest, || {
        let (artefacts, bytes) = (manifest.artefacts, size(manifest.artefact_bytes));
        format!(
            "{}: the database of {} and {artefacts} artefacts ({bytes})",
            data_dir.display(),
            manifest.created_at
        )
    })?;
    Ok(Exit::Done)
}

async fn fill(backup: &Path, data_dir: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let from = Artefacts::local(&backup.join(ARTEFACTS))?;
    let to = Artefacts::local(&data_dir.join(ARTEFACTS))?;
    let list = backup.join(ARTEFACT_LIST);
    let lines = std::fs::File::open(&list).with_context(|| format!("could not read `{}`", list.display()))?;
    let mut restored = 0;
    for line in BufReader::new(lines).lines() {
        let line: ArtefactLine =
            serde_json::from_str(&line?).with_context(|| format!("`{}`", list.display()))?;
        copy(&from, &to, &line).await.with_context(|| format!("the backup's artefact `{}`", line.key))?;
        restored += 1;
    }
    if restored != manifest.artefacts {
        bail!("the backup lists {restored} artefacts, its manifest says {}", manifest.artefacts);
    }
    for name in [ADMIN_KEY, SIGNING_KEY] {
        copy_key(&backup.join(name), &data_dir.join(name))?;
    }
    let target = data_dir.join(DATABASE);
    studio_store::restore(&backup.join(DATABASE), &target, &target.with_added_extension("before"))?;
    Ok(())
}
