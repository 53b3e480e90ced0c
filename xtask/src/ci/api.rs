//! Asks a running studio everything that its OpenAPI document allows: no fault, and no answer that is not in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::setup;
use crate::shell::{command, root, run as run_command, succeeds, target_dir, tool_root};

/// The questions and what asks them.
const FOLDER: &str = "xtask/api";

/// Asks with the programs that the step `build` made.
pub fn run() -> Result<()> {
    let python = bring()?;
    let programs = target_dir().join("debug");
    ensure!(programs.join("studio").exists(), "there is no program to ask: cargo ci --only build");
    let script = root().join(FOLDER).join("check_api.py");
    run_command(command(&text(&python), &[]).arg(script).arg(programs))
}

/// A Python with the packages of `requirements.txt`; a new list makes a new one.
fn bring() -> Result<PathBuf> {
    setup::venv()?;
    let requirements = root().join(FOLDER).join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("could not read {}", requirements.display()))?;
    let folder = tool_root()?.join("api-venv");
    let python = folder.join("bin/python");
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) && starts(&python) {
        return Ok(python);
    }
    println!("setup: python packages of {} into {}", requirements.display(), folder.display());
    run_command(command("python3", &["-m", "venv", "--clear"]).arg(&folder))?;
    let mut install =
        command(&text(&python), &["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run_command(install.arg("--requirement").arg(&requirements))?;
    fs::write(&installed, wanted).with_context(|| format!("could not write {}", installed.display()))?;
    Ok(python)
}

fn starts(python: &Path) -> bool {
    succeeds(&mut command(&text(python), &["--version"]))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
