//! From a submission to its offer on the wire.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use tokio::sync::mpsc;

use crate::fleet::{Fleet, Habit};
use crate::programs::Programs;
use crate::report::{Report, Target};
use crate::samples::Samples;
use crate::throughput::job;

/// Everybody connects.
const ONLINE_LIMIT: Duration = Duration::from_mins(2);
/// Heartbeats have found their rhythm by then.
const SETTLE: Duration = Duration::from_secs(6);
/// The last job is done.
const DONE_LIMIT: Duration = Duration::from_secs(30);

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Connected workers
    #[arg(long, default_value_t = 1_000)]
    workers: usize,
    /// Jobs, each submitted alone
    #[arg(long, default_value_t = 1_000)]
    jobs: usize,
    /// Submissions per second
    #[arg(long, default_value_t = 25.0)]
    rate: f64,
}

struct Submission {
    job: String,
    asked: Instant,
    answered: Instant,
}

/// Measures.
pub async fn run(programs: &Programs, options: &Options) -> anyhow::Result<Report> {
    let studio = programs.studio(&["--trust-proxy"]).await?;
    let identities = Fleet::register(&studio, options.workers).await?;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let fleet = Fleet::connect(&studio, &identities, Habit::Finish, Some(arrived))?;
    fleet.until("workers are connected", Fleet::online, options.workers, ONLINE_LIMIT).await?;
    tokio::time::sleep(SETTLE).await;

    let api = studio.api()?;
    let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / options.rate));
    let mut submissions = Vec::with_capacity(options.jobs);
    for number in 0..options.jobs {
        pace.tick().await;
        let new = job(number, "default");
        let asked = Instant::now();
        let job = api.submit(new).await;
        submissions.push(Submission { job, asked, answered: Instant::now() });
    }
    fleet.until("jobs are done", Fleet::stored, options.jobs, DONE_LIMIT).await?;

    let arrived = std::iter::from_fn(|| arrivals.try_recv().ok()).collect::<HashMap<_, _>>();
    let title = format!("{} idle workers, {} jobs at {}/s", options.workers, options.jobs, options.rate);
    report(title, &submissions, &arrived)
}

fn report(
    title: String,
    submissions: &[Submission],
    arrived: &HashMap<String, Instant>,
) -> anyhow::Result<Report> {
    let (mut from_asked, mut from_answered) = (Vec::new(), Vec::new());
    for Submission { job, asked, answered } in submissions {
        let &offered: &Instant = arrived.get(job).with_context(|| format!("{job} was never offered"))?;
        from_asked.push(offered - *asked);
        // An offer may overtake the answer: then this is below zero.
        from_answered.push(seconds_between(*answered, offered) * 1e3);
    }
    let asked = Samples::millis(from_asked);
    let answered: Samples = from_answered.into_iter().collect();
    let mut report = Report::new("latency", title);
    report.judged("submit to offer, p50", asked.median(), "ms", Target::AtMost(5.0));
    report.judged("submit to offer, p99", asked.at(0.99), "ms", Target::AtMost(25.0));
    report.row("submit to offer, max", asked.max(), "ms");
    report.row("answer of the submission to offer, p50", answered.median(), "ms");
    report.row("answer of the submission to offer, p99", answered.at(0.99), "ms");
    Ok(report)
}

fn seconds_between(from: Instant, to: Instant) -> f64 {
    match to.checked_duration_since(from) {
        Some(after) => after.as_secs_f64(),
        None => -from.duration_since(to).as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_may_come_before_the_answer() {
        let asked = Instant::now();
        let at = |ms| asked + Duration::from_millis(ms);
        let submissions = [
            Submission { job: "a".into(), asked, answered: at(4) },
            Submission { job: "b".into(), asked, answered: at(4) },
        ];
        let arrived: HashMap<String, Instant> = [("a".into(), at(3)), ("b".into(), at(9))].into();
        let (_, json) = report(String::new(), &submissions, &arrived).unwrap().into_json();
        let value = |row: &str| json["rows"][row]["value"].as_f64().unwrap();
        assert!((value("submit to offer, p50") - 3.0).abs() < 1e-6);
        assert!((value("answer of the submission to offer, p50") + 1.0).abs() < 1e-6);
        assert!((value("answer of the submission to offer, p99") - 5.0).abs() < 1e-6);
        let nothing: HashMap<String, Instant> = HashMap::new();
        assert!(report(String::new(), &submissions, &nothing).is_err());
    }
}
