//! `studio batch`

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};
use studio_protocol::Timestamp;
use studio_store::JobState;
use uuid::Uuid;

use super::output::{Output, fields, shortened, table};
use super::prompts::{self, Lines};
use super::task::TaskOptions;
use super::times::{ago, between};
use super::watch::{self, count};
use super::{Exit, download};
use crate::api::MAX_COUNT;
use crate::api::types::{Batch, BatchChange, Items, NewBatch};
use crate::client::Client;

#[derive(Debug, Subcommand)]
pub enum BatchCommand {
    /// Submit a file: a prompt on each line, or a job on each line of a .jsonl file
    Submit(Box<SubmitArgs>),
    /// Show batches, newest first
    List {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Where the list before this one ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one batch
    Show {
        /// batch-...
        id: String,
    },
    /// Follow a batch to its end: progress, rate, time left
    Watch {
        /// batch-...
        id: String,
    },
    /// Call off every job that has not ended
    Cancel {
        /// batch-...
        id: String,
        /// Told to the workers, kept in the history
        #[arg(long)]
        reason: Option<String>,
    },
    /// Queue every failed, cancelled or quarantined job again
    Retry {
        /// batch-...
        id: String,
    },
    /// Download every result; what is there already is only checked
    Download {
        /// batch-...
        id: String,
        /// A folder, made when missing
        dir: PathBuf,
    },
}

/// A file of jobs.
#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// prompts.txt or jobs.jsonl; - reads the standard input
    file: PathBuf,
    /// Which model: `studio models`; jobs of a .jsonl file may name their own
    #[arg(long)]
    model: Option<String>,
    /// What to call the batch [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// Whose jobs they are
    #[arg(long)]
    project: Option<String>,
    /// -1000 to 1000, higher goes first
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// As many jobs of each line: a --seed goes up by one from job to job
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_COUNT)))]
    count: Option<u32>,
    /// Makes it safe to run the same command again
    #[arg(long)]
    idempotency_key: Option<String>,
    /// Follow the batch to its end
    #[arg(long)]
    watch: bool,
    /// Follow the batch to its end and download its results to this folder
    #[arg(long, value_name = "DIR")]
    download: Option<PathBuf>,
    #[command(flatten)]
    options: TaskOptions,
}

/// Does it.
pub async fn run(client: &Client, out: Output, command: BatchCommand) -> anyhow::Result<Exit> {
    match command {
        BatchCommand::Submit(args) => return submit(client, out, *args).await,
        BatchCommand::List { limit, cursor } => {
            let page = client.batches(limit, cursor.as_deref()).await?;
            out.show(&page, || list(&page))?;
        }
        BatchCommand::Show { id } => {
            let batch = client.batch(&id).await?;
            out.show(&batch, || told(&batch))?;
        }
        BatchCommand::Watch { id } => return follow(client, out, &id).await,
        BatchCommand::Cancel { id, reason } => {
            changed(out, "cancelled", &client.cancel_batch(&id, reason).await?)?;
        }
        BatchCommand::Retry { id } => changed(out, "queued again", &client.retry_batch(&id).await?)?,
        BatchCommand::Download { id, dir } => bring(client, out, &id, &dir).await?,
    }
    Ok(Exit::Done)
}

async fn submit(client: &Client, out: Output, args: SubmitArgs) -> anyhow::Result<Exit> {
    let stem =
        args.file.file_stem().and_then(|stem| stem.to_str()).filter(|stem| *stem != "-").unwrap_or("batch");
    let mut jobs = match (prompts::read(&args.file)?, &args.model) {
        (Lines::Prompts(lines), Some(model)) => {
            let kind = client.model(model).await?.model.kind;
            prompts::from_prompts(&lines, kind, args.name.as_deref().unwrap_or(stem), &args.options)?
        }
        (Lines::Prompts(_), None) => {
            bail!("prompts need a --model: `studio models` shows those that there are")
        }
        (Lines::Jobs(lines), _) => prompts::from_jobs(lines, &args.options)?,
    };
    if let Some(count) = args.count {
        for job in &mut jobs {
            job.count = job.count.or(Some(count));
        }
    }
    let batch = NewBatch {
        name: Some(args.name.clone().unwrap_or_else(|| stem.to_owned())),
        project: args.project,
        priority: args.priority,
        model: args.model,
        jobs,
    };
    let key = args.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string());
    let batch = client.submit_batch(&batch, Some(&key)).await?;
    submitted(client, out, &batch, args.watch, args.download.as_deref()).await
}

