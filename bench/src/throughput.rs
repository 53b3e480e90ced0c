//! Durable no-op jobs: submitted, offered, accepted, completed, each step on disk before it is answered.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Api;

use crate::fleet::{Fleet, Habit, MODEL};
use crate::programs::Programs;
use crate::report::Report;
use crate::samples::Samples;
use crate::usage::Usage;

/// Everybody connects.
const ONLINE_LIMIT: Duration = Duration::from_mins(1);
/// Every job is done.
const DONE_LIMIT: Duration = Duration::from_mins(5);
/// Of the stories with many submitters, beside the one with a single one.
const BATCHES: usize = 8;
const CLIENTS: usize = 32;

/// How it is measured.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Jobs of one run
    #[arg(long, default_value_t = 50_000)]
    pub jobs: usize,
    /// Connected workers, each with one slot
    #[arg(long, default_value_t = 256)]
    pub workers: usize,
    /// Jobs of one submission
    #[arg(long, default_value_t = 1_000)]
    pub chunk: usize,
    /// Runs, of which the median counts
    #[arg(long, default_value_t = 3)]
    pub runs: usize,
}

/// Who submits.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    /// Submitters at once, each waiting for its answer before it goes on.
    pub producers: usize,
    /// Jobs of one submission.
    pub chunk: usize,
    /// Whether each submission is a batch, and each submitter a project.
    pub batches: bool,
}

/// What one run brought.
#[derive(Debug)]
pub struct Run {
    /// From the first submission until the studio says that all are done.
    pub jobs_per_second: f64,
    /// From the first submission to the last answer.
    pub submitted_per_second: f64,
    /// The studio's share of one core meanwhile, percent.
    pub studio_core_percent: f64,
    /// This program's share.
    pub generator_core_percent: f64,
}

/// Measures.
pub async fn run(programs: &Programs, options: &Options) -> anyhow::Result<Report> {
    let title = format!("{} workers, one slot each; median of {}", options.workers, options.runs);
    let mut report = Report::new("throughput", title);
    let one = Story { producers: 1, chunk: options.chunk, batches: false };
    let many = Story { producers: BATCHES, chunk: options.chunk, batches: true };
    let single = Story { producers: CLIENTS, chunk: 1, batches: false };
    let stories = [
        (format!("one submitter, {} jobs at a time", options.chunk), one, options.jobs),
        (
            format!("{BATCHES} submitters, batches of {} in {BATCHES} projects", options.chunk),
            many,
            options.jobs,
        ),
        (format!("{CLIENTS} submitters, one job at a time"), single, options.jobs / 2),
    ];
    for (what, story, jobs) in stories {
        let mut runs = Vec::new();
        for _ in 0..options.runs {
            runs.push(once(programs, jobs, options.workers, story).await?);
        }
        let median = |of: fn(&Run) -> f64| runs.iter().map(of).collect::<Samples>().median();
        report.row(what, median(|run| run.jobs_per_second), "jobs/s");
        report.row("  submissions answered", median(|run| run.submitted_per_second), "jobs/s");
        report.row("  studio", median(|run| run.studio_core_percent), "% of a core");
        report.row("  this load generator", median(|run| run.generator_core_percent), "% of a core");
    }
    Ok(report)
}

/// One run against a fresh studio.
pub async fn once(programs: &Programs, jobs: usize, workers: usize, story: Story) -> anyhow::Result<Run> {
    let mut studio = programs.studio(&["--trust-proxy"]).await?;
    let identities = Fleet::register(&studio, workers).await?;
    let fleet = Fleet::connect(&studio, &identities, Habit::Finish, None)?;
    fleet.until("workers are connected", Fleet::online, workers, ONLINE_LIMIT).await?;
    let api = studio.api()?;
    let pid = studio.process().pid();

    let (before, own) = (Usage::of(pid)?, Usage::of(std::process::id())?);
    let started = Instant::now();
    let submitted = async {
        let producers = (0..story.producers).map(|producer| submit(&api, producer, jobs, story));
        futures_util::future::try_join_all(producers).await?;
        Ok::<_, anyhow::Error>(started.elapsed())
    };
    let done = fleet.until("jobs are done", Fleet::stored, jobs, DONE_LIMIT);
    let (submitted, ()) = tokio::try_join!(submitted, done)?;
    let status = api.get("/status").await;
    let seconds = started.elapsed();
    let (after, own_after) = (Usage::of(pid)?, Usage::of(std::process::id())?);

    ensure!(status["jobs"]["done"] == json!(jobs), "the studio says {} of {jobs} jobs", status["jobs"]);
    ensure!(fleet.stale() == 0, "{} results came too late", fleet.stale());
    Ok(Run {
        jobs_per_second: jobs as f64 / seconds.as_secs_f64(),
        submitted_per_second: jobs as f64 / submitted.as_secs_f64(),
        studio_core_percent: after.core_percent_since(&before, seconds),
        generator_core_percent: own_after.core_percent_since(&own, seconds),
    })
}

/// Submits every `producers`th chunk.
async fn submit(api: &Api, producer: usize, jobs: usize, story: Story) -> anyhow::Result<()> {
    let project = if story.batches { format!("project-{producer}") } else { "default".to_owned() };
    for first in (producer * story.chunk..jobs).step_by(story.producers * story.chunk) {
        let numbers = first..jobs.min(first + story.chunk);
        let (path, body) = if story.batches {
            let jobs: Vec<Value> = numbers.map(batch_job).collect();
            (
                "/batches",
                json!({"name": format!("from {first}"), "model": MODEL, "project": project, "jobs": jobs}),
            )
        } else if story.chunk == 1 {
            ("/jobs", job(first, &project))
        } else {
            ("/jobs", json!({"jobs": numbers.map(|number| job(number, &project)).collect::<Vec<_>>()}))
        };
        let answer =
            api.request(Method::POST, path).json(&body).send().await.context("a submission failed")?;
        let status = answer.status();
        let answer = answer.bytes().await.context("a submission's answer broke off")?;
        ensure!(
            status.is_success(),
            "a submission was answered with {status}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    Ok(())
}

/// A job that costs its worker nothing.
pub fn job(number: usize, project: &str) -> Value {
    json!({"model": MODEL, "project": project, "task": task(number)})
}

fn batch_job(number: usize) -> Value {
    json!({"task": task(number)})
}

fn task(number: usize) -> Value {
    json!({"kind": "llm", "messages": [{"role": "user", "content": format!("job {number}")}]})
}
