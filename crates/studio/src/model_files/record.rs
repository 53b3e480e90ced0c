//! What the studio knows of a file without reading it again.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use studio_runtime::{Mode, write_atomic};

use super::{StoredFile, remove_if_there};

/// Beside the folders of the models, whose names cannot begin with a dot.
const RECORDS: &str = ".records";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    sha256: String,
    bytes: u64,
    /// When the file was written; another time says that somebody else wrote it since.
    modified_ms: u64,
}

fn path_of(root: &Path, model: &str, filename: &str) -> PathBuf {
    root.join(RECORDS).join(model).join(filename)
}

/// A record and what became of its file.
pub struct Recorded {
    /// The folder.
    pub model: String,
    /// The file in it.
    pub filename: String,
    /// What it is, unless it is not as its record says.
    pub stored: Option<StoredFile>,
}

/// Every file that has a record; nothing is changed.
pub fn recorded(root: &Path) -> io::Result<Vec<Recorded>> {
    let mut all = Vec::new();
    let records = root.join(RECORDS);
    if !records.exists() {
        return Ok(all);
    }
    for folder in std::fs::read_dir(&records)? {
        let folder = folder?;
        let Ok(model) = folder.file_name().into_string() else { continue };
        if !folder.file_type()?.is_dir() {
            continue;
        }
        for record in std::fs::read_dir(folder.path())? {
            let record = record?;
            let Ok(filename) = record.file_name().into_string() else { continue };
            let stored = read(&record.path(), &root.join(&model).join(&filename));
            all.push(Recorded { model: model.clone(), filename, stored });
        }
    }
    all.sort_by(|one, other| (&one.model, &one.filename).cmp(&(&other.model, &other.filename)));
    Ok(all)
}

/// Every file that is as its record says, by model.
pub fn read_all(root: &Path) -> io::Result<HashMap<String, BTreeMap<String, StoredFile>>> {
    let mut all: HashMap<String, BTreeMap<String, StoredFile>> = HashMap::new();
    for Recorded { model, filename, stored } in recorded(root)? {
        if let Some(stored) = stored {
            all.entry(model).or_default().insert(filename, stored);
        } else {
            tracing::warn!("the model file `{model}/{filename}` is not as it was stored: it is not served");
        }
    }
    Ok(all)
}

fn read(record: &Path, file: &Path) -> Option<StoredFile> {
    let Record { sha256, bytes, modified_ms } = serde_json::from_slice(&std::fs::read(record).ok()?).ok()?;
    let is_same = modified(file).is_ok_and(|(found, time)| found == bytes && time == modified_ms);
    is_same.then_some(StoredFile { sha256, bytes })
}

/// Writes the record of a file that is in place.
pub fn write(root: &Path, model: &str, filename: &str, stored: &StoredFile) -> io::Result<()> {
    let (bytes, modified_ms) = modified(&root.join(model).join(filename))?;
    if bytes != stored.bytes {
        let problem = format!("`{filename}` has {bytes} bytes in place of {}", stored.bytes);
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    let path = path_of(root, model, filename);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let record = Record { sha256: stored.sha256.clone(), bytes, modified_ms };
    write_atomic(&path, &serde_json::to_vec(&record)?, Mode::Private)
}

/// Removes the record of a file; that there is none is fine.
pub fn remove(root: &Path, model: &str, filename: &str) -> io::Result<()> {
    let path = path_of(root, model, filename);
    remove_if_there(&path)?;
    if let Some(folder) = path.parent() {
        // There are other records in it, or none at all.
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}

fn modified(path: &Path) -> io::Result<(u64, u64)> {
    let meta = std::fs::metadata(path)?;
    let time = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((meta.len(), time.as_millis() as u64))
}
