//! What the checks and the demo need beside Rust, installed where it is missing.

mod desktop;
mod environments;

pub use environments::python;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::shell::{command, run as run_command, succeeds, tool_root};

/// Something of the system, and the Debian package that brings it.
struct Need {
    is_there: fn() -> bool,
    package: fn() -> Result<String>,
}

/// A program that answers `--version`.
macro_rules! program {
    ($program:literal, $package:literal) => {
        Need {
            is_there: || succeeds(&mut command($program, &["--version"])),
            package: || Ok($package.to_owned()),
        }
    };
}

/// What the engines are built with.
const ENGINES: [Need; 6] = [
    program!("cc", "build-essential"),
    program!("c++", "build-essential"),
    program!("cmake", "cmake"),
    Need { is_there: has_libclang, package: || Ok(format!("libclang1-{}", clang_version()?)) },
    Need { is_there: has_clang_headers, package: || Ok(format!("libclang-common-{}-dev", clang_version()?)) },
    // Brings the library of the speech engine.
    Need {
        is_there: || succeeds(&mut command("python3", &["-m", "pip", "--version"])),
        package: || Ok("python3-pip".to_owned()),
    },
];

/// What the checks need beyond that.
const CHECKS: [Need; 8] = [
    program!("git", "git"),
    // The example engine, and a clock that jumps.
    program!("python3", "python3"),
    program!("faketime", "faketime"),
    // Programs that other people wrote, as clients of the studio.
    Need {
        is_there: || succeeds(&mut command("python3", &["-c", "import ensurepip"])),
        package: || Ok("python3-venv".to_owned()),
    },
    program!("node", "nodejs"),
    program!("npm", "npm"),
    // PM2 finds the processes of a tree with it.
    program!("ps", "procps"),
    // The dashboard's pages are looked at in it.
    program!("chromium", "chromium"),
];

/// Folders with a `requirements.txt`.
const PYTHON: [&str; 1] = ["tests/clients"];
/// Folders with a `package-lock.json`.
const NODE: [&str; 2] = ["tests/clients", "tests/devloop"];

/// A cargo tool and the version that is installed where none is there.
const TOOLS: [(&str, &str); 5] = [
    ("cargo-nextest", "0.9.151"),
    ("cargo-deny", "0.20.2"),
    ("cargo-machete", "0.9.2"),
    ("cargo-fuzz", "0.13.2"),
    ("cargo-watch", "8.5.3"),
];

/// Components of the toolchain.
const COMPONENTS: [(&str, &str); 2] = [("rustfmt", "fmt"), ("clippy", "clippy")];

/// Where Debian puts its compilers' libraries.
const LLVM: &str = "/usr/lib";
/// Known to work with the engines' bindings, and what Debian 12 has.
const USUAL_CLANG: u32 = 14;

/// Brings everything, or says what to type.
pub fn run() -> Result<()> {
    components()?;
    bring(ENGINES.iter().chain(&CHECKS).chain(&desktop::DESKTOP))?;
    PYTHON.iter().try_for_each(|folder| python(folder).map(drop))?;
    NODE.iter().try_for_each(|folder| environments::node(folder))?;
    tools()
}

/// Brings what the engines are built with, or says what to type.
pub fn engines() -> Result<()> {
    bring(ENGINES.iter())
}

/// Brings what Python needs to keep packages apart from the system's, or says what to type.
pub fn venv() -> Result<()> {
    // Debian has the module without what it needs in a package of its own.
    let is_there = || succeeds(&mut command("python3", &["-c", "import ensurepip, venv"]));
    bring([Need { is_there, package: || Ok("python3-venv".to_owned()) }].iter())
}

fn components() -> Result<()> {
    for (component, subcommand) in COMPONENTS {
        if !succeeds(&mut command("cargo", &[subcommand, "--version"])) {
            bail!("`cargo {subcommand}` is not there: rustup component add {component}");
        }
    }
    Ok(())
}

fn bring<'a>(needs: impl Iterator<Item = &'a Need>) -> Result<()> {
    let missing: Vec<&Need> = needs.filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let may_install = may_install_packages();
    if may_install {
        // Which version of a package there is, is known only then.
        apt(&["update"])?;
    }
    let mut packages = Vec::new();
    for need in missing {
        let package = (need.package)()?;
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    let names = packages.join(" ");
    if !may_install {
        bail!("missing system packages; on Debian or Ubuntu: sudo apt-get install {names}");
    }
    println!("setup: apt-get install {names}");
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    apt(&[&["install", "--yes", "--no-install-recommends"], packages.as_slice()].concat())
}

fn apt(arguments: &[&str]) -> Result<()> {
    run_command(command("apt-get", arguments).arg("--quiet=2").env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Root on Debian; elsewhere it is not ours to change the system.
fn may_install_packages() -> bool {
    let root = command("id", &["-u"]).output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    root && fs::exists("/etc/debian_version").unwrap_or(false)
}

/// The newest version that has the library that bindgen loads; elsewhere than on Linux it comes with the system's tools.
fn has_libclang() -> bool {
    !cfg!(target_os = "linux")
        || std::env::var_os("LIBCLANG_PATH").is_some()
        || llvm_folders().any(|folder| names_in(&folder.join("lib"), |name| name.starts_with("libclang")))
        || names_in(Path::new("/usr/lib64"), |name| name.starts_with("libclang"))
}

/// Without them bindgen does not find `stdbool.h`.
fn has_clang_headers() -> bool {
    if !cfg!(target_os = "linux") || succeeds(&mut command("clang", &["--version"])) {
        return true;
    }
    llvm_folders().any(|folder| {
        let versions = fs::read_dir(folder.join("lib/clang")).into_iter().flatten().flatten();
        versions.map(|version| version.path().join("include/stdbool.h")).any(|header| header.exists())
    })
}

fn llvm_folders() -> impl Iterator<Item = std::path::PathBuf> {
    let all = fs::read_dir(LLVM).into_iter().flatten().flatten();
    all.filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-")).map(|entry| entry.path())
}

fn names_in(folder: &Path, is_it: impl Fn(&str) -> bool) -> bool {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.into_iter().any(|name| is_it(&name.to_string_lossy()))
}

/// The usual version where the system has it, else the newest one.
fn clang_version() -> Result<u32> {
    let found = command("apt-cache", &["search", "--names-only", "^libclang1-[0-9]+$"]).output();
    let Ok(found) = found else { return Ok(USUAL_CLANG) };
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let versions: Vec<u32> = text
        .lines()
        .filter_map(|line| line.strip_prefix("libclang1-")?.split(' ').next()?.parse().ok())
        .collect();
    if versions.contains(&USUAL_CLANG) {
        return Ok(USUAL_CLANG);
    }
    versions.into_iter().max().context("no package libclang1-N: install libclang and its headers by hand")
}

fn tools() -> Result<()> {
    let root = tool_root()?;
    for (tool, version) in TOOLS {
        if succeeds(&mut command(tool, &["--version"])) {
            continue;
        }
        println!("setup: cargo install {tool} {version} into {}", root.display());
        let mut install = command("cargo", &["install", "--locked", "--quiet", tool, "--version", version]);
        // A build folder of its own: flags of the workspace must not reach the tools, nor their files the workspace.
        run_command(install.arg("--root").arg(&root).env("CARGO_TARGET_DIR", root.join("build")))?;
    }
    Ok(())
}