/// What is left to do when a batch is with the studio.
pub async fn submitted(
    client: &Client,
    out: Output,
    batch: &Batch,
    watch: bool,
    download: Option<&Path>,
) -> anyhow::Result<Exit> {
    if !watch && download.is_none() {
        out.show(batch, || batch.id.clone())?;
        return Ok(Exit::Done);
    }
    out.note(&format!("{} with {} jobs", batch.id, batch.total));
    let exit = follow(client, out, &batch.id).await?;
    if let Some(folder) = download {
        bring(client, out, &batch.id, folder).await?;
    }
    Ok(exit)
}

async fn follow(client: &Client, out: Output, id: &str) -> anyhow::Result<Exit> {
    let (batch, exit) = watch::batch(client, out, id).await?;
    if !out.is_json() {
        out.line(&told(&batch))?;
    }
    Ok(exit)
}

async fn bring(client: &Client, out: Output, id: &str, folder: &Path) -> anyhow::Result<()> {
    let summary = download::batch(client, out, id, folder).await?;
    out.show(&summary, || summary.told())?;
    Ok(())
}

fn changed(out: Output, what: &str, change: &BatchChange) -> anyhow::Result<()> {
    out.show(change, || format!("{} jobs {what}", change.changed))?;
    Ok(())
}

fn list(page: &Items<Batch>) -> String {
    let now = Timestamp::now();
    let row = |batch: &Batch| {
        [
            batch.id.clone(),
            batch.name.as_deref().map(|name| shortened(name, 40)).unwrap_or_default(),
            format!("{}/{}", count(batch, JobState::Done), batch.total),
            ended_otherwise(batch),
            ago(batch.created_at, now),
            batch.finished_at.map(|time| ago(time, now)).unwrap_or_default(),
        ]
    };
    let mut text =
        table(["ID", "NAME", "DONE", "NOT DONE", "SUBMITTED", "FINISHED"], page.items.iter().map(row));
    if let Some(cursor) = &page.next_cursor {
        text.push_str("\nmore: --cursor ");
        text.push_str(cursor);
    }
    text
}

fn ended_otherwise(batch: &Batch) -> String {
    let states = [JobState::Failed, JobState::Cancelled, JobState::Quarantined];
    let parts = states.iter().filter(|state| count(batch, **state) > 0);
    parts.map(|state| format!("{} {state}", count(batch, *state))).collect::<Vec<_>>().join(", ")
}

fn told(batch: &Batch) -> String {
    let now = Timestamp::now();
    let mut rows = vec![
        ("id", batch.id.clone()),
        ("name", batch.name.clone().unwrap_or_default()),
        ("project", batch.project.clone()),
        ("submitted", ago(batch.created_at, now)),
        ("took", batch.finished_at.map(|end| between(batch.created_at, end)).unwrap_or_default()),
        ("jobs", batch.total.to_string()),
    ];
    let states = batch.counts.iter().filter(|(_, count)| **count > 0);
    rows.extend(states.map(|(state, count)| (state.as_str(), count.to_string())));
    let missing = batch.total - count(batch, JobState::Done).min(batch.total);
    if batch.finished_at.is_some() && missing > 0 {
        rows.push((
            "next",
            format!("see why with `studio jobs list --batch {}`, then `studio batch retry`", batch.id),
        ));
    }
    fields(&rows)
}
