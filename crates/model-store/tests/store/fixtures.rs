//! Stores in temporary folders, and sources for them.

use std::path::PathBuf;
use std::time::Duration;

use model_store::{ModelStore, Patience, Progress, Settings};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use sha2::{Digest, Sha256};
use studio_protocol::{CliDefaults, FileRole, ModelFile, ModelSource};

/// A store whose folder goes with it.
pub struct Shop {
    pub store: ModelStore,
    pub root: PathBuf,
    _dir: tempfile::TempDir,
}

impl Shop {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = folder();
        let root = dir.path().join("models");
        let mut settings = quick(&root);
        change(&mut settings);
        Self { store: ModelStore::open(settings).unwrap(), root, _dir: dir }
    }

    /// The same folder, as after a restart.
    pub fn reopened(&self) -> ModelStore {
        ModelStore::open(quick(&self.root)).unwrap()
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.root.join(path)).unwrap()
    }

    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    pub fn present(&self) -> Vec<String> {
        self.store.present().into_iter().map(|model| model.model).collect()
    }
}

/// In memory where that is possible: hundreds of stores that wait for a disk would be a test of the disk.
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Settings that do not wait long.
pub fn quick(root: &std::path::Path) -> Settings {
    let mut settings = Settings::new(root);
    settings.reserve = 0;
    settings.web.patience = Patience {
        connect: Duration::from_secs(5),
        stall: Duration::from_millis(400),
        backoff: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(5),
        retry_after_cap: Duration::from_secs(2),
    };
    settings
}

pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut bytes = vec![0; len];
    random.fill(&mut bytes[..]);
    bytes
}

pub fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A file that is pinned to `body`.
pub fn pinned(name: &str, url: String, body: &[u8]) -> ModelFile {
    ModelFile { sha256: Some(hash(body)), approx_bytes: Some(body.len() as u64), ..unpinned(name, url) }
}

pub fn unpinned(name: &str, url: String) -> ModelFile {
    ModelFile {
        role: FileRole::Model,
        url,
        mirrors: Vec::new(),
        filename: name.to_owned(),
        approx_bytes: None,
        sha256: None,
    }
}

pub fn source(files: Vec<ModelFile>) -> ModelSource {
    let cli_defaults =
        CliDefaults { cfg_scale: 1.0, steps: 1, width: 1, height: 1, more: serde_json::Map::default() };
    ModelSource { engine: "synthetic".to_owned(), files, cli_defaults }
}

pub fn silent(_: Progress) {}

/// Waits for a condition, at most 10 s.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}
