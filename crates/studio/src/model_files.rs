//! Files of models that this studio serves to its workers: uploaded ones, and copies of what the registry names
//! elsewhere.
//!
//! A file lies in `<data dir>/models/<model>/<file>`, with a record of its length and hash in
//! `models/.records/<model>/<file>`; a file without a record, or that is not as its record says, is not served.

mod address;
mod fetch;
mod offer;
mod record;
mod write;

pub use address::{StudioAddress, base, public_url};
pub use fetch::Fetches;
pub use record::{Recorded, recorded};
pub(crate) use write::check_room;
pub use write::{KEPT_FREE_BYTES, MAX_MODEL_FILE_BYTES, ModelFileError};

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offer::Template;

/// What is being written; a model's id cannot begin with a dot.
const INCOMING: &str = ".incoming";

/// A file that is there, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Lowercase hex.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
}

/// Files of one model by their names.
pub type Held = Arc<BTreeMap<String, StoredFile>>;

/// The folder of model files; clones share it.
#[derive(Debug, Clone)]
pub struct ModelFiles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: HashMap<String, Held>,
    /// Prepared offers by model; forgotten with every change of a file.
    templates: HashMap<String, Arc<Template>>,
}

impl ModelFiles {
    /// Opens the folder, making it when it is missing; what a killed studio had half written is removed.
    pub fn open(root: &Path) -> io::Result<Self> {
        let incoming = root.join(INCOMING);
        match std::fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::create_dir_all(&incoming)?,
        }
        let held = record::read_all(root)?;
        let held = held.into_iter().map(|(model, files)| (model, Arc::new(files))).collect();
        let state = Mutex::new(State { held, templates: HashMap::new() });
        Ok(Self(Arc::new(Inner { root: root.to_owned(), state })))
    }

    /// Where everything lies.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Where the files of a model lie.
    pub fn folder(&self, model: &str) -> PathBuf {
        self.0.root.join(model)
    }

    /// What is there of a model.
    pub fn held(&self, model: &str) -> Held {
        self.state().held.get(model).cloned().unwrap_or_default()
    }

    /// Notes that a file is in place; its hash was computed by whoever put it there.
    pub fn note(&self, model: &str, filename: &str, stored: &StoredFile) -> io::Result<()> {
        record::write(&self.0.root, model, filename, stored)?;
        self.change(model, |files| {
            files.insert(filename.to_owned(), stored.clone());
        });
        Ok(())
    }

    /// Deletes the files of a model that `keep` does not name, and returns how many bytes they had.
    pub fn remove(&self, model: &str, keep: &[String]) -> io::Result<u64> {
        let mut freed = 0;
        for (filename, stored) in self.held(model).iter().filter(|(filename, _)| !keep.contains(filename)) {
            // First forgotten, then gone: an offer that is written meanwhile names no file that is missing.
            self.change(model, |files| {
                files.remove(filename);
            });
            record::remove(&self.0.root, model, filename)?;
            remove_if_there(&self.folder(model).join(filename))?;
            freed += stored.bytes;
        }
        if self.held(model).is_empty() {
            // Another file may lie there that is not ours to delete.
            let _ = std::fs::remove_dir(self.folder(model));
        }
        Ok(freed)
    }

    fn change(&self, model: &str, change: impl FnOnce(&mut BTreeMap<String, StoredFile>)) {
        let mut state = self.state();
        let held = state.held.entry(model.to_owned()).or_default();
        change(Arc::make_mut(held));
        if held.is_empty() {
            state.held.remove(model);
        }
        state.templates.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The maps are whole after every statement.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(bytes: u64) -> StoredFile {
        StoredFile { sha256: "ab".repeat(32), bytes }
    }

    fn with_file(root: &Path) -> ModelFiles {
        let files = ModelFiles::open(root).unwrap();
        std::fs::create_dir_all(files.folder("m")).unwrap();
        std::fs::write(files.folder("m").join("a.gguf"), b"12345").unwrap();
        files.note("m", "a.gguf", &stored(5)).unwrap();
        files
    }

    #[test]
    fn what_was_noted_is_known_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let files = with_file(dir.path());
        assert_eq!(files.held("m").get("a.gguf"), Some(&stored(5)));
        drop(files);
        let files = ModelFiles::open(dir.path()).unwrap();
        assert_eq!(files.held("m").get("a.gguf"), Some(&stored(5)));
        assert!(files.held("other").is_empty());
    }

    #[test]
    fn a_file_that_changed_behind_our_back_is_not_served() {
        for change in [
            |path: &Path| std::fs::write(path, b"longer than before").unwrap(),
            |path: &Path| std::fs::remove_file(path).unwrap(),
            |path: &Path| {
                // The same length, at another time.
                std::fs::write(path, b"54321").unwrap();
                let past = std::time::SystemTime::UNIX_EPOCH;
                std::fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
            },
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = with_file(dir.path()).folder("m").join("a.gguf");
            change(&path);
            assert!(ModelFiles::open(dir.path()).unwrap().held("m").is_empty());
        }
    }

    #[test]
    fn what_is_removed_is_gone_and_what_is_kept_stays() {
        let dir = tempfile::tempdir().unwrap();
        let files = with_file(dir.path());
        assert_eq!(files.remove("m", &["a.gguf".to_owned()]).unwrap(), 0);
        assert_eq!(files.held("m").len(), 1);
        assert_eq!(files.remove("m", &[]).unwrap(), 5);
        assert!(files.held("m").is_empty() && !files.folder("m").exists());
        assert_eq!(files.remove("m", &[]).unwrap(), 0, "again is fine");
        assert!(ModelFiles::open(dir.path()).unwrap().held("m").is_empty());
    }

    #[test]
    fn half_written_files_do_not_outlive_a_start() {
        let dir = tempfile::tempdir().unwrap();
        drop(ModelFiles::open(dir.path()).unwrap());
        let half = dir.path().join(INCOMING).join("1");
        std::fs::write(&half, b"half").unwrap();
        ModelFiles::open(dir.path()).unwrap();
        assert!(!half.exists());
    }
}
