//! How far a model is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use studio_protocol::ModelSource;

/// How far the files of a model are, all together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on the disk; goes back only when a file has to start over.
    pub bytes: u64,
    /// Bytes of all files as far as known.
    pub total: u64,
    /// The file that moved last.
    pub file: String,
    /// Files that are complete.
    pub files_done: usize,
    /// All files.
    pub files: usize,
}

/// What downloads count and callers of `ensure` read.
#[derive(Debug)]
pub(crate) struct Meter {
    files: Vec<FileMeter>,
    current: Mutex<usize>,
}

#[derive(Debug)]
struct FileMeter {
    name: String,
    bytes: AtomicU64,
    total: AtomicU64,
    done: std::sync::atomic::AtomicBool,
}

impl Meter {
    /// Names and expected sizes.
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let meter = |(name, total): (&str, u64)| FileMeter {
            name: name.to_owned(),
            bytes: AtomicU64::new(0),
            total: AtomicU64::new(total),
            done: false.into(),
        };
        Self { files: files.into_iter().map(meter).collect(), current: Mutex::new(0) }
    }

    /// The files of a source, each once.
    pub(crate) fn of(source: &ModelSource) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut files = Vec::new();
        for file in &source.files {
            if !names.contains(&file.filename.as_str()) {
                names.push(&file.filename);
                files.push((file.filename.as_str(), file.approx_bytes.unwrap_or(0)));
            }
        }
        Self::new(files)
    }

    /// `bytes` of the file are on the disk.
    pub(crate) fn at(&self, file: usize, bytes: u64) {
        if let Some(meter) = self.files.get(file) {
            meter.bytes.store(bytes, Ordering::Relaxed);
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = file;
        }
    }

    /// The file's real size is known.
    pub(crate) fn size(&self, file: usize, total: u64) {
        if let Some(meter) = self.files.get(file) {
            meter.total.store(total, Ordering::Relaxed);
        }
    }

    /// The file is complete.
    pub(crate) fn done(&self, file: usize, bytes: u64) {
        self.size(file, bytes);
        self.at(file, bytes);
        if let Some(meter) = self.files.get(file) {
            meter.done.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Progress {
        let current = *self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |field: fn(&FileMeter) -> u64| self.files.iter().map(field).sum::<u64>();
        let bytes = sum(|file| file.bytes.load(Ordering::Relaxed));
        Progress {
            bytes,
            // A size that was only an estimate may be passed.
            total: sum(|file| file.total.load(Ordering::Relaxed).max(file.bytes.load(Ordering::Relaxed))),
            file: self.files.get(current).map_or_else(String::new, |file| file.name.clone()),
            files_done: self.files.iter().filter(|file| file.done.load(Ordering::Relaxed)).count(),
            files: self.files.len(),
        }
    }
}
