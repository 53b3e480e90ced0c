//! `sim`: runs seeds of the fleet simulation, one after the other, and replays one with every event.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use sim::{Mutation, Options, Report, run};

/// Runs the whole fleet in one thread, decided by a seed.
#[derive(Debug, Parser)]
struct Arguments {
    /// Run this seed alone.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// How many seeds to run.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print every event.
    #[arg(long)]
    trace: bool,
    /// Put a bug into the simulation, which the checker has to find.
    #[arg(long)]
    mutation: Option<Mutation>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options { trace: arguments.trace, mutation: arguments.mutation };
    let seeds = match arguments.seed {
        Some(seed) => seed..seed.saturating_add(1),
        None => arguments.from..arguments.from.saturating_add(arguments.seeds),
    };
    let (started, total) = (Instant::now(), seeds.end - seeds.start);
    let is_terminal = std::io::stderr().is_terminal();
    let (mut events, mut jobs, mut faults, mut broken) = (0, 0, 0, 0);
    for seed in seeds.clone() {
        let report = run(seed, options);
        events += report.events;
        jobs += report.jobs;
        faults += report.faults;
        if arguments.seed.is_some() {
            println!("{}", summary(&report));
        }
        if report.violation.is_some() {
            broken += 1;
            println!("{}", complaint(&report, !arguments.trace));
        }
        if is_terminal {
            eprint!("\r{} of {total} seeds, {broken} broken ", seed - seeds.start + 1);
            // A terminal that is gone needs no progress.
            let _ = std::io::stderr().flush();
        }
    }
    if is_terminal {
        eprintln!();
    }
    println!(
        "{total} seeds from {}: {broken} broken, {jobs} jobs, {faults} faults, {events} events, {:.1} s",
        seeds.start,
        started.elapsed().as_secs_f64()
    );
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn summary(report: &Report) -> String {
    format!(
        "seed {}: {} jobs, {} sessions, {} faults, {} events in {:.1} s of virtual time, trace {:016x}",
        report.seed,
        report.jobs,
        report.sessions,
        report.faults,
        report.events,
        report.time.as_secs_f64(),
        report.hash
    )
}

fn complaint(report: &Report, with_tail: bool) -> String {
    let tail = if with_tail { report.tail.join("\n") + "\n" } else { String::new() };
    let violation = report.violation.as_deref().unwrap_or_default();
    format!(
        "{tail}seed {} at {:.6} s: {violation}\nreplay: cargo run -p sim -- --seed {} --trace",
        report.seed,
        report.time.as_secs_f64(),
        report.seed
    )
}
