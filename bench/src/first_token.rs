//! From a chat request to its first token: over HTTP, studio and worker, beside the engine alone.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use clap::Args;
use engine_protocol::{Event, Load};
use futures_util::StreamExt;
use serde_json::json;
use studio_protocol::ModelSource;

use crate::bare::{Bare, run_of};
use crate::programs::Programs;
use crate::report::{Report, Target};
use crate::samples::Samples;

/// The worker connects.
const START_LIMIT: Duration = Duration::from_secs(30);
/// What the way may add, median (docs/benchmarks.md).
const TARGET_MS: f64 = 10.0;
/// Served by the engine that is always there: its own time to the first token is next to nothing, so the way shows.
const MODEL: &str = "synthetic-chat";

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Requests each way
    #[arg(long, default_value_t = 300)]
    requests: usize,
}

/// Measures.
pub async fn run(programs: &Programs, options: &Options) -> anyhow::Result<Report> {
    ensure!(options.requests > 0, "--requests 0 measures nothing");
    let mut report = Report::new("first-token", "from a chat request to its first token, one at a time");
    let engine = Samples::millis(bare(programs, options.requests)?);
    let fleet = Samples::millis(through(programs, options.requests).await?);
    report.row("the engine alone, p50", engine.median(), "ms");
    report.row("the engine alone, p99", engine.at(0.99), "ms");
    report.row("through studio and worker, p50", fleet.median(), "ms");
    report.row("through studio and worker, p99", fleet.at(0.99), "ms");
    let added = fleet.median() - engine.median();
    report.judged("what the way adds, median", added, "ms", Target::AtMost(TARGET_MS));
    Ok(report)
}

fn words(number: usize) -> serde_json::Value {
    json!([{"role": "user", "content": format!("Say something about the number {number}")}])
}

fn bare(programs: &Programs, requests: usize) -> anyhow::Result<Vec<Duration>> {
    let source: ModelSource = serde_json::from_value(json!({"engine": "synthetic", "files": [],
        "cliDefaults": {"cfgScale": 1.0, "steps": 1, "width": 64, "height": 64}}))?;
    let program = programs.path("studio-engine-synthetic");
    let load = Load { model: MODEL.to_owned(), source, dir: None };
    let mut engine = Bare::start(&program, "engine-protocol", load)?;
    let mut times = Vec::with_capacity(requests);
    for number in 0..=requests {
        let mut run =
            run_of(&format!("job-{number}"), MODEL, json!({"kind": "llm", "messages": words(number)}))?;
        run.stream = true;
        let started = Instant::now();
        engine.run(run)?;
        engine.until(|event| matches!(event, Event::Delta(_)))?;
        times.push(started.elapsed());
        engine.until(|event| matches!(event, Event::Done(_)))?;
    }
    times.remove(0); // Warms everything up.
    Ok(times)
}

async fn through(programs: &Programs, requests: usize) -> anyhow::Result<Vec<Duration>> {
    let studio = programs.studio(&[]).await?;
    let api = studio.api()?;
    let worker = programs.worker()?;
    worker.join(&studio.url(), &api.join_code(1).await).await?;
    let _process = worker.run();
    api.until_online(1, START_LIMIT).await;
    let client = reqwest::Client::new();
    let url = format!("{}/v1/chat/completions", studio.url());
    let key = studio.admin_key()?;
    let mut times = Vec::with_capacity(requests);
    for number in 0..=requests {
        let request = json!({"model": MODEL, "messages": words(number), "stream": true});
        let started = Instant::now();
        let answer = client.post(&url).bearer_auth(&key).json(&request).send().await?;
        ensure!(answer.status().is_success(), "{}: {}", answer.status(), answer.text().await?);
        let mut stream = answer.bytes_stream();
        let mut text = String::new();
        let mut first = None;
        while let Some(piece) = stream.next().await {
            text.push_str(&String::from_utf8_lossy(&piece?));
            if first.is_none() && has_token(&text) {
                first = Some(started.elapsed());
            }
        }
        let Some(first) = first else { bail!("no token in {text}") };
        ensure!(text.trim_end().ends_with("[DONE]"), "the stream did not end: {text}");
        times.push(first);
    }
    times.remove(0);
    Ok(times)
}

/// Whether a chunk with words has come; the first one only names the role.
fn has_token(text: &str) -> bool {
    let chunks = text.lines().filter_map(|line| line.strip_prefix("data: "));
    chunks
        .filter_map(|chunk| serde_json::from_str::<serde_json::Value>(chunk).ok())
        .any(|chunk| chunk["choices"][0]["delta"]["content"].as_str().is_some_and(|words| !words.is_empty()))
}
