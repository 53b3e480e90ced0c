//! A small workspace that stands in for this one: its programs become the built ones.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::Home;

/// The programs that were built beside the tests.
const WORKER: &str = "studio-worker";
const STUDIO: &str = "studio";

/// Where this repository lies.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().and_then(Path::parent).expect("tests/devloop lies in the repository").to_path_buf()
}

/// A workspace with the packages `studio-worker` and `studio`, built in a second.
///
/// Their programs replace themselves by the built ones and keep their names: edits cost no build of the whole project,
/// and what runs, ends and is killed is the real worker.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// One in `home`.
    pub fn new(home: &Home) -> Self {
        let workspace = Self { root: home.join("workspace") };
        workspace.put("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
        let named = |name: &str| format!("name = \"{name}\"\nversion = \"0.0.0\"\n");
        for name in [STUDIO, WORKER] {
            let manifest = format!("[package]\n{}edition = \"2024\"\n", named(name));
            workspace.put(&format!("crates/{name}/Cargo.toml"), &manifest);
        }
        let locked = [STUDIO, WORKER].map(|name| format!("\n[[package]]\n{}", named(name)));
        workspace.put("Cargo.lock", &format!("version = 4\n{}", locked.concat()));
        workspace.edit("first");
        workspace.put(&source_of(STUDIO), &source(STUDIO, "a studio"));
        workspace
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Builds it, as somebody in another terminal would.
    pub fn build(&self) {
        let mut cargo = std::process::Command::new("cargo");
        let target = self.root.join("target");
        cargo.args(["build", "--quiet", "--offline"]).current_dir(&self.root).env("CARGO_TARGET_DIR", target);
        assert!(cargo.status().expect("cargo is there").success(), "the stand-in does not compile");
    }

    /// Changes the worker's source; the next program says `edition` when it starts.
    pub fn edit(&self, edition: &str) {
        self.put(&source_of(WORKER), &source(WORKER, edition));
    }

    /// Changes the studio's.
    pub fn edit_studio(&self, edition: &str) {
        self.put(&source_of(STUDIO), &source(STUDIO, edition));
    }

    /// Breaks the worker's source.
    pub fn break_it(&self) {
        self.put(&source_of(WORKER), "fn main() { this is not Rust }\n");
    }

    /// Writes a file.
    pub fn put(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        let written = fs::create_dir_all(path.parent().expect("a file lies in a folder"));
        written.and_then(|()| fs::write(path, text)).expect("a home can be written");
    }
}

fn source_of(package: &str) -> String {
    format!("crates/{package}/src/main.rs")
}

fn source(package: &str, edition: &str) -> String {
    let program = testkit::binary(package);
    let program = program.display();
    format!(
        "use std::os::unix::process::CommandExt;\n\n\
         fn main() {{\n    \
             let mut words = std::env::args_os();\n    \
             let name = words.next().unwrap();\n    \
             eprintln!(\"this is {edition}\");\n    \
             let error = std::process::Command::new(r#\"{program}\"#).arg0(name).args(words).exec();\n    \
             panic!(\"{{error}}\");\n\
         }}\n"
    )
}
