//! A real worker that dies, falls silent, or has a network that keeps failing.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use testkit::{Api, FaultyLink, Process};

use crate::fleet::MODEL;
use crate::programs::{Programs, Studio, Worker};
use crate::report::{Report, Target};

/// The worker connects, or takes up the job.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Well after it should have happened.
const REQUEUE_LIMIT: Duration = Duration::from_mins(2);
/// How often the job is looked at.
const POLL: Duration = Duration::from_millis(20);
/// A job that does not end while its worker is lost.
const LONG: Duration = Duration::from_mins(10);
/// How long each cut of the network is.
const CUT: Duration = Duration::from_secs(20);
/// From one cut to the next.
const CUT_EVERY: Duration = Duration::from_mins(1);
/// What the job has left after the last cut.
const TAIL: Duration = Duration::from_secs(10);

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Losses of each kind
    #[arg(long, default_value_t = 2)]
    losses: usize,
    /// Cuts of the network during one job, one a minute: by turns a reset and silence
    #[arg(long, default_value_t = 3)]
    cuts: u32,
}

/// Measures.
pub async fn run(programs: &Programs, options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::new("loss", "a real worker with a running job");
    let (mut killed, mut silent) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..options.losses {
        killed = killed.max(requeued_after(programs, |_, process| process.kill9()).await?);
        silent = silent.max(requeued_after(programs, |link, _| link.black_hole()).await?);
    }
    report.judged(
        "worker killed (-9) until requeued, slowest",
        killed.as_secs_f64(),
        "s",
        Target::AtMost(30.0),
    );
    report.judged("machine silent until requeued, slowest", silent.as_secs_f64(), "s", Target::AtMost(30.0));
    cuts(programs, options.cuts, &mut report).await?;
    Ok(report)
}

/// A worker behind a link, with one running job.
struct Scene {
    _studio: Studio,
    api: Api,
    link: FaultyLink,
    _worker: Worker,
    process: Process,
    job: String,
}

async fn scene(programs: &Programs, work: Duration) -> anyhow::Result<Scene> {
    let studio = programs.studio(&[]).await?;
    let api = studio.api()?;
    let link = FaultyLink::to(studio.address()).await;
    let worker = programs.worker()?;
    worker.join(&link.url(), &api.join_code(1).await).await?;
    let process = worker.run();
    api.until_online(1, START_LIMIT).await;
    let content = format!("[[delay={}]] wait", work.as_millis());
    let task = json!({"kind": "llm", "messages": [{"role": "user", "content": content}]});
    let job = api.submit(json!({"model": MODEL, "task": task})).await;
    api.until_job(&job, "running", START_LIMIT).await;
    Ok(Scene { _studio: studio, api, link, _worker: worker, process, job })
}

async fn requeued_after(
    programs: &Programs,
    strike: impl FnOnce(&FaultyLink, &mut Process),
) -> anyhow::Result<Duration> {
    let mut scene = scene(programs, LONG).await?;
    let lost = Instant::now();
    strike(&scene.link, &mut scene.process);
    loop {
        let job = scene.api.job(&scene.job).await;
        match job["state"].as_str() {
            Some("queued") => return Ok(lost.elapsed()),
            Some("running") if lost.elapsed() < REQUEUE_LIMIT => {}
            _ => bail!("{:?} after the loss the job is {job}", lost.elapsed()),
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn cuts(programs: &Programs, cuts: u32, report: &mut Report) -> anyhow::Result<()> {
    let work = CUT_EVERY * cuts + TAIL;
    let scene = scene(programs, work).await?;
    let started = Instant::now();
    for cut in 0..cuts {
        // In the last third of its minute, so that the connection has settled before.
        let at = CUT_EVERY * cut + CUT_EVERY.saturating_sub(CUT);
        tokio::time::sleep(at.saturating_sub(started.elapsed())).await;
        if cut % 2 == 0 {
            scene.link.refuse();
        } else {
            scene.link.black_hole();
        }
        tokio::time::sleep(CUT).await;
        scene.link.restore();
    }
    let job = scene.api.until_job(&scene.job, "done", work * 2).await;
    let took = started.elapsed();
    let attempts = job["history"].as_array().context("a job has a history")?.len();
    report.judged(
        format!("attempts of a {} s job with {cuts} network cuts of 20 s", work.as_secs()),
        attempts as f64,
        "",
        Target::AtMost(1.0),
    );
    report.row("  from its start to done", took.as_secs_f64(), "s");
    Ok(())
}
