//! What the checks need beside Rust, installed where it is missing.

use std::fs;

use anyhow::{Result, bail};

use crate::shell::{command, run as run_command, succeeds, tool_root};

/// A program of the system, and the Debian package that brings it.
const SYSTEM: [(&str, &str); 5] = [
    ("cc", "build-essential"),
    ("c++", "build-essential"),
    ("git", "git"),
    // The example engine, and a clock that jumps.
    ("python3", "python3"),
    ("faketime", "faketime"),
];

/// A cargo tool and the version that is installed where none is there.
const TOOLS: [(&str, &str); 4] = [
    ("cargo-nextest", "0.9.151"),
    ("cargo-deny", "0.20.2"),
    ("cargo-machete", "0.9.2"),
    ("cargo-fuzz", "0.13.2"),
];

/// Components of the toolchain.
const COMPONENTS: [(&str, &str); 2] = [("rustfmt", "fmt"), ("clippy", "clippy")];

/// Brings everything, or says what to type.
pub fn run() -> Result<()> {
    components()?;
    system_packages()?;
    tools()
}

fn components() -> Result<()> {
    for (component, subcommand) in COMPONENTS {
        if !succeeds(&mut command("cargo", &[subcommand, "--version"])) {
            bail!("`cargo {subcommand}` is not there: rustup component add {component}");
        }
    }
    Ok(())
}

fn system_packages() -> Result<()> {
    let missing = SYSTEM.iter().filter(|(program, _)| !succeeds(&mut command(program, &["--version"])));
    let mut packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.join(" ");
    if !may_install_packages() {
        bail!("missing system packages; on Debian or Ubuntu: sudo apt-get install {names}");
    }
    println!("setup: apt-get install {names}");
    apt(&["update"])?;
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
