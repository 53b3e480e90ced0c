//! `studio workers drain`, `limits` and `logs`.

use clap::Args;
use studio_protocol::{ProjectId, TaskKind};

use super::{id_of, state};
use crate::api::types::{Items, WorkerLimits, WorkerLog, WorkerPatch};
use crate::cli::jobs::level;
use crate::cli::output::{Output, fields, printable};
use crate::client::Client;

/// What a worker may have; what is not said stays, and nothing said shows what counts.
#[derive(Debug, Args)]
pub struct LimitsArgs {
    /// w-... or its name
    worker: String,
    /// Only jobs of these kinds, with commas between
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    kinds: Option<Vec<TaskKind>>,
    /// Only jobs of these projects, with commas between
    #[arg(long, value_delimiter = ',', value_name = "PROJECTS")]
    projects: Option<Vec<String>>,
    /// At most this many jobs at once
    #[arg(long, value_name = "JOBS")]
    max_jobs: Option<u32>,
    /// Words for people, with commas between
    #[arg(long, value_delimiter = ',', value_name = "LABELS")]
    labels: Option<Vec<String>>,
    /// First take away every limit that it has
    #[arg(long)]
    clear: bool,
}

/// Shows or changes them.
pub async fn limits(client: &Client, out: Output, args: LimitsArgs) -> anyhow::Result<()> {
    let LimitsArgs { worker, kinds, projects, max_jobs, labels, clear } = args;
    let id = id_of(client, worker).await?;
    let mut worker = client.worker(&id).await?;
    let changes = kinds.is_some() || projects.is_some() || max_jobs.is_some() || labels.is_some() || clear;
    if changes {
        let before = if clear { WorkerLimits::default() } else { worker.limits };
        let limits = WorkerLimits {
            kinds: kinds.or(before.kinds),
            projects: projects
                .map(|names| names.into_iter().map(ProjectId::from).collect())
                .or(before.projects),
            max_jobs: max_jobs.or(before.max_jobs),
            labels: labels.unwrap_or(before.labels),
        };
        worker = client
            .change_worker(&id, &WorkerPatch { limits: Some(limits), ..WorkerPatch::default() })
            .await?;
    }
    out.show(&worker.limits, || {
        let shown = described(&worker.limits);
        if shown.is_empty() { format!("{id} has no limits") } else { fields(&shown) }
    })?;
    Ok(())
}

/// The limits that there are, in words.
pub fn described(limits: &WorkerLimits) -> Vec<(&'static str, String)> {
    let mut shown = Vec::new();
    if let Some(kinds) = &limits.kinds {
        shown.push(("only kinds", listed(kinds.iter().map(|kind| kind.as_str()))));
    }
    if let Some(projects) = &limits.projects {
        shown.push(("only projects", listed(projects.iter().map(ProjectId::as_str))));
    }
    if let Some(jobs) = limits.max_jobs {
        shown.push(("jobs at once", jobs.to_string()));
    }
    if !limits.labels.is_empty() {
        shown.push(("labels", listed(limits.labels.iter().map(String::as_str))));
    }
    shown
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(" ") }
}

/// Sends it home, or has it take jobs again.
pub async fn send(client: &Client, out: Output, worker: String, what: &str) -> anyhow::Result<()> {
    let id = id_of(client, worker).await?;
    let worker = client.steer_worker(&id, what).await?;
    out.show(&worker, || format!("{} ({}) is {}", worker.name, worker.id, state(&worker)))?;
    Ok(())
}

/// Shows what it last said of itself.
pub async fn logs(client: &Client, out: Output, worker: String) -> anyhow::Result<()> {
    let id = id_of(client, worker).await?;
    let page = Items { items: client.worker_logs(&id, 0).await?, next_cursor: None };
    let line = |line: &WorkerLog| {
        format!(
            "{} {:5} {}: {}",
            line.ts,
            level(line.level),
            printable(&line.category),
            printable(&line.message)
        )
    };
    out.show(&page, || {
        if page.items.is_empty() {
            return "nothing to show: lines about jobs are with them, `studio jobs show --logs`".to_owned();
        }
        page.items.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    Ok(())
}
