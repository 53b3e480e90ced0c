//! The folder, the private files in it, and the room on its disk.

use std::io;
use std::path::Path;

use super::super::manifest::{ADMIN_KEY, DATABASE, SIGNING_KEY};
use super::super::times::size;
use super::findings::Findings;
use crate::{Signer, disk};

/// Free space below which a busy studio is about to stop taking results.
const LOW_SPACE_BYTES: u64 = 2 << 30;
/// Free space below which it has probably stopped.
const NO_SPACE_BYTES: u64 = 64 << 20;

/// Looks at all of it.
pub fn look(data_dir: &Path, findings: &mut Findings) {
    space(data_dir, findings);
    folder(data_dir, findings);
    signing_key(data_dir, findings);
    for name in [ADMIN_KEY, SIGNING_KEY, DATABASE, "hub-tokens"] {
        private("private", &data_dir.join(name), findings);
    }
}

fn space(data_dir: &Path, findings: &mut Findings) {
    let free = match disk::space(data_dir) {
        Ok(space) => space.free,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return,
        Err(error) => {
            let detail = format!("`{}`: {error}", data_dir.display());
            return findings.fail("disk", detail, "name the studio's data directory with --data-dir");
        }
    };
    let detail = format!("{} free", size(free));
    if free < NO_SPACE_BYTES {
        findings.fail("disk", format!("{detail}, results cannot be stored"), "free some space");
    } else if free < LOW_SPACE_BYTES {
        findings.warn("disk", detail, "free some space soon");
    } else {
        findings.ok("disk", detail);
    }
}

fn folder(data_dir: &Path, findings: &mut Findings) {
    let path = data_dir.display();
    let Ok(meta) = std::fs::metadata(data_dir) else { return };
    if !meta.is_dir() {
        return findings.fail("folder", format!("`{path}` is no folder"), "name another with --data-dir");
    }
    if let Some(mode) = mode(&meta).filter(|mode| mode & 0o002 != 0) {
        let detail = format!("everybody on this machine may put files into `{path}` ({mode:o})");
        return findings.fail("folder", detail, format!("chmod o-w '{path}'"));
    }
    if !may_write(data_dir) {
        let detail = format!("`{path}` cannot be written by this user");
        return findings.warn("folder", detail, "run the studio as the user who can, or change the owner");
    }
    findings.ok("folder", format!("`{path}` can be written"));
}

fn signing_key(data_dir: &Path, findings: &mut Findings) {
    let path = data_dir.join(SIGNING_KEY);
    match Signer::load(&path) {
        Ok(Some(_)) => findings.ok("signing", format!("`{}` holds a key", path.display())),
        // Where no studio was yet its absence is right.
        Ok(None) if !data_dir.join(DATABASE).exists() => {}
        Ok(None) => {
            let advice = "restore it from a backup; the next start would draw another, and addresses that were given \
                out and the secrets of webhooks were no longer good";
            findings.fail("signing", format!("`{}` is missing", path.display()), advice);
        }
        Err(error) => findings.fail("signing", format!("{error:#}"), "restore it from a backup"),
    }
}

/// What nobody else may read.
pub fn private(check: &'static str, path: &Path, findings: &mut Findings) {
    let Ok(meta) = std::fs::metadata(path) else { return };
    let shown = path.display();
    match mode(&meta).filter(|mode| mode & 0o077 != 0) {
        Some(mode) => {
            let detail = format!("`{shown}` can be read by others ({mode:o})");
            findings.fail(check, detail, format!("chmod 600 '{shown}'"));
        }
        None => findings.ok(check, format!("`{shown}` is its owner's alone")),
    }
}

/// Who may do what with it.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn mode(meta: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(meta.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
fn may_write(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn may_write(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|meta| !meta.permissions().readonly())
}
