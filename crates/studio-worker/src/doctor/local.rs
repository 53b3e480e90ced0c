//! What lies on this machine: config, lock, registration, spool, disk.

use std::path::Path;

use model_store::ModelStore;
use worker_core::Identity;

use super::Finding;
use crate::config::Config;
use crate::hardware::GIB;
use crate::home::Home;
use crate::lock::{self, LockState};
use crate::spool::Spool;

/// Below it results of a busy day may not fit, bytes.
const LOW_DISK_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Below it not even a few results fit, bytes.
const NO_DISK_BYTES: u64 = 64 * 1024 * 1024;

pub(super) fn config(home: &Home, config: &Config) -> Vec<Finding> {
    let path = home.config().display();
    let mut findings = vec![Finding::ok("config", format!("{path}"))];
    for key in &config.unknown_keys {
        findings
            .push(Finding::warn("config", format!("`{key}` is not a setting of this version; it is kept")));
    }
    if is_open_to_others(home.config()) {
        findings.push(Finding::warn(
            "config",
            format!("other users can read the token in it: `chmod 600 {path}`"),
        ));
    }
    if config.paused {
        findings.push(Finding::warn(
            "config",
            "paused: no jobs are taken until `studio-worker config set paused false`",
        ));
    }
    findings
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

pub(super) fn lock(home: &Home) -> Finding {
    match lock::look(&home.lock()) {
        Ok(LockState::Free) => Finding::ok("daemon", "not running; `studio-worker run` starts it"),
        Ok(LockState::Held(Some(holder))) => {
            Finding::ok("daemon", format!("running, pid {}, since {}", holder.pid, holder.started_at))
        }
        Ok(LockState::Held(None)) => Finding::ok("daemon", "running"),
        Err(error) => {
            Finding::error("daemon", format!("could not read `{}`: {error}", home.lock().display()))
        }
    }
}

pub(super) fn registration(config: &Config) -> Finding {
    match &config.identity {
        Identity::Pristine { .. } => Finding::warn(
            "registration",
            "not registered: `studio-worker join URL CODE`, or `studio-worker run` and an operator's approval",
        ),
        Identity::Pending { request_id, .. } => {
            Finding::warn("registration", format!("{request_id} waits for an operator's approval"))
        }
        Identity::Approved { worker_id, .. } => {
            Finding::ok("registration", format!("approved as {worker_id}"))
        }
        Identity::Rejected { reason, .. } => Finding::error(
            "registration",
            format!("refused by the operator ({reason}); `studio-worker register --reset` asks again"),
        ),
    }
}

pub(super) fn spool(home: &Home) -> Finding {
    let spool = Spool::new(home.spool());
    match spool.read() {
        Ok(found) if !found.dropped.is_empty() => Finding::warn(
            "spool",
            format!(
                "{} results wait for the studio, {} are damaged and will be dropped",
                found.entries.len(),
                found.dropped.len()
            ),
        ),
        Ok(found) if found.entries.is_empty() => {
            Finding::ok("spool", "empty: every result is with the studio")
        }
        Ok(found) => Finding::ok("spool", format!("{} results wait for the studio", found.entries.len())),
        Err(error) => Finding::error("spool", format!("could not read `{}`: {error}", spool.dir().display())),
    }
}

/// Which models are complete, and what they take of the disk.
pub(super) fn models(home: &Home, config: &Config) -> Finding {
    let settings = crate::daemon::store_settings(home, config);
    let root = settings.root.clone();
    if !root.exists() {
        return Finding::ok("models", format!("none yet; they will come into `{}`", root.display()));
    }
    let looked = ModelStore::open(settings).and_then(|store| Ok((store.present(), store.disk_use()?)));
    let (present, disk) = match looked {
        Ok(looked) => looked,
        Err(error) => {
            return Finding::error("models", format!("could not read `{}`: {error}", root.display()));
        }
    };
    let names: Vec<_> = present.into_iter().map(|present| present.model).collect();
    let names = if names.is_empty() { "none complete".to_owned() } else { names.join(", ") };
    let cap = disk.cap.map(|cap| format!(" of {:.1} GiB allowed", cap as f64 / GIB)).unwrap_or_default();
    let free = disk.free.map(|free| format!(", {:.1} GiB free", free as f64 / GIB)).unwrap_or_default();
    let used = disk.used as f64 / GIB;
    Finding::ok("models", format!("{names}; {used:.1} GiB{cap} in `{}`{free}", root.display()))
}

pub(super) fn disk(home: &Home) -> Finding {
    match free_bytes(home.dir()) {
        None => {
            Finding::warn("disk", format!("could not ask for the free space of `{}`", home.dir().display()))
        }
        Some(free) => {
            let told = format!("{:.1} GiB free for results in `{}`", free as f64 / GIB, home.dir().display());
            match free {
                0..NO_DISK_BYTES => Finding::error("disk", format!("{told}: make room")),
                NO_DISK_BYTES..LOW_DISK_BYTES => Finding::warn("disk", told),
                _ => Finding::ok("disk", told),
            }
        }
    }
}

#[cfg(unix)]
fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail * stat.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
