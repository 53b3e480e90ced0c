//! What connected workers cost while they do nothing.

use std::time::Duration;

use clap::Args;

use crate::fleet::{Fleet, Habit};
use crate::programs::Programs;
use crate::report::{Report, Target};
use crate::usage::Usage;

/// Everybody connects.
const ONLINE_LIMIT: Duration = Duration::from_mins(5);
/// What was done at the start, or while connecting, has calmed down by then.
const SETTLE: Duration = Duration::from_secs(15);

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Connected workers
    #[arg(long, default_value_t = 10_000)]
    workers: usize,
    /// For how long processor time is counted, seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Measures.
pub async fn run(programs: &Programs, options: &Options) -> anyhow::Result<Report> {
    let time = Duration::from_secs(options.seconds);
    let mut studio = programs.studio(&["--trust-proxy"]).await?;
    let identities = Fleet::register(&studio, options.workers).await?;
    // What registering has left behind is no cost of a session.
    studio.start_again().await?;
    tokio::time::sleep(SETTLE).await;
    let pid = studio.process().pid();
    let alone = Usage::of(pid)?;
    tokio::time::sleep(time).await;
    let alone_later = Usage::of(pid)?;

    let connecting = std::time::Instant::now();
    let fleet = Fleet::connect(&studio, &identities, Habit::Finish, None)?;
    fleet.until("workers are connected", Fleet::online, options.workers, ONLINE_LIMIT).await?;
    let connected_in = connecting.elapsed();
    tokio::time::sleep(SETTLE).await;
    let full = Usage::of(pid)?;
    tokio::time::sleep(time).await;
    let full_later = Usage::of(pid)?;
    anyhow::ensure!(fleet.online() == options.workers, "only {} are still connected", fleet.online());

    let each = (full_later.rss_kib - alone_later.rss_kib) / options.workers as f64;
    let each_own = (full_later.anon_kib - alone_later.anon_kib) / options.workers as f64;
    let idle = alone_later.core_percent_since(&alone, time);
    let heartbeats = full_later.core_percent_since(&full, time) - idle;
    let mut report = Report::new(
        "sessions",
        format!("{} workers, a heartbeat every 5 s, {} s", options.workers, options.seconds),
    );
    report.judged("studio's memory for a session", each, "KiB", Target::AtMost(40.0));
    report.row("  of which its own (RssAnon)", each_own, "KiB");
    report.judged("heartbeats", heartbeats, "% of a core", Target::AtMost(30.0));
    report.row("studio with nobody connected", idle, "% of a core");
    report.row("studio with nobody connected, memory", alone_later.rss_kib / 1024.0, "MiB");
    report.row("studio with everybody connected, memory", full_later.rss_kib / 1024.0, "MiB");
    report.row("studio's open files", full_later.files as f64, "");
    report.row("all connected after", connected_in.as_secs_f64(), "s");
    Ok(report)
}
