//! `studio backup`: a copy of one moment, made while the studio goes on.
//!
//! First the database, then every artefact and input that it names: their bytes are stored before their rows and never
//! change, so whatever the copy of the database names is there, or was deleted on purpose since: then the copy
//! forgets it as well. Hashes are compared on the way.
//!
//! The database is opened for reading only and keeps its schema version, in the copy as well: a backup that a newer
//! program makes before its first start can be restored by the older one.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use studio_protocol::Timestamp;
use studio_runtime::{Mode, write_atomic};
use studio_store::{Look, NamedBytes, forget_in_copy};

use super::Exit;
use super::manifest::{
    ADMIN_KEY, ARTEFACT_LIST, ARTEFACTS, ArtefactLine, DATABASE, FORMAT, MANIFEST, Manifest, SIGNING_KEY,
    database, empty_folder,
};
use super::output::Output;
use super::times::size;
use crate::artefacts::Artefacts;
use crate::client::hash_of;

/// Writes a backup of `data_dir` to `backup`.
pub async fn run(data_dir: &Path, backup: &Path, out: Output) -> anyhow::Result<Exit> {
    let original = database(data_dir)?;
    let look = Look::open_still(&original)?.not_newer()?;
    empty_folder(backup, "a backup goes to a folder of its own")?;
    let database = backup.join(DATABASE);
    look.db().backup_to(&database)?;
    if look.has_moved() {
        // A studio was started meanwhile: once more, as beside one that runs.
        std::fs::remove_file(&database)?;
        Look::open(&original)?.not_newer()?.db().backup_to(&database)?;
    }
    drop(look);
    let known = Look::open_still(&database)?.named_bytes()?;
    let folder = data_dir.join(ARTEFACTS);
    // Nothing is made in the data directory.
    let from = if folder.is_dir() { Some(Artefacts::local(&folder)?) } else { None };
    let to = Artefacts::local(&backup.join(ARTEFACTS))?;
    let mut list = std::io::BufWriter::new(std::fs::File::create(backup.join(ARTEFACT_LIST))?);
    let mut bytes = 0;
    let (mut damaged, mut deleted, mut count) = (Vec::new(), Vec::new(), 0);
    for NamedBytes { key, sha256, bytes: length, name, .. } in known {
        let line = ArtefactLine { key, sha256, bytes: length };
        let copied = match &from {
            Some(from) => copy(from, &to, &line).await,
            None => Err(anyhow!("there is no folder `{}`", folder.display())),
        };
        match copied {
            Ok(()) => {
                bytes += line.bytes;
                count += 1;
                serde_json::to_writer(&mut list, &line)?;
                list.write_all(b"\n")?;
            }
            Err(error) => {
                if Look::open_still(&original)?.names(&line.key)? {
                    damaged.push(format!("{name}: {error:#}"));
                } else {
                    deleted.push(line.key);
                }
            }
        }
    }
    if !deleted.is_empty() {
        forget_in_copy(&database, &deleted)?;
    }
    list.into_inner().context("could not write the list of artefacts")?.sync_all()?;
    for name in [ADMIN_KEY, SIGNING_KEY] {
        copy_key(&data_dir.join(name), &backup.join(name))?;
    }
    let manifest = Manifest {
        format: FORMAT,
        studio_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: Timestamp::now(),
        database_sha256: hash_of(&database).await?,
        artefacts: count,
        artefact_bytes: bytes,
    };
    write_atomic(&backup.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?, Mode::Shared)?;
    if !damaged.is_empty() {
        let count = damaged.len();
        let all = damaged.join("\n  ");
        bail!("the backup lacks {count} artefacts, everything else is in it:\n  {all}");
    }
    out.show(&manifest, || {
        let (folder, artefacts) = (backup.display(), manifest.artefacts);
        format!(
            "{folder}: the database and {artefacts} artefacts ({}), with the admin key and the key that the studio \
             signs with: keep it as safe as the studio itself",
            size(bytes)
        )
    })?;
    Ok(Exit::Done)
}

/// Copies a secret, if it is there.
pub fn copy_key(from: &Path, to: &Path) -> anyhow::Result<()> {
    match std::fs::read(from) {
        Ok(key) => write_atomic(to, &key, Mode::Private)
            .with_context(|| format!("could not write `{}`", to.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("could not read `{}`", from.display())),
    }
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
