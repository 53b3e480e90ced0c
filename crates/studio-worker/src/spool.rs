//! Finished results on disk, until the studio has acknowledged them (protocol section 10).
//!
//! For each result a `<job>.json` with all about it, a JSON result included; the bytes of a file lie beside it
//! as `<job>.<ext>`. Both are written under another name and renamed, without `fsync`: a result survives
//! `kill -9`, and after a power loss the studio has the job done again.

mod entry;
mod files;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use studio_protocol::JobId;
use worker_core::{Output, SpoolEntry};

pub use entry::Unusable;
pub use files::file_stem;
pub(crate) use files::replace;

/// The folder of one worker's results; cheap to clone.
#[derive(Debug, Clone)]
pub struct Spool(PathBuf);

/// What a spool held when it was opened.
#[derive(Debug, Default)]
pub struct Found {
    /// What can be reported.
    pub entries: Vec<SpoolEntry>,
    /// What was dropped, for the log.
    pub dropped: Vec<(PathBuf, Unusable)>,
}

/// Written by [`Spool::is_writable`]: more than the meta of a usual result.
const PROBE: [u8; 16 * 1024] = [0; 16 * 1024];

impl Spool {
    /// At `dir`, which is made when it is needed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// Reads everything; damaged results and left-overs are deleted.
    pub fn recover(&self) -> io::Result<Found> {
        let found = self.read()?;
        let readable = found.entries.iter().map(|entry| file_stem(&entry.job_id));
        // What a newer worker wrote, or the disk did not give out just now, may be of use another time.
        let undecided = found.dropped.iter().filter(|(_, reason)| !reason.is_final());
        let undecided = undecided.filter_map(|(path, _)| files::stem_of(path).map(ToOwned::to_owned));
        let kept: Vec<String> = readable.chain(undecided).collect();
        for path in files::list(&self.0)? {
            let half = path.extension().is_some_and(|ext| ext == files::HALF_WRITTEN);
            if half || !files::stem_of(&path).is_some_and(|stem| kept.iter().any(|kept| kept == stem)) {
                files::remove(&path)?;
            }
        }
        Ok(found)
    }

    /// Reads everything and changes nothing.
    pub fn read(&self) -> io::Result<Found> {
        let mut found = Found::default();
        for path in files::list(&self.0)? {
            if path.extension().is_none_or(|ext| ext != "json") {
                continue;
            }
            match entry::read(&path) {
                Ok(entry) => found.entries.push(entry),
                Err(reason) => found.dropped.push((path, reason)),
            }
        }
        found.entries.sort_by(|a, b| a.job_id.cmp(&b.job_id));
        Ok(found)
    }

    /// Writes a result; a file is moved here. Blocks, for a file as long as it takes to hash it.
    pub fn write(&self, result: &SpoolEntry) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let payload = match &result.output {
            Output::Json(_) => None,
            Output::File { path, ext } => {
                let here = self.payload(&result.job_id, ext);
                // A result that is taken up again is here already.
                if !here.exists() {
                    files::relocate(path, &here)?;
                }
                Some(here)
            }
        };
        let meta = entry::encode(result, payload.as_deref())?;
        replace(&self.meta(&result.job_id), &meta)
    }

    /// Where the bytes of a result lie: here, or where the engine left them when the disk was full.
    pub fn payload_of(&self, result: &SpoolEntry) -> Option<PathBuf> {
        match &result.output {
            Output::Json(_) => None,
            Output::File { path, ext } => {
                let here = self.payload(&result.job_id, ext);
                Some(if here.exists() { here } else { path.clone() })
            }
        }
    }

    /// Whether the bytes of a result that an earlier process left are those that were written; blocks.
    pub fn verify(&self, result: &SpoolEntry) -> Result<(), Unusable> {
        entry::verify_payload(&self.meta(&result.job_id))
    }

    /// Deletes all of a result.
    pub fn remove(&self, job: &JobId) -> io::Result<()> {
        let meta = self.meta(job);
        let ext = entry::ext_of(&meta);
        files::remove(&meta)?;
        match ext {
            Some(ext) => files::remove(&self.payload(job, &ext)),
            None => Ok(()),
        }
    }

    /// Whether the disk takes a result.
    pub fn is_writable(&self) -> bool {
        let probe = self.0.join(format!("probe.{}", files::HALF_WRITTEN));
        let written = fs::create_dir_all(&self.0).and_then(|()| fs::write(&probe, PROBE));
        let _ = files::remove(&probe);
        written.is_ok()
    }

    fn meta(&self, job: &JobId) -> PathBuf {
        self.0.join(format!("{}.json", file_stem(job)))
    }

    fn payload(&self, job: &JobId, ext: &str) -> PathBuf {
        // The meta has this extension already.
        let ext = if ext == "json" { "payload" } else { ext };
        self.0.join(format!("{}.{ext}", file_stem(job)))
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
mod tests;
