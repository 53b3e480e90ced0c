//! A studio goes away and comes back while its workers hold jobs.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use serde_json::{Value, json};
use testkit::Api;

use crate::fleet::{Fleet, Habit};
use crate::programs::{Programs, Studio};
use crate::report::{Report, Target};
use crate::throughput::job;

/// Everybody connects.
const ONLINE_LIMIT: Duration = Duration::from_mins(2);
/// Every job is held, or done.
const JOBS_LIMIT: Duration = Duration::from_mins(1);
/// A stopped studio ends within its own grace.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// After it a claim that was not taken up again has come back: the studio keeps claims for a minute after a start.
const CLAIMS_SETTLED: Duration = Duration::from_secs(65);

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Connected workers, each with a job
    #[arg(long, default_value_t = 1_000)]
    workers: usize,
}

/// Measures.
pub async fn run(programs: &Programs, options: &Options) -> anyhow::Result<Report> {
    let workers = options.workers;
    let mut studio = programs.studio(&["--trust-proxy"]).await?;
    let identities = Fleet::register(&studio, workers).await?;
    let fleet = Fleet::connect(&studio, &identities, Habit::Hold, None)?;
    fleet.until("workers are connected", Fleet::online, workers, ONLINE_LIMIT).await?;
    let api = studio.api()?;
    let jobs: Vec<Value> = (0..workers).map(|number| job(number, "default")).collect();
    api.post("/jobs", &json!({"jobs": jobs})).await;
    fleet.until("jobs are held", Fleet::offers, workers, JOBS_LIMIT).await?;
    testkit::wait_until("every job runs", JOBS_LIMIT, async || running(&api).await.len() == workers).await;

    let mut report = Report::new("restart", format!("{workers} workers, each with a running job"));
    for (how, is_gentle) in [("SIGTERM", true), ("SIGKILL", false)] {
        let back = once(&mut studio, &fleet, workers, is_gentle).await?;
        tokio::time::sleep(CLAIMS_SETTLED).await;
        let kept = running(&api).await.values().filter(|attempts| **attempts == 1).count();
        report.judged(
            format!("{how}: signal until all are back"),
            back.all.as_secs_f64(),
            "s",
            Target::AtMost(15.0),
        );
        report.row(format!("{how}: signal until the process has ended"), back.ended.as_secs_f64(), "s");
        report.row(
            format!("{how}: start until ready"),
            back.ready.saturating_sub(back.ended).as_secs_f64(),
            "s",
        );
        report.judged(format!("{how}: running jobs kept"), kept as f64, "", Target::AtLeast(workers as f64));
    }
    fleet.finish();
    fleet.until("jobs are done", Fleet::stored, workers, JOBS_LIMIT).await?;
    ensure!(fleet.stale() == 0, "{} results came too late", fleet.stale());
    report.judged("offers in all", fleet.offers() as f64, "", Target::AtMost(workers as f64));
    report.judged("results stored in the end", fleet.stored() as f64, "", Target::AtLeast(workers as f64));
    Ok(report)
}

/// Times since the signal.
struct Back {
    ended: Duration,
    ready: Duration,
    all: Duration,
}

async fn once(studio: &mut Studio, fleet: &Fleet, workers: usize, is_gentle: bool) -> anyhow::Result<Back> {
    let signal = Instant::now();
    if is_gentle {
        studio.process().sigterm();
        studio.process().exit(STOP_LIMIT).await;
    } else {
        studio.process().kill9();
    }
    let ended = signal.elapsed();
    studio.start_again().await?;
    let ready = signal.elapsed();
    fleet.until("workers are back", Fleet::online, workers, ONLINE_LIMIT).await?;
    Ok(Back { ended, ready, all: signal.elapsed() })
}

/// The running jobs with the number of their attempts.
async fn running(api: &Api) -> HashMap<String, u64> {
    let jobs = api.jobs("state=running").await.into_iter();
    jobs.filter_map(|job| Some((job["id"].as_str()?.to_owned(), job["attempts"].as_u64()?))).collect()
}
