//! What is known of a model's files: one JSON file in its folder.
//!
//! It is believed only where the disk agrees: a file whose size or time of change differs is hashed again.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use studio_protocol::{ModelFile, ModelSource};
use studio_runtime::{Mode, write_atomic};

use crate::reach::identity;
use crate::sha::normal;
use crate::{FetchError, names};

/// The manifest's name; a model's own file cannot have it.
pub(crate) const MANIFEST: &str = ".studio-model.json";
/// Raised when a reader of the former version would misread the file.
const VERSION: u32 = 1;
/// A source with hundreds of files fits.
const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// One model in its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    version: u32,
    /// The name of the folder.
    pub(crate) model: String,
    /// As it was asked for last.
    pub(crate) source: ModelSource,
    /// The files that are complete.
    pub(crate) files: Vec<Entry>,
    /// Milliseconds since 1970.
    pub(crate) last_used_ms: u64,
    /// Never evicted.
    #[serde(default)]
    pub(crate) pinned: bool,
}

/// One complete file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) filename: String,
    pub(crate) bytes: u64,
    /// Computed from the bytes, never copied from a source.
    pub(crate) sha256: String,
    /// Of the file when it was hashed.
    modified_ns: u64,
    /// The address that an unpinned file was trusted from, without credentials.
    pub(crate) url: String,
    pub(crate) fetched_ms: u64,
}

impl Manifest {
    pub(crate) fn new(model: &str, source: &ModelSource) -> Self {
        Self {
            version: VERSION,
            model: model.to_owned(),
            source: source.clone(),
            files: Vec::new(),
            last_used_ms: now_ms(),
            pinned: false,
        }
    }

    /// `None` when there is none, or none that can be believed.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let path = folder.join(MANIFEST);
        let meta = std::fs::metadata(&path).ok()?;
        let read = || {
            if meta.len() > MAX_MANIFEST_BYTES {
                return Err(format!("it has {} bytes", meta.len()));
            }
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let manifest: Self = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            manifest.check(folder)?;
            Ok(manifest)
        };
        match read() {
            Ok(manifest) => Some(manifest),
            Err(why) => {
                tracing::warn!(path = %path.display(), why, "manifest is not used, files are checked again");
                None
            }
        }
    }

    fn check(&self, folder: &Path) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!("version {} is not {VERSION}", self.version));
        }
        if folder.file_name().and_then(|name| name.to_str()) != Some(&self.model) {
            return Err(format!("it belongs to model `{}`", self.model));
        }
        names::files_of(&self.model, &self.source).map_err(|error| error.to_string())?;
        for entry in &self.files {
            let plain = self.source.files.iter().any(|file| file.filename == entry.filename);
            if !plain || normal(&entry.sha256).as_deref() != Some(&entry.sha256) {
                return Err(format!("its file `{}` is damaged", entry.filename));
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), FetchError> {
        let path = folder.join(MANIFEST);
        let failed = |error| FetchError::disk("write", &path, error);
        let json = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        // Addresses in the source may carry tokens.
        write_atomic(&path, &json, Mode::Private).map_err(failed)
    }

    pub(crate) fn entry(&self, filename: &str) -> Option<&Entry> {
        self.files.iter().find(|entry| entry.filename == filename)
    }

    pub(crate) fn put(&mut self, entry: Entry) {
        self.files.retain(|other| other.filename != entry.filename);
        self.files.push(entry);
    }

    pub(crate) fn forget(&mut self, filename: &str) {
        self.files.retain(|entry| entry.filename != filename);
    }

    /// Whether every file of the source has been brought.
    pub(crate) fn is_complete(&self) -> bool {
        self.source.files.iter().all(|file| self.entry(&file.filename).is_some_and(|e| e.answers(file)))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|entry| entry.bytes).sum()
    }

    pub(crate) fn last_used(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.last_used_ms)
    }
}

impl Entry {
    /// Of a file that has just been hashed.
    pub(crate) fn new(file: &ModelFile, meta: &Metadata, sha256: String) -> Self {
        Self {
            filename: file.filename.clone(),
            bytes: meta.len(),
            sha256,
            modified_ns: modified_ns(meta),
            url: identity(&file.url),
            fetched_ms: now_ms(),
        }
    }

    /// Whether these are the bytes that a source asks for.
    pub(crate) fn answers(&self, file: &ModelFile) -> bool {
        match &file.sha256 {
            Some(pinned) => normal(pinned).as_deref() == Some(&self.sha256),
            None => self.url == identity(&file.url),
        }
    }

    /// Whether the file looks as it did when it was hashed.
    pub(crate) fn fits(&self, meta: &Metadata) -> bool {
        meta.is_file() && meta.len() == self.bytes && modified_ns(meta) == self.modified_ns
    }

    /// The bytes are the same ones, whatever changed the time.
    pub(crate) fn touch(&mut self, meta: &Metadata) {
        self.modified_ns = modified_ns(meta);
    }
}

fn modified_ns(meta: &Metadata) -> u64 {
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
    meta.modified().ok().and_then(since).map_or(0, |since| since.as_nanos() as u64)
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
