//! What a backup holds, so that a restore can tell whether it is whole.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;

/// The layout of backups that this program writes and reads.
pub const FORMAT: u32 = 1;
/// The manifest; written last, so that a backup without it is known to be half done.
pub const MANIFEST: &str = "manifest.json";
/// One [`ArtefactLine`] a line.
pub const ARTEFACT_LIST: &str = "artefacts.jsonl";
/// The copy of the database.
pub const DATABASE: &str = "studio.db";
/// The folder of the copied artefacts.
pub const ARTEFACTS: &str = "artefacts";
/// The copy of the admin key: the database holds only its hash, and a restored studio makes no new one.
pub const ADMIN_KEY: &str = "admin.key";
/// The copy of the key that the studio signs with: without it, addresses that were given out open nothing and
/// receivers of webhooks do not know the signatures any more.
pub const SIGNING_KEY: &str = "studio.key";

/// `manifest.json`
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// Which studio wrote it.
    pub studio_version: String,
    /// When.
    pub created_at: Timestamp,
    /// Of the copy of the database.
    pub database_sha256: String,
    /// How many.
    pub artefacts: u64,
    /// How large they are together.
    pub artefact_bytes: u64,
}

/// A line of `artefacts.jsonl`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArtefactLine {
    /// Its place in the artefact store.
    pub key: String,
    /// Lowercase hex.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
}

impl Manifest {
    /// Reads a backup's manifest.
    pub fn read(backup: &Path) -> anyhow::Result<Self> {
        let path = backup.join(MANIFEST);
        let text = std::fs::read(&path).with_context(|| {
            format!("`{}` holds no whole backup: could not read `{}`", backup.display(), path.display())
        })?;
        let manifest: Self =
            serde_json::from_slice(&text).with_context(|| format!("`{}` is damaged", path.display()))?;
        if manifest.format != FORMAT {
            let found = manifest.format;
            bail!("the backup has format {found}, this studio reads {FORMAT}: use the studio that wrote it");
        }
        Ok(manifest)
    }
}

/// Refuses a folder that has something in it; makes it when it is missing.
pub fn empty_folder(folder: &Path, purpose: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not create `{}`", folder.display()))?;
    let mut entries = folder.read_dir().with_context(|| format!("could not read `{}`", folder.display()))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => bail!("`{}` is not empty: {purpose}", folder.display()),
    }
}

/// Where the database of a data directory is; an error when there is none.
pub fn database(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let path = data_dir.join(DATABASE);
    if !path.exists() {
        bail!("there is no database `{}`: name the studio's data directory with --data-dir", path.display());
    }
    Ok(path)
}
