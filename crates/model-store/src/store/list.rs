//! Every model of the folder, for people: complete or not, used or not.

use std::fs;
use std::time::SystemTime;

use studio_protocol::ModelSource;

use super::ModelStore;
use crate::download::bytes_there;

/// A model of which something is on the disk.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModel {
    /// Its id.
    pub model: String,
    /// How to run it, as it was asked for last.
    pub source: ModelSource,
    /// Each file of the source once, also those that are not here yet.
    pub files: Vec<StoredFile>,
    /// Whether all of them are here and look as they did when they were checked.
    pub complete: bool,
    /// Whether somebody holds, brings or checks it.
    pub in_use: bool,
    /// When a job used it last, or when it came.
    pub last_used: SystemTime,
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// In the model's folder.
    pub name: String,
    /// On the disk, of an unfinished download too.
    pub bytes: u64,
    /// Of a complete one.
    pub sha256: Option<String>,
}

impl ModelStore {
    /// Every model with its files; looks at each of them on the disk, so it blocks the thread.
    pub fn stored(&self) -> Vec<StoredModel> {
        let known: Vec<_> = {
            let models = self.0.models();
            let known = models.iter().filter_map(|(name, model)| {
                let in_use = model.holds > 0 || model.busy > 0;
                Some((name.clone(), model.manifest.clone()?, in_use))
            });
            known.collect()
        };
        let stored = known.into_iter().map(|(model, manifest, in_use)| {
            let folder = self.0.root.join(&model);
            let mut files: Vec<StoredFile> = Vec::new();
            let mut complete = manifest.is_complete();
            for file in &manifest.source.files {
                if files.iter().any(|other| other.name == file.filename) {
                    continue;
                }
                let path = folder.join(&file.filename);
                let entry = manifest.entry(&file.filename);
                let entry = entry.filter(|entry| fs::metadata(&path).is_ok_and(|meta| entry.fits(&meta)));
                complete &= entry.is_some();
                files.push(StoredFile {
                    name: file.filename.clone(),
                    bytes: entry.map_or_else(|| bytes_there(&path), |entry| entry.bytes),
                    sha256: entry.map(|entry| entry.sha256.clone()),
                });
            }
            StoredModel {
                model,
                last_used: manifest.last_used(),
                source: manifest.source,
                files,
                complete,
                in_use,
            }
        });
        stored.collect()
    }
}
