//! Shows files and folders with the desktop's own program.

use std::process::{Command, Stdio};

/// Of this kind of desktop.
const PROGRAM: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Opens `path` and waits until the program has handed it over; may block.
pub(super) fn open(path: &str) -> Result<(), String> {
    let status = Command::new(PROGRAM)
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("Could not open {path} with {PROGRAM}: {error}; copy its path instead"))?;
    // Explorer says 1 whatever happens.
    if status.success() || cfg!(windows) {
        return Ok(());
    }
    Err(format!("{PROGRAM} could not open {path} ({status}); copy its path instead"))
}
