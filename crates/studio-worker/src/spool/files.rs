//! Names and moves of the spool's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use studio_protocol::JobId;

/// The extension of what is being written.
pub(super) const HALF_WRITTEN: &str = "new";
/// Longer names are hashed: file systems take 255 bytes, extension included.
const MAX_STEM_BYTES: usize = 120;

/// A file name for a job, whatever its id holds: ids come from the studio and are no paths.
pub fn file_stem(job: &JobId) -> String {
    let id = job.as_str();
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain && !id.is_empty() && id.len() <= MAX_STEM_BYTES {
        return id.to_owned();
    }
    // `=` is in no plain name, so no two ids share a file.
    format!("={}", hex::encode(Sha256::digest(id.as_bytes())))
}

/// The part of a file's name that all files of its result share.
pub(super) fn stem_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.split('.').next()
}

/// Replaces a file in one step.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension(HALF_WRITTEN);
    let written = fs::write(&half, bytes).and_then(|()| fs::rename(&half, path));
    if written.is_err() {
        let _ = fs::remove_file(&half);
    }
    written
}

/// Moves a file, by copy when it lies on another file system.
pub(super) fn relocate(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let half = to.with_extension(HALF_WRITTEN);
            let copied = fs::copy(from, &half).and_then(|_| fs::rename(&half, to));
            if copied.is_err() {
                let _ = fs::remove_file(&half);
            }
            copied.and_then(|()| fs::remove_file(from))
        }
        moved => moved,
    }
}

/// Deletes a file that may be gone.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The files of a folder that may be missing.
pub(super) fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}
