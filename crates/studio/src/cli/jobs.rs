//! `studio jobs`

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use studio_protocol::{TaskKind, Timestamp};
use studio_store::JobState;
use uuid::Uuid;

use super::output::{Output, fields, shortened, table};
use super::prompts::raw;
use super::task::TaskOptions;
use super::times::{ago, between, size};
use super::{Exit, watch};
use crate::api::MAX_COUNT;
use crate::api::types::{Attempt, BatchJob, Items, Job, JobDetail, NewBatch, NewJob};
use crate::client::{Client, JobsQuery};

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Submit one job
    Submit(Box<SubmitArgs>),
    /// Show jobs, newest first
    List(ListArgs),
    /// Show one job: its task, its tries, its result
    Show {
        /// job-...
        id: String,
        /// What its worker logged, too
        #[arg(long)]
        logs: bool,
    },
    /// Follow a job to its end
    Watch {
        /// job-...
        id: String,
    },
    /// Write a job's result to a file, or print it when it is JSON
    Result {
        /// job-...
        id: String,
        /// Where to
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Call jobs off
    Cancel {
        /// job-...
        #[arg(required = true)]
        ids: Vec<String>,
        /// Told to the worker, kept in the history
        #[arg(long)]
        reason: Option<String>,
    },
    /// Queue failed, cancelled or quarantined jobs again
    Retry {
        /// job-...
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Let a job go earlier or later
    Priority {
        /// job-...
        id: String,
        /// -1000 to 1000, higher goes first
        #[arg(allow_negative_numbers = true)]
        priority: i32,
    },
}

/// One job.
#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// What to make; for speech-to-text and meshes the address of the input
    #[arg(required_unless_present_any = ["task", "audio", "init_image"])]
    prompt: Option<String>,
    /// Which model: `studio models`
    #[arg(long)]
    model: String,
    /// The whole task as JSON, in place of a prompt
    #[arg(long, conflicts_with = "prompt")]
    task: Option<String>,
    /// Whose job it is
    #[arg(long)]
    project: Option<String>,
    /// The name of the thing to make
    #[arg(long)]
    asset_name: Option<String>,
    /// -1000 to 1000, higher goes first
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Failures that end the job
    #[arg(long)]
    max_attempts: Option<u32>,
    /// As many jobs, as a batch: a --seed goes up by one from job to job
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_COUNT)))]
    count: Option<u32>,
    /// Makes it safe to run the same command again
    #[arg(long)]
    idempotency_key: Option<String>,
    /// Follow the job to its end
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    options: TaskOptions,
}

/// Which jobs.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// queued, offered, running, done, failed, cancelled or quarantined; several with commas between
    #[arg(long, value_delimiter = ',')]
    state: Vec<JobState>,
    /// image, llm, audio_stt, audio_tts, video or mesh
    #[arg(long)]
    kind: Option<TaskKind>,
    /// Only of this model
    #[arg(long)]
    model: Option<String>,
    /// Only of this batch
    #[arg(long)]
    batch: Option<String>,
    /// Only of this project
    #[arg(long)]
    project: Option<String>,
    /// Only of this worker
    #[arg(long)]
    worker: Option<String>,
    /// Part of the asset name, or the whole id
    #[arg(short, long)]
    query: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Where the list before this one ended
    #[arg(long)]
    cursor: Option<String>,
}

/// Does it.
pub async fn run(client: &Client, out: Output, command: JobsCommand) -> anyhow::Result<Exit> {
    match command {
        JobsCommand::Submit(args) => return submit(client, out, *args).await,
        JobsCommand::List(args) => {
            let page = client.jobs(&args.query()).await?;
            out.show(&page, || list(&page))?;
        }
        JobsCommand::Show { id, logs } => show(client, out, &id, logs).await?,
        JobsCommand::Watch { id } => return follow(client, out, &id).await,
        JobsCommand::Result { id, output } => result(client, out, &id, output).await?,
        JobsCommand::Cancel { ids, reason } => {
            for id in &ids {
                let detail = client.cancel_job(id, reason.clone()).await?;
                out.show(&detail, || format!("{id} is {}", detail.job.state))?;
            }
        }
        JobsCommand::Retry { ids } => {
            for id in &ids {
                let detail = client.retry_job(id).await?;
                out.show(&detail, || format!("{id} is {}", detail.job.state))?;
            }
        }
        JobsCommand::Priority { id, priority } => {
            let detail = client.set_priority(&id, priority).await?;
            out.show(&detail, || format!("{id} has priority {}", detail.job.priority))?;
        }
    }
    Ok(Exit::Done)
}

impl ListArgs {
    fn query(self) -> JobsQuery {
        let Self { state, kind, model, batch, project, worker, query, limit, cursor } = self;
        JobsQuery { state, kind, model, batch, project, worker, q: query, limit: Some(limit), cursor }
    }
}

