//! A temporary folder in which the processes of one test live.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary folder; `TESTKIT_KEEP=1` keeps it, so that one can look into it after the test.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// An empty one.
    #[expect(clippy::new_without_default, reason = "it does something: a folder is made")]
    pub fn new() -> Self {
        let mut folder =
            tempfile::Builder::new().prefix("studio-test-").tempdir().expect("a folder can be made");
        if std::env::var_os("TESTKIT_KEEP").is_some() {
            folder.disable_cleanup(true);
            eprintln!("testkit: kept {}", folder.path().display());
        }
        Self { folder }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}
