//! Our throughput beside that of graphile-worker and BullMQ, in turns on the same machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;

use crate::programs::Programs;
use crate::report::{Report, Target};
use crate::samples::Samples;
use crate::throughput::{self, Story};

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Jobs of one run
    #[arg(long, default_value_t = 50_000)]
    jobs: usize,
    /// Repetitions, by turns
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Jobs of one submission
    #[arg(long, default_value_t = 1_000)]
    chunk: usize,
    /// Submitters at once
    #[arg(long, default_value_t = 1)]
    producers: usize,
    /// Our connected workers, each with one slot
    #[arg(long, default_value_t = 256)]
    workers: usize,
    /// The script that measures the others
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/compare/run.sh"))]
    script: PathBuf,
}

/// Measures.
pub async fn run(programs: &Programs, options: &Options) -> anyhow::Result<Report> {
    let story = Story { producers: options.producers, chunk: options.chunk, batches: false };
    let (mut ours, mut graphile, mut bullmq) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=options.runs {
        eprintln!("bench: repetition {run} of {}", options.runs);
        let others = others(&options.script, options).await?;
        graphile.push(rate(&others, "graphile")?);
        bullmq.push(rate(&others, "bullmq")?);
        ours.push(throughput::once(programs, options.jobs, options.workers, story).await?.jobs_per_second);
    }
    let title = format!(
        "{} durable no-op jobs, {} submitters, {} at a time; median of {}, by turns",
        options.jobs, options.producers, options.chunk, options.runs
    );
    let mut report = Report::new("compare", title);
    let [ours, graphile, bullmq] =
        [ours, graphile, bullmq].map(|rates| rates.into_iter().collect::<Samples>());
    for (name, rates) in
        [("studio (SQLite)", &ours), ("graphile-worker (Postgres)", &graphile), ("BullMQ (Redis)", &bullmq)]
    {
        report.row(name, rates.median(), "jobs/s");
        report.row(format!("  {name}, slowest run"), rates.at(0.0), "jobs/s");
        report.row(format!("  {name}, fastest run"), rates.max(), "jobs/s");
    }
    for (name, rates) in [("graphile-worker", graphile), ("BullMQ", bullmq)] {
        let ratio = ours.median() / rates.median();
        report.judged(format!("studio to {name}"), ratio, "times", Target::AtLeast(2.0));
    }
    Ok(report)
}

async fn others(script: &Path, options: &Options) -> anyhow::Result<Value> {
    let mut command = tokio::process::Command::new("bash");
    command.arg(script).args(["--runs", "1"]).arg("--jobs").arg(options.jobs.to_string());
    command
        .arg("--chunk")
        .arg(options.chunk.to_string())
        .arg("--producers")
        .arg(options.producers.to_string());
    let output = command.stderr(Stdio::inherit()).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "`{}` failed: {}", script.display(), output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("`{}` printed no JSON", script.display()))
}

fn rate(measured: &Value, queue: &str) -> anyhow::Result<f64> {
    let rate = measured[queue]["medianJobsPerSecond"].as_f64();
    rate.with_context(|| format!("no rate of {queue} in {measured}"))
}
