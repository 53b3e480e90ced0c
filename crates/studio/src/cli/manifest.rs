//! What a backup holds, so that a restore can tell whether it is whole.

use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;
use studio_store::{Artefact, Db, NewInput, Store, StoreError};

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
/// Artefacts that are read from the database at once.
const PAGE: u32 = 500;

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

/// Every artefact that the database knows, a page at a time.
pub async fn artefacts(store: &Store) -> Result<Vec<Artefact>, StoreError> {
    store
        .read(|db| {
            let mut all = Vec::new();
            let mut cursor = None;
            loop {
                let page = db.artefacts(None, cursor, PAGE)?;
                all.extend(page.items);
                match page.next_cursor {
                    Some(next) => cursor = Some(next),
                    None => return Ok(all),
                }
            }
        })
        .await
}

/// Everything in the artefact store that the database knows, and what to call it.
pub async fn kept(store: &Store) -> Result<Vec<(ArtefactLine, String)>, StoreError> {
    let mut kept: Vec<(ArtefactLine, String)> = Vec::new();
    for Artefact { id, job, key, sha256, bytes, .. } in artefacts(store).await? {
        kept.push((ArtefactLine { key, sha256, bytes }, format!("{id} of {job}")));
    }
    for input in store.read(Db::inputs).await? {
        let NewInput { id, key, sha256, bytes, .. } = input.new;
        kept.push((ArtefactLine { key, sha256, bytes }, format!("the input {id}")));
    }
    Ok(kept)
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

/// Opens the database of a data directory; never makes one.
pub fn open_store(data_dir: &Path) -> anyhow::Result<Store> {
    let path = data_dir.join(DATABASE);
    if !path.exists() {
        bail!("there is no database `{}`: name the studio's data directory with --data-dir", path.display());
    }
    Ok(Store::open(&path)?)
}
