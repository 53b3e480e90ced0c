//! A workspace of one file that stands in for this one: its program becomes the built worker.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::Home;

/// The worker that was built beside the tests.
const WORKER: &str = "studio-worker";

/// Where this repository lies.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().and_then(Path::parent).expect("tests/devloop lies in the repository").to_path_buf()
}

/// A folder with a package `studio-worker`, built in a second.
///
/// The program replaces itself by the built worker, whose name it keeps: edits cost no build of the whole project, and
/// what runs, ends and is killed is the real worker.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    worker: PathBuf,
}

impl Workspace {
    /// One in `home`.
    pub fn new(home: &Home) -> Self {
        let root = home.join("workspace");
        let package = root.join("crates/studio-worker");
        fs::create_dir_all(package.join("src")).expect("a home can be written");
        fs::write(root.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n")
            .expect("a home can be written");
        let manifest = "[package]\nname = \"studio-worker\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
        fs::write(package.join("Cargo.toml"), manifest).expect("a home can be written");
        let lock = "version = 4\n\n[[package]]\nname = \"studio-worker\"\nversion = \"0.0.0\"\n";
        fs::write(root.join("Cargo.lock"), lock).expect("a home can be written");
        let workspace = Self { root, worker: testkit::binary(WORKER) };
        workspace.edit("first");
        workspace
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo puts what it builds.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The program that cargo builds.
    pub fn program(&self) -> PathBuf {
        self.target().join("debug").join(WORKER)
    }

    /// Builds it, as somebody in another terminal would.
    pub fn build(&self) {
        let mut cargo = std::process::Command::new("cargo");
        cargo
            .args(["build", "--quiet", "--offline"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.target());
        assert!(cargo.status().expect("cargo is there").success(), "the stand-in does not compile");
    }

    /// Changes the source; the next program says `edition` when it starts.
    pub fn edit(&self, edition: &str) {
        // Whatever starts engines by the path of the worker's program finds the stand-in, which passes everything on.
        let source = format!(
            "use std::os::unix::process::CommandExt;\n\n\
             fn main() {{\n    \
                 let mut words = std::env::args_os();\n    \
                 let name = words.next().unwrap();\n    \
                 eprintln!(\"this is {edition}\");\n    \
                 let error = std::process::Command::new({worker:?}).arg0(name).args(words).exec();\n    \
                 panic!(\"{{error}}\");\n\
             }}\n",
            worker = self.worker
        );
        self.write(&source);
    }

    /// Breaks the source.
    pub fn break_it(&self) {
        self.write("fn main() { this is not Rust }\n");
    }

    fn write(&self, source: &str) {
        fs::write(self.root.join("crates/studio-worker/src/main.rs"), source).expect("a home can be written");
    }
}
