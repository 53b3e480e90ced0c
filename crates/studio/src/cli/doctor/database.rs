//! The database and what its rows say: whole, of which version, counted right, of the right time, in whose hands.

use std::cmp::Ordering;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use studio_protocol::Timestamp;
use studio_store::{Db, JobState, Look, OpenStoreError};

use super::super::manifest::{ADMIN_KEY, database};
use super::bytes;
use super::findings::{Findings, named};
use crate::secrets;

/// What clocks of a studio and of who looks may differ by, and what a clock may have been put back.
const CLOCK_SLACK: Duration = Duration::from_mins(5);
const RESTORE: &str = "stop the studio and run `studio restore` into an empty data directory";

/// Looks at all of it, and at the bytes that it names.
pub async fn look(data_dir: &Path, deep: bool, findings: &mut Findings) {
    let path = match database(data_dir) {
        Ok(path) => path,
        Err(error) => return findings.fail("database", format!("{error:#}"), ""),
    };
    // A studio could not work on it; whoever looks can.
    if let Err(error) = std::fs::OpenOptions::new().append(true).open(&path) {
        let refused = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem];
        let detail = if refused.contains(&error.kind()) {
            OpenStoreError::ReadOnly { path: path.clone() }.to_string()
        } else {
            format!("`{}`: {error}", path.display())
        };
        findings.fail("database", detail, "");
    }
    let look = match Look::open_still(&path) {
        Ok(look) => look,
        Err(error) => return findings.fail("database", format!("{:#}", anyhow::Error::from(error)), ""),
    };
    if structure(&look, &path, deep, findings) && version(&look, findings) {
        if let Err(error) = rows(look.db(), data_dir, findings) {
            findings.fail("database", error.to_string(), RESTORE);
        }
        if let Err(error) = bytes::look(&look, data_dir, deep, findings).await {
            findings.fail("artefacts", format!("{error:#}"), "make the folder readable for this user");
        }
    }
    if look.has_moved() {
        let detail = "a studio was started while its files were read, and what is said above may be wrong";
        findings.warn("database", detail, "run this again");
    }
}

fn structure(look: &Look, path: &Path, deep: bool, findings: &mut Findings) -> bool {
    let problems = match look.db().structure_check(deep) {
        Ok(problems) => problems,
        Err(error) => vec![error.to_string()],
    };
    if problems.is_empty() {
        let indices = if deep { "" } else { ", --deep compares its indices" };
        findings.ok("database", format!("`{}` is whole{indices}", path.display()));
        return true;
    }
    findings.fail("database", format!("`{}`: {}", path.display(), named(&problems)), RESTORE);
    false
}

fn version(look: &Look, findings: &mut Findings) -> bool {
    let (found, known) = (look.version(), Look::KNOWN_VERSION);
    match found.cmp(&known) {
        Ordering::Equal => findings.ok("schema", format!("version {found}")),
        Ordering::Less => {
            let detail =
                format!("version {found}, this program works with {known}; its rows were not looked at");
            findings.warn(
                "schema",
                detail,
                "`studio backup` copies it as it is, `studio serve` brings it up",
            );
        }
        Ordering::Greater => {
            let detail =
                format!("version {found}, this program knows up to {known}; its rows were not looked at");
            findings.fail("schema", detail, "use the newer studio that wrote it");
        }
    }
    found == known
}

fn rows(db: &Db, data_dir: &Path, findings: &mut Findings) -> studio_store::Result<()> {
    let counts = db.counts()?;
    findings.ok("queue", format!("{} jobs, {} of them open", counts.total(), counts.open()));
    let quarantined = counts.of(JobState::Quarantined);
    if quarantined > 0 {
        let detail = format!("{quarantined} jobs took workers down");
        findings.warn("queue", detail, "`studio jobs list --state quarantined`");
    }
    let miscounts = db.miscounts()?;
    if miscounts.is_empty() {
        findings.ok("counts", "those of projects are those of their jobs");
    } else {
        let detail = format!("wrong for {}", named(&miscounts));
        findings.fail(
            "counts",
            detail,
            "a restart of the studio counts projects anew; totals need a restore",
        );
    }
    clock(db, findings)?;
    keys(db, data_dir, findings)?;
    webhooks(db, findings)
}

fn clock(db: &Db, findings: &mut Findings) -> studio_store::Result<()> {
    let now = Timestamp::now();
    let slack = CLOCK_SLACK.as_millis() as i64;
    match db.latest_moment()? {
        Some(latest) if latest > now.plus_millis(slack) => {
            let detail = format!("the latest row is of {latest}, and it is {now}");
            findings.warn("clock", detail, "set the clock of this machine, or run its time service");
        }
        _ => findings.ok("clock", "nothing that was written down lies ahead"),
    }
    Ok(())
}

fn keys(db: &Db, data_dir: &Path, findings: &mut Findings) -> studio_store::Result<()> {
    let (keys, users) = (db.keys()?.len(), db.users()?.len());
    if db.has_admin()? {
        findings.ok("access", format!("{keys} keys, {users} accounts, and somebody may administer"));
    } else {
        let detail = format!("{keys} keys, {users} accounts, and nobody may administer");
        findings.fail("access", detail, "start the studio again: it writes a new key to admin.key");
    }
    let path = data_dir.join(ADMIN_KEY);
    let Ok(secret) = std::fs::read_to_string(&path) else {
        findings.ok("access", format!("no key is kept in `{}`", path.display()));
        return Ok(());
    };
    if let Some(key) = db.key_by_hash(&secrets::hash(secret.trim()))? {
        findings.ok("access", format!("`{}` opens as {}", path.display(), key.role));
    } else {
        let detail = format!("the key in `{}` is not known any more", path.display());
        findings.warn("access", detail, "delete the file, or put the right key into it");
    }
    Ok(())
}

fn webhooks(db: &Db, findings: &mut Findings) -> studio_store::Result<()> {
    let failing = db.failing_webhooks()?;
    if failing.is_empty() {
        let all = db.webhooks()?;
        let disabled = all.iter().filter(|webhook| webhook.disabled).count();
        findings.ok("webhooks", format!("{}, {disabled} of them disabled", all.len()));
        return Ok(());
    }
    // Without their addresses: there may be a password in one.
    let each = failing.iter().map(|webhook| {
        format!("{} ({} given up, {} to be tried again)", webhook.id, webhook.failed, webhook.retrying)
    });
    let detail = format!("the last delivery did not arrive at {}", named(&each.collect::<Vec<_>>()));
    findings.warn("webhooks", detail, "see why on the page Settings, Webhooks");
    Ok(())
}
