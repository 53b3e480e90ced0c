//! Artefacts and inputs: rows without bytes, bytes without rows, and bytes that are not those that were stored.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use studio_store::{Look, NamedBytes};

use super::super::manifest::ARTEFACTS;
use super::super::times::size;
use super::findings::{Findings, named};
use crate::client::hash_of;
use crate::thumbnails::origin_of;

/// What is younger may be an upload that is under way.
const UPLOAD_AGE: Duration = Duration::from_hours(1);

/// Looks at all of it.
pub async fn look(look: &Look, data_dir: &Path, deep: bool, findings: &mut Findings) -> anyhow::Result<()> {
    let folder = data_dir.join(ARTEFACTS);
    // Files first: what is stored in between has a row as well, so that it is not taken for one without.
    let files = if folder.is_dir() { files_below(&folder)? } else { Vec::new() };
    let known = look.named_bytes()?;
    for (check, is_input) in [("artefacts", false), ("inputs", true)] {
        let of_sort: Vec<_> = known.iter().filter(|one| one.is_input == is_input).collect();
        let mut wrong = Vec::new();
        for one in &of_sort {
            let Some(problem) = problem_of(one, &folder, deep).await else { continue };
            // A studio that runs may have deleted it meanwhile.
            if look.names(&one.key)? {
                wrong.push(format!("{}: {problem}", one.name));
            }
        }
        if wrong.is_empty() {
            let total = size(of_sort.iter().map(|one| one.bytes).sum());
            let checked = if deep { "every hash is right" } else { "all there, --deep compares hashes" };
            findings.ok(check, format!("{} of {total}: {checked}", of_sort.len()));
        } else {
            let detail = format!("{} damaged or gone: {}", wrong.len(), named(&wrong));
            let advice = if is_input { "bring them again" } else { "retry their jobs" };
            findings.fail(check, detail, format!("{advice}, or restore a backup"));
        }
    }
    nameless(&folder, &files, &known, findings);
    Ok(())
}

fn nameless(folder: &Path, files: &[(String, SystemTime)], known: &[NamedBytes], findings: &mut Findings) {
    let known: HashSet<&str> = known.iter().map(|one| one.key.as_str()).collect();
    // A studio that runs deletes rows and then files: what is gone by now was no leftover.
    let is_nameless = |key: &str| !known.contains(origin_of(key).unwrap_or(key)) && folder.join(key).exists();
    let old = |time: &SystemTime| time.elapsed().is_ok_and(|age| age > UPLOAD_AGE);
    let (left, young): (Vec<_>, Vec<_>) =
        files.iter().filter(|(key, _)| is_nameless(key)).partition(|(_, time)| old(time));
    if !left.is_empty() {
        let names: Vec<String> = left.into_iter().map(|(key, _)| key.clone()).collect();
        let detail = format!("{} that nothing names: {}", names.len(), named(&names));
        findings.warn("leftovers", detail, "the next start of the studio deletes them");
    } else if !young.is_empty() {
        findings.ok("leftovers", format!("{} that may be under way", young.len()));
    } else {
        findings.ok("leftovers", "none");
    }
}

/// Every file with its key and when it was written.
fn files_below(root: &Path) -> anyhow::Result<Vec<(String, SystemTime)>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let entries = match path.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.with_context(|| format!("could not read `{}`", path.display()))?,
        };
        for entry in entries {
            let entry = entry?;
            let place = folder.join(entry.file_name());
            // A studio that runs may have deleted it meanwhile.
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                folders.push(place);
            } else {
                found.push((place.to_string_lossy().replace('\\', "/"), meta.modified()?));
            }
        }
    }
    found.sort();
    Ok(found)
}

async fn problem_of(one: &NamedBytes, folder: &Path, deep: bool) -> Option<String> {
    let path = folder.join(&one.key);
    match std::fs::metadata(&path) {
        Ok(meta) if meta.len() != one.bytes => {
            return Some(format!("{} bytes in place of {}", meta.len(), one.bytes));
        }
        Ok(_) => {}
        Err(error) => return Some(error.to_string()),
    }
    if !deep {
        return None;
    }
    match hash_of(&path).await {
        Ok(hash) if hash == one.sha256 => None,
        Ok(_) => Some("its hash is another".to_owned()),
        Err(error) => Some(format!("{:#}", anyhow::Error::from(error))),
    }
}
