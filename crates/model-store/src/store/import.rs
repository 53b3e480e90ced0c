//! Takes a model's file from elsewhere on this machine.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use studio_protocol::{ModelSource, PROGRESS_INTERVAL};
use tokio::fs;

use super::bring::blocking;
use super::{ModelStore, Room};
use crate::manifest::Entry;
use crate::{FetchError, Progress, names};

/// What is read at once: a millisecond of work between two looks at the flag.
const PIECE_BYTES: usize = 1024 * 1024;
/// Begins the name of a file on its way in; no model's file can.
const NEW: &str = ".new-import";

/// What the copying thread and its caller share.
#[derive(Default)]
struct Way {
    done: AtomicU64,
    stop: AtomicBool,
}

/// Says at its drop that nobody waits any more.
struct Stop(Arc<Way>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

impl ModelStore {
    /// Makes the file at `from` the one file of a model: linked where that goes, copied where it does not, and hashed.
    ///
    /// Returns the source with the file's hash. Dropping the future leaves nothing behind.
    pub async fn import(
        &self,
        model: &str,
        source: &ModelSource,
        from: &Path,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<ModelSource, FetchError> {
        let [file] = names::files_of(model, source)?[..] else {
            return Err(FetchError::Name(format!(
                "model `{model}` has more than one file: bring them one by one"
            )));
        };
        let inner = &self.0;
        let _busy = inner.busy(model);
        let turn = inner.turn(model);
        let _turn = turn.lock().await;
        let unreadable = |error| FetchError::disk("read", from, error);
        // A link to a link would follow it wherever it leads later.
        let real = fs::canonicalize(from).await.map_err(unreadable)?;
        let opened = fs::File::open(&real).await.map_err(unreadable)?;
        let meta = opened.metadata().await.map_err(unreadable)?;
        if !meta.is_file() {
            return Err(FetchError::Name(format!("`{}` is not a file", from.display())));
        }
        let folder = inner.root.join(model);
        fs::create_dir_all(&folder).await.map_err(|error| FetchError::disk("make", &folder, error))?;
        let new = Leftover(folder.join(NEW));
        let _ = fs::remove_file(&new.0).await;
        let linked = fs::hard_link(&real, &new.0).await.is_ok();
        let promise = inner.promises.add();
        if !linked {
            Room { inner, folder: &folder }.make(&promise, meta.len()).await?;
        }
        let copy_to = (!linked).then(|| new.0.clone());
        let shown = |bytes| Progress {
            bytes,
            total: meta.len(),
            file: file.filename.clone(),
            files_done: 0,
            files: 1,
        };
        let sha256 = taken(opened.into_std().await, copy_to, &folder, |bytes| progress(shown(bytes))).await?;
        drop(promise);
        let mut pinned = source.clone();
        for part in &mut pinned.files {
            part.sha256 = Some(sha256.clone());
        }
        let target = folder.join(&file.filename);
        fs::rename(&new.0, &target).await.map_err(|error| FetchError::disk("write", &target, error))?;
        let meta = fs::metadata(&target).await.map_err(|error| FetchError::disk("read", &target, error))?;
        let (inner, name, wanted) = (inner.clone(), model.to_owned(), pinned.clone());
        blocking(&folder, move || {
            let leftovers = inner.prepare(&name, &wanted)?;
            let entry = Entry::new(&wanted.files[0], &meta, sha256);
            inner.change(&name, |manifest| manifest.put(entry))?;
            for leftover in leftovers {
                let _ = std::fs::remove_file(inner.root.join(&name).join(leftover));
            }
            inner.mark_used(&name);
            Ok(())
        })
        .await?;
        Ok(pinned)
    }
}

/// Removes what was not put in its place, and the folder if nothing else is in it.
struct Leftover(PathBuf);

impl Drop for Leftover {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        if let Some(folder) = self.0.parent() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Hashes a file, and copies it if it is to be copied.
async fn taken(
    from: File,
    to: Option<PathBuf>,
    folder: &Path,
    progress: impl Fn(u64) + Send + Sync,
) -> Result<String, FetchError> {
    let stop = Stop(Arc::default());
    let way = stop.0.clone();
    let mut work = Box::pin(blocking(folder, {
        let folder = folder.to_path_buf();
        move || pour(from, to.as_deref(), &way).map_err(|error| FetchError::disk("copy into", &folder, error))
    }));
    let mut ticks = tokio::time::interval(PROGRESS_INTERVAL);
    loop {
        tokio::select! {
            biased;
            end = &mut work => return end,
            _ = ticks.tick() => progress(stop.0.done.load(Ordering::Relaxed)),
        }
    }
}

fn pour(mut from: File, to: Option<&Path>, way: &Way) -> io::Result<String> {
    let mut to = to.map(File::create).transpose()?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        if way.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("nobody waits for it"));
        }
        let read = from.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        if let Some(to) = &mut to {
            to.write_all(&piece[..read])?;
        }
        way.done.fetch_add(read as u64, Ordering::Relaxed);
    }
    if let Some(to) = to {
        to.sync_all()?;
    }
    Ok(hex::encode(hash.finalize()))
}
