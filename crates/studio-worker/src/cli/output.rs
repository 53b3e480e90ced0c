//! What commands print.

use std::io::Write;

use serde::Serialize;

use crate::Exit;

/// One line for a person or a script; a closed pipe is not an error.
pub(super) fn line(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
}

/// Something that the caller should know, apart from the output.
pub(super) fn note(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
}

/// A JSON document.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Tells an error with all its causes.
pub(super) fn failed(error: &anyhow::Error) -> Exit {
    note(format!("error: {error:#}"));
    Exit::Failed
}
