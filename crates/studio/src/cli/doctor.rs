//! `studio doctor`: looks at a data directory and says what is wrong and what to do.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use anyhow::Context;
use futures_util::TryStreamExt;
use serde::Serialize;
use sha2::{Digest, Sha256};
use studio_store::{Artefact, Db, JobState, Role, Store};

use super::Exit;
use super::manifest::{ADMIN_KEY, ARTEFACTS, DATABASE, artefacts, open_store};
use super::output::{Output, table};
use super::times::size;
use crate::artefacts::Artefacts;
use crate::client::hash_of;
use crate::disk;
use crate::model_files::{Recorded, recorded};
use crate::secrets;
use crate::settings::MODELS;
use crate::thumbnails::origin_of;

/// Free space below which a busy studio is about to stop taking results.
const LOW_SPACE_BYTES: u64 = 2 << 30;
/// Free space below which it has probably stopped.
const NO_SPACE_BYTES: u64 = 64 << 20;
/// Things of one sort that are named before the rest is only counted.
const MAX_NAMED: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warn,
    Error,
}

#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    check: &'static str,
    detail: String,
}

#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.0.push(Finding { level: Level::Ok, check, detail: detail.into() });
    }

    fn warn(&mut self, check: &'static str, detail: impl Into<String>) {
        self.0.push(Finding { level: Level::Warn, check, detail: detail.into() });
    }

    fn error(&mut self, check: &'static str, detail: impl Into<String>) {
        self.0.push(Finding { level: Level::Error, check, detail: detail.into() });
    }
}

/// Looks at everything; an error that stops one check does not stop the others.
pub async fn run(data_dir: &Path, deep: bool, out: Output) -> anyhow::Result<Exit> {
    let mut findings = Findings::default();
    space(data_dir, &mut findings);
    match open_store(data_dir) {
        Ok(store) => {
            if let Err(error) = look(&store, data_dir, deep, &mut findings).await {
                findings.error("database", format!("{error:#}"));
            }
            store.close().await;
        }
        Err(error) => findings.error("database", format!("{error:#}")),
    }
    let worst = findings.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    let report = serde_json::json!({ "dataDir": data_dir, "level": worst, "findings": findings.0 });
    out.show(&report, || {
        let row = |finding: &Finding| {
            let level = match finding.level {
                Level::Ok => "ok",
                Level::Warn => "warn",
                Level::Error => "error",
            };
            [level.to_owned(), finding.check.to_owned(), finding.detail.clone()]
        };
        format!("{}\n{}", data_dir.display(), table(["", "CHECK", "FOUND"], findings.0.iter().map(row)))
    })?;
    Ok(if worst == Level::Error { Exit::Unwell } else { Exit::Done })
}

async fn look(store: &Store, data_dir: &Path, deep: bool, findings: &mut Findings) -> anyhow::Result<()> {
    let problems = store.read(Db::integrity_check).await?;
    if problems.is_empty() {
        findings.ok("database", format!("{} is whole", data_dir.join(DATABASE).display()));
    } else {
        let advice = "stop the studio and run `studio restore` into an empty data directory";
        findings.error("database", format!("{}: {advice}", named(&problems)));
    }
    let counts = store.read(Db::counts).await?;
    let open = counts.open();
    findings.ok("queue", format!("{} jobs, {open} of them open", counts.total()));
    let quarantined = counts.of(JobState::Quarantined);
    if quarantined > 0 {
        let detail = format!("{quarantined} jobs took workers down: `studio jobs list --state quarantined`");
        findings.warn("queue", detail);
    }
    keys(store, data_dir, findings).await?;
    let known = artefacts(store).await?;
    let keys = store.read(Db::artefact_keys).await?.into_iter().collect();
    bytes(&known, &keys, data_dir, deep, findings).await?;
    models(data_dir, deep, findings).await
}

async fn keys(store: &Store, data_dir: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let keys = store.read(Db::keys).await?;
    if !keys.iter().any(|key| key.role == Role::Admin) {
        findings.warn("keys", "there is no admin key: the next `studio serve` makes one");
        return Ok(());
    }
    let path = data_dir.join(ADMIN_KEY);
    let Ok(secret) = std::fs::read_to_string(&path) else {
        findings.ok("keys", format!("{} keys; no admin key is kept in `{}`", keys.len(), path.display()));
        return Ok(());
    };
    if let Some(mode) = open_to_others(&path) {
        let path = path.display();
        findings.error("keys", format!("`{path}` can be read by others ({mode:o}): chmod 600 '{path}'"));
    }
    let hash = secrets::hash(secret.trim());
    match store.read(move |db| db.key_by_hash(&hash)).await? {
        Some(key) => {
            findings.ok("keys", format!("{} keys, `{}` opens as {}", keys.len(), path.display(), key.role));
        }
        None => findings
            .warn("keys", format!("the key in `{}` is not known any more: delete the file", path.display())),
    }
    Ok(())
}

