//! Room on the disk: what is there, what is promised to downloads under way, and what may go.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What identifies a file: hard links of one share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum FileId {
    #[cfg(unix)]
    Inode(u64, u64),
    #[cfg(not(unix))]
    Path(std::path::PathBuf),
}

/// The bytes below a models folder, hard links counted once.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    files: HashMap<FileId, (u64, BTreeSet<String>)>,
}

impl Footprint {
    /// Looks at every file; symbolic links are not followed, for what they lead to is not ours.
    pub(crate) fn of(root: &Path) -> io::Result<Self> {
        let mut footprint = Self::default();
        for folder in fs::read_dir(root)? {
            let folder = folder?;
            let model = folder.file_name().to_string_lossy().into_owned();
            footprint.add(&folder.path(), &model)?;
        }
        Ok(footprint)
    }

    fn add(&mut self, path: &Path, model: &str) -> io::Result<()> {
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            // It went while we looked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if meta.is_dir() {
            for inner in fs::read_dir(path)? {
                self.add(&inner?.path(), model)?;
            }
        } else if meta.is_file() {
            let file = self.files.entry(file_id(path, &meta)).or_default();
            file.0 = meta.len();
            file.1.insert(model.to_owned());
        }
        Ok(())
    }

    pub(crate) fn used(&self) -> u64 {
        self.files.values().map(|(bytes, _)| bytes).sum()
    }

    /// What would go with these models: a file that another one shares stays.
    pub(crate) fn freed_with(&self, models: &BTreeSet<String>) -> u64 {
        self.files.values().filter(|(_, owners)| owners.is_subset(models)).map(|(bytes, _)| bytes).sum()
    }
}

#[cfg(unix)]
fn file_id(_: &Path, meta: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    FileId::Inode(meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn file_id(path: &Path, _: &Metadata) -> FileId {
    FileId::Path(path.to_owned())
}

/// What the disk still has for us; `None` where the platform does not tell.
#[cfg(unix)]
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// What the disk still has for us; `None` where the platform does not tell.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// What downloads under way are still to write.
#[derive(Debug, Default)]
pub(crate) struct Promises(Mutex<Vec<Weak<AtomicU64>>>);

/// The promise to one download; it ends with it.
#[derive(Debug)]
pub(crate) struct Promise(Arc<AtomicU64>);

impl Promises {
    pub(crate) fn add(&self) -> Promise {
        let promise = Promise(Arc::default());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&promise.0));
        promise
    }

    pub(crate) fn total(&self) -> u64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).map(|promise| promise.load(Ordering::Relaxed)).sum()
    }
}

impl Promise {
    pub(crate) fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Some of it is on the disk now.
    pub(crate) fn came(&self, bytes: u64) {
        let less = |left: u64| Some(left.saturating_sub(bytes));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_shared_file_counts_once_and_goes_with_its_last_owner() {
        let dir = tempfile::tempdir().unwrap();
        for (model, file, bytes) in [("a", "own", 10), ("a", "shared", 100), ("b", "own", 20)] {
            fs::create_dir_all(dir.path().join(model)).unwrap();
            fs::write(dir.path().join(model).join(file), vec![0; bytes]).unwrap();
        }
        fs::hard_link(dir.path().join("a/shared"), dir.path().join("b/shared")).unwrap();
        let footprint = Footprint::of(dir.path()).unwrap();
        assert_eq!(footprint.used(), 130);
        assert_eq!(footprint.freed_with(&set(&["a"])), 10);
        assert_eq!(footprint.freed_with(&set(&["a", "b"])), 130);
    }

    #[test]
    fn a_promise_shrinks_as_bytes_come_and_ends_with_its_download() {
        let promises = Promises::default();
        let (one, other) = (promises.add(), promises.add());
        one.set(100);
        other.set(50);
        one.came(70);
        assert_eq!(promises.total(), 80);
        one.came(1000);
        drop(other);
        assert_eq!(promises.total(), 0);
    }
}