async fn submit(client: &Client, out: Output, args: SubmitArgs) -> anyhow::Result<Exit> {
    let task = if let Some(json) = &args.task {
        let mut task: Map<String, Value> =
            serde_json::from_str(json).context("--task is not a JSON object")?;
        if let Some(kind) = task.get("kind").and_then(Value::as_str).and_then(|kind| kind.parse().ok()) {
            args.options.fill(kind, &mut task);
        }
        raw(&task)?
    } else {
        let kind = client.model(&args.model).await?.model.kind;
        raw(&args.options.task(kind, args.prompt.as_deref().unwrap_or_default()))?
    };
    let key = args.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string());
    if let Some(count) = args.count {
        let job = BatchJob {
            model: None,
            task,
            asset_name: Some(args.asset_name.unwrap_or_else(|| args.model.clone())),
            priority: args.priority,
            max_attempts: args.max_attempts,
            count: Some(count),
        };
        let batch = NewBatch {
            model: Some(args.model),
            project: args.project,
            jobs: vec![job],
            ..NewBatch::default()
        };
        let batch = client.submit_batch(&batch, Some(&key)).await?;
        return super::batch::submitted(client, out, &batch, args.watch, None).await;
    }
    let job = NewJob {
        model: args.model,
        task,
        project: args.project,
        asset_name: args.asset_name,
        priority: args.priority,
        max_attempts: args.max_attempts,
        count: None,
    };
    let job = client.submit(&job, Some(&key)).await?;
    if args.watch {
        out.note(&job.id);
        return follow(client, out, &job.id).await;
    }
    out.show(&job, || job.id.clone())?;
    Ok(Exit::Done)
}

async fn follow(client: &Client, out: Output, id: &str) -> anyhow::Result<Exit> {
    let (detail, exit) = watch::job(client, out, id).await?;
    if !out.is_json() {
        out.line(&told(&detail))?;
    }
    Ok(exit)
}

async fn show(client: &Client, out: Output, id: &str, logs: bool) -> anyhow::Result<()> {
    let detail = client.job(id).await?;
    let lines = if logs { client.job_logs(id).await? } else { Vec::new() };
    if out.is_json() {
        let mut value = serde_json::to_value(&detail)?;
        if logs {
            value["logs"] = serde_json::to_value(&lines)?;
        }
        return Ok(out.value(&value)?);
    }
    out.line(&told(&detail))?;
    for line in lines {
        out.line(&format!("{} {:5} {}: {}", line.ts, level(line.level), line.category, line.message))?;
    }
    Ok(())
}

pub fn level(level: studio_protocol::LogLevel) -> String {
    serde_json::to_value(level).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

async fn result(client: &Client, out: Output, id: &str, output: Option<PathBuf>) -> anyhow::Result<()> {
    let job = client.job(id).await?.job;
    let Some(artefact) = &job.artefact else {
        let text = client.job_result(id).await?;
        return match output {
            Some(path) => {
                std::fs::write(&path, text).with_context(|| format!("could not write `{}`", path.display()))
            }
            None => Ok(out.line(&text)?),
        };
    };
    let path = output
        .unwrap_or_else(|| PathBuf::from(super::download::plain(&format!("{}.{}", job.id, artefact.ext))));
    client.download(artefact, &path).await?;
    out.show(&serde_json::json!({ "path": path, "artefact": artefact }), || path.display().to_string())?;
    Ok(())
}

fn list(page: &Items<Job>) -> String {
    let now = Timestamp::now();
    let row = |job: &Job| {
        let progress = job.progress.as_ref().map(|p| format!(" {}/{}", p.step, p.steps)).unwrap_or_default();
        [
            job.id.clone(),
            format!("{}{progress}", job.state),
            job.model.clone(),
            shortened(&job.asset_name, 40),
            format!("{}/{}", job.attempts, job.max_attempts),
            ago(job.created_at, now),
            job.error.as_deref().map(|error| shortened(error, 60)).unwrap_or_default(),
        ]
    };
    let mut text =
        table(["ID", "STATE", "MODEL", "ASSET", "TRIES", "SUBMITTED", "ERROR"], page.items.iter().map(row));
    if let Some(cursor) = &page.next_cursor {
        text.push_str("\nmore: --cursor ");
        text.push_str(cursor);
    }
    text
}

fn told(detail: &JobDetail) -> String {
    let job = &detail.job;
    let now = Timestamp::now();
    let artefact = job.artefact.as_ref().map(|a| format!("{} {} sha256 {}", a.id, size(a.bytes), a.sha256));
    let text = fields(&[
        ("id", job.id.clone()),
        ("state", job.state.to_string()),
        ("model", format!("{} ({})", job.model, job.kind)),
        ("project", job.project.clone()),
        ("asset", job.asset_name.clone()),
        ("batch", job.batch.clone().unwrap_or_default()),
        ("priority", job.priority.to_string()),
        ("tries", format!("{} of {}", job.attempts, job.max_attempts)),
        ("worker", job.worker.clone().unwrap_or_default()),
        ("submitted", ago(job.created_at, now)),
        ("took", job.started_at.zip(job.finished_at).map(|(from, to)| between(from, to)).unwrap_or_default()),
        ("error", job.error.clone().unwrap_or_default()),
        ("task", detail.task.to_string()),
        ("artefact", artefact.unwrap_or_default()),
        ("result", detail.result.as_ref().map(ToString::to_string).unwrap_or_default()),
    ]);
    if detail.history.is_empty() {
        return text;
    }
    let row = |attempt: &Attempt| {
        [
            attempt.number.to_string(),
            attempt.worker.clone(),
            attempt.outcome.map_or_else(|| "under way".to_owned(), |outcome| outcome.to_string()),
            attempt.ended_at.map(|end| between(attempt.started_at, end)).unwrap_or_default(),
            attempt.error.clone().unwrap_or_default(),
        ]
    };
    text + "\n\n" + &table(["TRY", "WORKER", "OUTCOME", "TOOK", "ERROR"], detail.history.iter().map(row))
}
