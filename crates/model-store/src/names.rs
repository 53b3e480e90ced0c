//! Names that become files and folders; they are the studio's text.

use studio_protocol::{ModelFile, ModelSource};

use crate::FetchError;
use crate::manifest::MANIFEST;

/// Ends the name of an unfinished file.
pub(crate) const PART: &str = "part";
/// Ends the name of what is known of an unfinished file.
pub(crate) const PART_FACTS: &str = "part.json";
/// The longest file name of common file systems is 255 bytes; the store's own endings need some of them.
const MAX_NAME_BYTES: usize = 240;

/// Device names that Windows finds in every folder.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// Whether a model's id can be the name of a folder.
pub(crate) fn is_plain_id(model: &str) -> bool {
    is_portable(model)
        && !model.starts_with('.')
        && !model.contains(['/', '\\', ':', '\0'])
        && !model.chars().any(char::is_control)
}

/// Whether a store could keep such a model: its name becomes a folder, and those of its files become files.
pub fn check_model(model: &str, source: &ModelSource) -> Result<(), FetchError> {
    files_of(model, source)?;
    source.files.iter().try_for_each(|file| match &file.sha256 {
        Some(pinned) if crate::sha::normal(pinned).is_none() => Err(FetchError::Name(format!(
            "sha256 of `{}` of model `{model}` is not 64 hex digits: {}",
            file.filename,
            pinned.escape_debug()
        ))),
        Some(_) | None => Ok(()),
    })
}

/// The files of a source, each once; refuses names that would leave the folder or clash in it.
pub(crate) fn files_of<'a>(model: &str, source: &'a ModelSource) -> Result<Vec<&'a ModelFile>, FetchError> {
    if !is_plain_id(model) {
        return Err(FetchError::Name(format!(
            "model `{}` cannot be the name of a folder",
            model.escape_debug()
        )));
    }
    let mut files: Vec<&ModelFile> = Vec::new();
    for file in &source.files {
        if !file.has_plain_name() || !is_portable(&file.filename) || is_ours(&file.filename) {
            let name = file.filename.escape_debug();
            return Err(FetchError::Name(format!(
                "file name `{name}` of model `{model}` is not a plain one"
            )));
        }
        let same_name = |other: &&&ModelFile| other.filename.eq_ignore_ascii_case(&file.filename);
        match files.iter().find(same_name) {
            None => files.push(file),
            // One file in two roles.
            Some(other) if other.filename == file.filename && same_bytes(other, file) => {}
            Some(_) => {
                let name = &file.filename;
                return Err(FetchError::Name(format!("model `{model}` has two different files `{name}`")));
            }
        }
    }
    Ok(files)
}

fn same_bytes(one: &ModelFile, other: &ModelFile) -> bool {
    one.sha256 == other.sha256 && one.url == other.url
}

/// Names that Windows would change or take for a device are refused everywhere: a registry serves all platforms.
fn is_portable(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let device = DEVICES.iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|rest| match *device {
            "com" | "lpt" => rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()),
            _ => rest.is_empty(),
        })
    });
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !device
        && !name.ends_with(['.', ' '])
        && !name.contains(['<', '>', '"', '|', '?', '*'])
}

/// Names that the store uses itself.
fn is_ours(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == MANIFEST
        || name.starts_with(".new-")
        || name.ends_with(&format!(".{PART}"))
        || name.ends_with(&format!(".{PART_FACTS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_one_folder() {
        for good in ["a", "flux.1-dev_q4", "modell ä"] {
            assert!(is_plain_id(good), "{good}");
        }
        for bad in
            ["", ".", "..", ".x", "a/b", "a\\b", "c:", "a\0", "NUL", "com1.x", "a.", "a ", "x\ny", "a*"]
        {
            assert!(!is_plain_id(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_names_of_the_store_are_its_own() {
        for bad in [".studio-model.json", "x.part", "x.PART.json", ".new-abc"] {
            assert!(is_ours(bad), "{bad}");
        }
        assert!(!is_ours("x.gguf") && !is_ours("manifest.json"));
    }
}
