//! `cargo bench-fleet`: what the real programs cost and carry, measured from outside.
//!
//! Thousands of workers are played by one process over real sockets; the studio and the worker are the release
//! binaries. Every command prints a table and, with `--json FILE`, writes the same numbers for a script.

mod bare;
mod compare;
mod first_token;
mod fleet;
mod latency;
mod loss;
mod machine;
mod pictures;
mod programs;
mod report;
mod restart;
mod samples;
mod sessions;
mod throughput;
mod usage;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Map, Value};

use programs::Programs;
use report::Report;

/// Measures the studio and the worker
#[derive(Debug, Parser)]
#[command(name = "bench-fleet", version)]
struct Cli {
    /// Folder of the programs under test [default: where this program lies]
    #[arg(long, global = true)]
    bin_dir: Option<PathBuf>,
    /// Where studios and workers keep their data; must be a disk, because in memory a flush costs nothing
    #[arg(long, global = true, default_value = "/var/tmp")]
    work_dir: PathBuf,
    /// Write the numbers to this file as well
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// From a submission to its offer on the wire
    Latency(latency::Options),
    /// Durable no-op jobs per second, from submission to done
    Throughput(throughput::Options),
    /// Memory and processor time of many connected workers
    Sessions(sessions::Options),
    /// A studio that is stopped, and one that is killed, with workers that hold jobs
    Restart(restart::Options),
    /// The real worker: idle cost, start, offers and jobs through one slot
    Worker(worker::Options),
    /// A real worker that dies, falls silent, or has a network that keeps failing
    Loss(loss::Options),
    /// Real pictures: the bare engine, the whole way, and a process for each
    Pictures(pictures::Options),
    /// From a chat request to its first token, beside the engine alone
    FirstToken(first_token::Options),
    /// All of the above with their defaults
    All,
    /// Throughput beside that of graphile-worker and BullMQ, in turns
    Compare(compare::Options),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-fleet: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    studio_runtime::install_crypto();
    raise_open_files();
    let programs = Programs::find(cli.bin_dir, cli.work_dir)?;
    // One thread: the programs under test have to share the machine with this one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut numbers = Map::new();
    numbers.insert("machine".to_owned(), machine::describe(programs.work_dir())?);
    let outcome = runtime.block_on(measure(&programs, cli.what, &mut numbers));
    if let Some(path) = cli.json {
        let text = serde_json::to_string_pretty(&Value::Object(numbers))?;
        std::fs::write(&path, text + "\n")
            .with_context(|| format!("could not write `{}`", path.display()))?;
    }
    outcome
}

async fn measure(programs: &Programs, what: What, numbers: &mut Map<String, Value>) -> anyhow::Result<()> {
    let mut keep = |report: Report| {
        report.print();
        let (name, value) = report.into_json();
        numbers.insert(name, value);
    };
    match what {
        What::Latency(options) => keep(latency::run(programs, &options).await?),
        What::Throughput(options) => keep(throughput::run(programs, &options).await?),
        What::Sessions(options) => keep(sessions::run(programs, &options).await?),
        What::Restart(options) => keep(restart::run(programs, &options).await?),
        What::Worker(options) => keep(worker::run(programs, &options).await?),
        What::Loss(options) => keep(loss::run(programs, &options).await?),
        What::Pictures(options) => keep(pictures::run(programs, &options).await?),
        What::FirstToken(options) => keep(first_token::run(programs, &options).await?),
        What::Compare(options) => keep(compare::run(programs, &options).await?),
        What::All => {
            keep(latency::run(programs, &defaults()?).await?);
            keep(throughput::run(programs, &defaults()?).await?);
            keep(sessions::run(programs, &defaults()?).await?);
            keep(restart::run(programs, &defaults()?).await?);
            keep(worker::run(programs, &defaults()?).await?);
            keep(loss::run(programs, &defaults()?).await?);
            keep(pictures::run(programs, &defaults()?).await?);
            keep(first_token::run(programs, &defaults()?).await?);
        }
    }
    Ok(())
}

/// The options as the command line has them when nothing is said.
fn defaults<T: Args>() -> anyhow::Result<T> {
    let command = T::augment_args(clap::Command::new("bench-fleet"));
    Ok(T::from_arg_matches(&command.get_matches_from(["bench-fleet"]))?)
}

/// Every session is an open file.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it fails, connecting says which file was one too many.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
