//! Asks a running studio everything that its OpenAPI document allows: no fault, and no answer that is not in it.

use anyhow::{Result, ensure};

use crate::setup;
use crate::shell::{command, root, run as run_command, target_dir};

/// The questions and what asks them.
const FOLDER: &str = "xtask/api";

/// Asks with the programs that the step `build` made.
pub fn run() -> Result<()> {
    setup::venv()?;
    let python = setup::python(FOLDER)?.to_string_lossy().into_owned();
    let programs = target_dir().join("debug");
    ensure!(programs.join("studio").exists(), "there is no program to ask: cargo ci --only build");
    let script = root().join(FOLDER).join("check_api.py");
    run_command(command(&python, &[]).arg(script).arg(programs))
}
