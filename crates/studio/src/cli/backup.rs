//! `studio backup`: a copy of one moment, made while the studio goes on.
//!
//! First the database, then every artefact that it names: artefacts are stored before their rows and never
//! change, so whatever the copy of the database names is there. Hashes are compared on the way.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use studio_protocol::Timestamp;
use studio_runtime::{Mode, write_atomic};

use super::Exit;
use super::manifest::{
    ADMIN_KEY, ARTEFACT_LIST, ARTEFACTS, ArtefactLine, DATABASE, FORMAT, MANIFEST, Manifest, artefacts,
    empty_folder, open_store,
};
use super::output::Output;
use super::times::size;
use crate::artefacts::Artefacts;
use crate::client::hash_of;

/// Writes a backup of `data_dir` to `backup`.
pub async fn run(data_dir: &Path, backup: &Path, out: Output) -> anyhow::Result<Exit> {
    let store = open_store(data_dir)?;
    empty_folder(backup, "a backup goes to a folder of its own")?;
    let database = backup.join(DATABASE);
    let target = database.clone();
    store.read(move |db| db.backup_to(&target)).await?;
    let known = artefacts(&store).await?;
    store.close().await;
    let from = Artefacts::local(&data_dir.join(ARTEFACTS))?;
    let to = Artefacts::local(&backup.join(ARTEFACTS))?;
    let mut list = std::io::BufWriter::new(std::fs::File::create(backup.join(ARTEFACT_LIST))?);
    let mut bytes = 0;
    let mut damaged = Vec::new();
    for artefact in &known {
        let line = ArtefactLine {
            key: artefact.key.clone(),
            sha256: artefact.sha256.clone(),
            bytes: artefact.bytes,
        };
        match copy(&from, &to, &line).await {
            Ok(()) => {
                bytes += artefact.bytes;
                serde_json::to_writer(&mut list, &line)?;
                list.write_all(b"\n")?;
            }
            Err(error) => damaged.push(format!("{} of {}: {error:#}", artefact.id, artefact.job)),
        }
    }
    list.into_inner().context("could not write the list of artefacts")?.sync_all()?;
    if let Ok(key) = std::fs::read(data_dir.join(ADMIN_KEY)) {
        write_atomic(&backup.join(ADMIN_KEY), &key, Mode::Private)?;
    }
    let manifest = Manifest {
        format: FORMAT,
        studio_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: Timestamp::now(),
        database_sha256: hash_of(&database).await?,
        artefacts: (known.len() - damaged.len()) as u64,
        artefact_bytes: bytes,
    };
    write_atomic(&backup.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?, Mode::Shared)?;
    if !damaged.is_empty() {
        let count = damaged.len();
        let all = damaged.join("\n  ");
        bail!("the backup lacks {count} artefacts, everything else is in it:\n  {all}");
    }
    out.show(&manifest, || {
        format!("{}: the database and {} artefacts ({})", backup.display(), manifest.artefacts, size(bytes))
    })?;
    Ok(Exit::Done)
}

/// Copies one artefact and makes sure that it is the one that is meant.
pub async fn copy(from: &Artefacts, to: &Artefacts, line: &ArtefactLine) -> anyhow::Result<()> {
    let stored = to.put(&line.key, line.bytes, from.get(&line.key, None).await?).await?;
    if stored.sha256 == line.sha256 && stored.bytes == line.bytes {
        return Ok(());
    }
    to.delete(&line.key).await?;
    bail!("its SHA-256 is {}, it was stored as {}", stored.sha256, line.sha256)
}