async fn bytes(
    known: &[Artefact],
    known_keys: &HashSet<String>,
    data_dir: &Path,
    deep: bool,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let folder = data_dir.join(ARTEFACTS);
    let store = Artefacts::local(&folder)?;
    let keys: HashSet<String> = store.keys().await?.into_iter().collect();
    let mut wrong = Vec::new();
    let mut total = 0;
    for artefact in known {
        total += artefact.bytes;
        if let Some(problem) = problem_of(&store, artefact, &folder, deep).await {
            wrong.push(format!("{} of {}: {problem}", artefact.id, artefact.job));
        }
    }
    if wrong.is_empty() {
        let checked = if deep { "every hash is right" } else { "all there, --deep compares hashes" };
        findings.ok("artefacts", format!("{} of {}: {checked}", known.len(), size(total)));
    } else {
        let advice = "retry their jobs, or restore a backup";
        findings.error("artefacts", format!("{} damaged or gone: {}; {advice}", wrong.len(), named(&wrong)));
    }
    let left_over = keys.iter().filter(|key| !known_keys.contains(origin_of(key).unwrap_or(key))).count();
    if left_over > 0 {
        findings.ok(
            "artefacts",
            format!("{left_over} left over from uploads that did not end; they are swept at a start"),
        );
    }
    Ok(())
}

/// Files of models can be had again, so that what is wrong with them is no more than a warning.
async fn models(data_dir: &Path, deep: bool, findings: &mut Findings) -> anyhow::Result<()> {
    let root = data_dir.join(MODELS);
    let known = recorded(&root).with_context(|| format!("could not read `{}`", root.display()))?;
    let (mut wrong, mut total) = (Vec::new(), 0);
    for Recorded { model, filename, stored } in &known {
        let is_right = match stored {
            Some(stored) if deep => {
                let hash = hash_of(&root.join(model).join(filename)).await;
                hash.is_ok_and(|hash| hash == stored.sha256)
            }
            stored => stored.is_some(),
        };
        total += stored.as_ref().map_or(0, |stored| stored.bytes);
        if !is_right {
            wrong.push(format!("{model}/{filename}"));
        }
    }
    if !wrong.is_empty() {
        let advice = "fetch or upload them again";
        findings.warn("models", format!("{} damaged or gone: {}; {advice}", wrong.len(), named(&wrong)));
    } else if !known.is_empty() {
        let checked = if deep { "every hash is right" } else { "all there, --deep compares hashes" };
        findings.ok("models", format!("{} files of {}: {checked}", known.len(), size(total)));
    }
    Ok(())
}

async fn problem_of(store: &Artefacts, artefact: &Artefact, folder: &Path, deep: bool) -> Option<String> {
    if !deep {
        return match std::fs::metadata(folder.join(&artefact.key)) {
            Ok(meta) if meta.len() == artefact.bytes => None,
            Ok(meta) => Some(format!("{} bytes in place of {}", meta.len(), artefact.bytes)),
            Err(error) => Some(error.to_string()),
        };
    }
    let mut stream = match store.get(&artefact.key, None).await {
        Ok(stream) => stream,
        Err(error) => return Some(error.to_string()),
    };
    let mut hash = Sha256::new();
    loop {
        match stream.try_next().await {
            Ok(Some(chunk)) => hash.update(&chunk),
            Ok(None) => break,
            Err(error) => return Some(error.to_string()),
        }
    }
    (hex::encode(hash.finalize()) != artefact.sha256).then(|| "its hash is another".to_owned())
}

fn named(all: &[String]) -> String {
    let shown = all.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = all.len().saturating_sub(MAX_NAMED);
    if more > 0 { format!("{shown}; and {more} more") } else { shown }
}

fn space(data_dir: &Path, findings: &mut Findings) {
    let free = match disk::space(data_dir) {
        Ok(space) => space.free,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return,
        Err(error) => return findings.error("disk", format!("`{}`: {error}", data_dir.display())),
    };
    let detail = format!("{} free", size(free));
    if free < NO_SPACE_BYTES {
        findings.error("disk", format!("{detail}: results cannot be stored, free some space"));
    } else if free < LOW_SPACE_BYTES {
        findings.warn("disk", format!("{detail}: free some space soon"));
    } else {
        findings.ok("disk", detail);
    }
}

/// The mode of a file that others may read.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<u32> {
    None
}
