//! SHA-256 of files, off the async threads and stopped when nobody waits.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

/// What is read at once: a millisecond of work between two looks at the flag.
const PIECE_BYTES: usize = 1024 * 1024;

/// Says at its drop that nobody waits for the hash any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The hash state after the first `limit` bytes of a file, and how many there were.
///
/// It reads through the very handle that it is given: one that locks the file may be the only one that can.
pub(crate) async fn hashed(file: File, limit: u64) -> io::Result<(Sha256, u64, File)> {
    let stop = Stop(Arc::new(AtomicBool::new(false)));
    let flag = stop.0.clone();
    let work = tokio::task::spawn_blocking(move || hash_blocking(file, limit, &flag));
    work.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The whole file's hash in hex.
pub(crate) async fn hex_of(path: &Path) -> io::Result<String> {
    let (hash, ..) = hashed(tokio::fs::File::open(path).await?.into_std().await, u64::MAX).await?;
    Ok(hex::encode(hash.finalize()))
}

fn hash_blocking(file: File, limit: u64, stop: &AtomicBool) -> io::Result<(Sha256, u64, File)> {
    let mut limited = file.take(limit);
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut total = 0;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("nobody waits for it"));
        }
        match limited.read(&mut piece)? {
            0 => return Ok((hash, total, limited.into_inner())),
            read => {
                hash.update(&piece[..read]);
                total += read as u64;
            }
        }
    }
}

/// A pinned hash as it is compared; `None` when it is no SHA-256.
pub(crate) fn normal(pinned: &str) -> Option<String> {
    let text = pinned.trim().to_ascii_lowercase();
    (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then_some(text)
}
