//! Brings a batch's results into a folder.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use studio_store::JobState;

use super::output::Output;
use crate::api::MAX_LIMIT;
use crate::api::types::Job;
use crate::client::{Client, Downloaded, JobsQuery};

/// Downloads at the same time: hides the delay of small files, does not crowd others out.
const AT_ONCE: usize = 4;
/// Characters of a file's name: what every file system takes, with room for an extension.
const MAX_NAME_CHARS: usize = 120;

/// A file that is there now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brought {
    job: String,
    path: String,
    bytes: u64,
    /// False when it was there before.
    fetched: bool,
}

/// What came of a download.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    folder: String,
    files: Vec<Brought>,
    /// Jobs that made nothing yet, or never will.
    without_result: u64,
}

/// Downloads what the finished jobs of a batch made; again is cheap.
pub async fn batch(client: &Client, out: Output, id: &str, folder: &Path) -> anyhow::Result<Summary> {
    let batch = client.batch(id).await?;
    tokio::fs::create_dir_all(folder)
        .await
        .with_context(|| format!("could not create the folder `{}`", folder.display()))?;
    let jobs = done(client, id).await?;
    let names = names(&jobs);
    let bar = if out.is_live() { ProgressBar::new(jobs.len() as u64) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:32.cyan/dim} {pos}/{len} {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let without_result = batch.total.saturating_sub(jobs.len() as u64);
    let work = stream::iter(jobs.iter().zip(names)).map(|(job, name)| {
        let bar = bar.clone();
        async move {
            let brought = one(client, job, &folder.join(&name)).await;
            bar.set_message(name);
            bar.inc(1);
            brought
        }
    });
    let files: Vec<Brought> = work.buffered(AT_ONCE).try_collect().await?;
    bar.finish_and_clear();
    Ok(Summary { folder: folder.display().to_string(), files, without_result })
}

impl Summary {
    /// For people.
    pub fn told(&self) -> String {
        let fetched = self.files.iter().filter(|file| file.fetched).count();
        let present = self.files.len() - fetched;
        let mut parts = vec![format!("{fetched} files downloaded to {}", self.folder)];
        if present > 0 {
            parts.push(format!("{present} were there already"));
        }
        if self.without_result > 0 {
            parts.push(format!("{} jobs have no result", self.without_result));
        }
        parts.join(", ")
    }
}

async fn done(client: &Client, batch: &str) -> anyhow::Result<Vec<Job>> {
    let mut query = JobsQuery {
        batch: Some(batch.to_owned()),
        state: vec![JobState::Done],
        limit: Some(MAX_LIMIT),
        ..JobsQuery::default()
    };
    let mut jobs = Vec::new();
    loop {
        let page = client.jobs(&query).await?;
        jobs.extend(page.items);
        if page.next_cursor.is_none() {
            // Lists come newest first, files are for people.
            jobs.reverse();
            return Ok(jobs);
        }
        query.cursor = page.next_cursor;
    }
}

/// Brings one job's result to `path`.
async fn one(client: &Client, job: &Job, path: &Path) -> anyhow::Result<Brought> {
    let told =
        |bytes, fetched| Brought { job: job.id.clone(), path: path.display().to_string(), bytes, fetched };
    if let Some(artefact) = &job.artefact {
        let came = client.download(artefact, path).await?;
        return Ok(told(artefact.bytes, came == Downloaded::Fetched));
    }
    let result = client.job_result(&job.id).await?;
    let failed = || format!("could not write `{}`", path.display());
    if tokio::fs::read(path).await.is_ok_and(|there| there == result.as_bytes()) {
        return Ok(told(result.len() as u64, false));
    }
    let part = path.with_added_extension("part");
    tokio::fs::write(&part, &result).await.with_context(failed)?;
    tokio::fs::rename(&part, path).await.with_context(failed)?;
    Ok(told(result.len() as u64, true))
}

/// File names: the names of the things, made plain, and with the job's id where two would be the same.
fn names(jobs: &[Job]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(jobs.len());
    for job in jobs {
        let ext = job.artefact.as_ref().map_or("json", |artefact| artefact.ext.as_str());
        let ext = plain(ext);
        let stem = plain(&job.asset_name);
        let mut name = format!("{stem}.{ext}");
        // Some file systems take upper and lower case for the same.
        if !taken.insert(name.to_lowercase()) {
            name = format!("{stem}-{}.{ext}", plain(&job.id));
            taken.insert(name.to_lowercase());
        }
        names.push(name);
    }
    names
}

/// A name without path parts, reserved characters or dots at its ends.
pub fn plain(text: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ') { c } else { '_' };
    let name: String = text.chars().take(MAX_NAME_CHARS).map(safe).collect();
    let name = name.trim_matches(['.', ' ']);
    if name.is_empty() { "_".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use studio_protocol::{TaskKind, Timestamp};

    use super::*;
    use crate::api::types::ArtefactSummary;

    fn job(id: &str, asset_name: &str, ext: Option<&str>) -> Job {
        Job {
            id: id.to_owned(),
            state: JobState::Done,
            kind: TaskKind::Image,
            model: "synthetic".to_owned(),
            project: "default".to_owned(),
            asset_name: asset_name.to_owned(),
            batch: None,
            priority: 0,
            attempts: 1,
            max_attempts: 5,
            worker: None,
            error: None,
            created_at: Timestamp::from_millis(0),
            started_at: None,
            finished_at: None,
            progress: None,
            artefact: ext.map(|ext| ArtefactSummary {
                id: "art-1".to_owned(),
                bytes: 1,
                ext: ext.to_owned(),
                mime: String::new(),
                sha256: String::new(),
            }),
        }
    }

    #[test]
    fn names_stay_in_the_folder() {
        for hostile in ["../../etc/passwd", "/abs", "..", "C:\\x", "a\0b", "", ". .", "nul/../x"] {
            let name = plain(hostile);
            assert!(!name.contains(['/', '\\', ':', '\0']) && name != ".." && !name.is_empty(), "{name}");
            assert!(!name.starts_with('.'), "{name}");
        }
    }

    #[test]
    fn every_job_has_a_file_of_its_own() {
        let jobs = [
            job("job-1", "g/fox", Some("webp")),
            job("job-2", "g/Fox", Some("webp")),
            job("job-3", "chat", None),
        ];
        assert_eq!(names(&jobs), ["g_fox.webp", "g_Fox-job-2.webp", "chat.json"]);
    }
}
