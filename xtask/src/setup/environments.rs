//! Environments of Python and Node that checks run in: beside the tests that use them, made anew when what they
//! list changes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::shell::{command, root, run as run_command};

/// Written last, with what was installed: an environment without it is unfinished.
const STAMP: &str = "installed.txt";

/// `FOLDER/.venv` with what `FOLDER/requirements.txt` pins; returns its Python.
pub fn python(folder: &str) -> Result<PathBuf> {
    let place = root().join(folder);
    let venv = place.join(".venv");
    let program = venv.join("bin/python");
    let wanted = read(&place.join("requirements.txt"))?;
    if is_fresh(&venv, &wanted) {
        return Ok(program);
    }
    println!("setup: Python packages of {folder}");
    remove(&venv)?;
    let path = venv.to_string_lossy();
    run_command(&mut command("python3", &["-m", "venv", &path]))?;
    let pip = venv.join("bin/pip");
    let arguments =
        ["install", "--quiet", "--disable-pip-version-check", "--requirement", "requirements.txt"];
    run_command(command(&pip.to_string_lossy(), &arguments).current_dir(&place))?;
    stamp(&venv, &wanted)?;
    Ok(program)
}

/// `FOLDER/node_modules` with what `FOLDER/package-lock.json` pins.
pub fn node(folder: &str) -> Result<()> {
    let place = root().join(folder);
    let modules = place.join("node_modules");
    let wanted = read(&place.join("package-lock.json"))?;
    if is_fresh(&modules, &wanted) {
        return Ok(());
    }
    println!("setup: Node packages of {folder}");
    remove(&modules)?;
    let arguments = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    run_command(command("npm", &arguments).current_dir(&place))?;
    stamp(&modules, &wanted)
}

fn is_fresh(environment: &Path, wanted: &str) -> bool {
    fs::read_to_string(environment.join(STAMP)).is_ok_and(|installed| installed == wanted)
}

fn stamp(environment: &Path, wanted: &str) -> Result<()> {
    let path = environment.join(STAMP);
    fs::write(&path, wanted).with_context(|| format!("could not write `{}`", path.display()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}
