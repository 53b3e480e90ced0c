//! The real worker against a studio that is built in: idle cost, start, offers, and jobs through one slot.

mod peer;
mod slot;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use testkit::Process;

use crate::programs::{Programs, Worker};
use crate::report::{Report, Target};
use crate::samples::Samples;
use crate::usage::Usage;
use peer::{Acks, Peer, PeerSession};
use slot::{Split, jobs, offers};

/// What a start leaves to do is done by then: drivers asked, engines described.
const SETTLE: Duration = Duration::from_secs(12);
/// Between two starts, so that one does not disturb the next.
const PAUSE: Duration = Duration::from_millis(200);
/// Jobs that are not counted: the engine starts with the first.
const WARM_UP: usize = 50;
/// Jobs of the control: at 40 ms each it takes seconds.
const CONTROL_JOBS: usize = 50;

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Starts that are timed
    #[arg(long, default_value_t = 20)]
    starts: usize,
    /// For how long an idle worker is watched, seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Offers, one at a time with pauses
    #[arg(long, default_value_t = 300)]
    offers: usize,
    /// Jobs, one after the other without pauses
    #[arg(long, default_value_t = 5_000)]
    jobs: usize,
}

/// Measures.
pub async fn run(programs: &Programs, options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::new("worker", "the release build, one slot, loopback");
    let peer = Peer::listen().await?;
    let worker = programs.worker()?;
    std::fs::write(worker.config_path(), peer.config()).context("could not write the worker's config")?;

    starts(&mut report, &peer, &worker, options.starts).await?;
    idle(&mut report, &peer, &worker, Duration::from_secs(options.seconds)).await?;
    busy(&mut report, &peer, &worker, options).await?;
    let control = slot::control(&peer, CONTROL_JOBS).await?;
    report.row("control: a client without TCP_NODELAY on that peer", control, "jobs/s");
    Ok(report)
}

async fn starts(report: &mut Report, peer: &Peer, worker: &Worker, starts: usize) -> anyhow::Result<()> {
    let mut times = Vec::with_capacity(starts);
    for _ in 0..starts {
        let spawned = Instant::now();
        let process = worker.run();
        let session = greeted(peer, &process).await?;
        times.push(session.greeted - spawned);
        drop(process);
        tokio::time::sleep(PAUSE).await;
    }
    let times = Samples::millis(times);
    report.judged("spawn to hello, median", times.median(), "ms", Target::AtMost(25.0));
    report.row("spawn to hello, max", times.max(), "ms");
    Ok(())
}

async fn greeted(peer: &Peer, process: &Process) -> anyhow::Result<PeerSession> {
    peer.session(Acks::AsTheSystemLikes).await.with_context(|| process.log())
}

async fn idle(report: &mut Report, peer: &Peer, worker: &Worker, time: Duration) -> anyhow::Result<()> {
    let process = worker.run();
    let mut session = greeted(peer, &process).await?;
    session.serve(SETTLE).await?;
    let before = Usage::of(process.pid())?;
    session.serve(time).await?;
    let after = Usage::of(process.pid())?;
    report.judged("idle memory (RSS)", after.rss_kib / 1024.0, "MiB", Target::AtMost(12.0));
    report.row("  of which its own (RssAnon)", after.anon_kib / 1024.0, "MiB");
    report.judged(
        "idle processor time",
        after.core_percent_since(&before, time),
        "% of a core",
        Target::AtMost(0.2),
    );
    let engines = process.children();
    report.row("engine processes of an idle worker", engines.len() as f64, "");
    for engine in engines {
        report.row("  memory of one (RSS)", Usage::of(engine)?.rss_kib / 1024.0, "MiB");
    }
    Ok(())
}

async fn busy(report: &mut Report, peer: &Peer, worker: &Worker, options: &Options) -> anyhow::Result<()> {
    let process = worker.run();
    let mut session = peer.session(Acks::AsLateAsCanBe).await.with_context(|| process.log())?;
    jobs(&mut session, WARM_UP).await?;
    let accepts = offers(&mut session, options.offers).await?;
    report.judged("offer to accept, p50", accepts.median(), "ms", Target::AtMost(1.0));
    report.row("offer to accept, p99", accepts.at(0.99), "ms");

    let engine = *process.children().first().context("the engine is not a child of the worker")?;
    let before = (Usage::of(process.pid())?, Usage::of(engine)?, Usage::of(std::process::id())?);
    let Split { whole, accept, result, next } = jobs(&mut session, options.jobs).await?;
    let after = (Usage::of(process.pid())?, Usage::of(engine)?, Usage::of(std::process::id())?);
    ensure!(!whole.is_zero(), "no job was done");
    let rate = options.jobs as f64 / whole.as_secs_f64();
    report.judged("synthetic LLM jobs, late ACKs", rate, "jobs/s", Target::AtLeast(700.0));
    for (what, samples) in
        [("offer to accept", accept), ("accept to result", result), ("result to next offer", next)]
    {
        report.row(format!("  {what}, p50"), samples.median(), "ms");
        report.row(format!("  {what}, p99"), samples.at(0.99), "ms");
    }
    report.row("  worker", after.0.core_percent_since(&before.0, whole), "% of a core");
    report.row("  engine", after.1.core_percent_since(&before.1, whole), "% of a core");
    report.row("  this load generator", after.2.core_percent_since(&before.2, whole), "% of a core");
    drop((session, process));

    let process = worker.run();
    let mut session = greeted(peer, &process).await?;
    jobs(&mut session, WARM_UP).await?;
    let split = jobs(&mut session, options.jobs).await?;
    report.row("synthetic LLM jobs, usual ACKs", options.jobs as f64 / split.whole.as_secs_f64(), "jobs/s");
    Ok(())
}
