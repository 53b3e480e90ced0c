//! Everything that a change must pass, in the order that finds mistakes soonest; ends with what each step took.

mod api;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::shell::{command, run as run_command, target_dir};
use crate::{demo, fuzz, setup};

/// How long each fuzz target runs: long enough to notice a reader that breaks on the first odd input.
const FUZZ_SECONDS: u32 = 20;

#[derive(clap::Args)]
pub struct Arguments {
    /// Only these steps
    #[arg(long, value_name = "STEP", value_delimiter = ',', value_parser = names())]
    only: Vec<String>,
    /// Check for known vulnerabilities too; fetches the advisory database from the internet
    #[arg(long)]
    advisories: bool,
    /// How many seeds the simulation runs
    #[arg(long, value_name = "N", default_value_t = 200)]
    seeds: u32,
}

/// One thing to check.
struct Step {
    name: &'static str,
    run: fn(&Arguments) -> Result<()>,
}

/// The plain test summary comes last, so that it stands at the end of the output.
const STEPS: [Step; 14] = [
    Step { name: "setup", run: |_| setup::run() },
    Step { name: "fmt", run: |_| cargo(&["fmt", "--all", "--check"]) },
    Step {
        name: "clippy",
        run: |_| {
            cargo(&["clippy", "--workspace", "--all-targets", "--features", "all", "--", "-D", "warnings"])
        },
    },
    Step { name: "default", run: |_| default_build() },
    Step { name: "deny", run: deny },
    Step { name: "machete", run: |_| cargo(&["machete", "--skip-target-dir"]) },
    Step { name: "doc", run: |_| doc() },
    Step { name: "build", run: |_| cargo(&["build", "--workspace", "--bins", "--features", "all"]) },
    Step {
        name: "doctest",
        run: |_| cargo(&["test", "--workspace", "--doc", "--quiet", "--features", "all"]),
    },
    Step { name: "api", run: |_| api::run() },
    Step { name: "fuzz", run: |_| fuzz::run(&fuzz::Arguments { seconds: FUZZ_SECONDS }) },
    Step { name: "sim", run: |arguments| simulation(arguments.seeds) },
    Step { name: "demo", run: |_| demo::run(&demo::Arguments { exit: true, built: true, quick: false }) },
    Step { name: "test", run: |_| cargo(&["nextest", "run", "--workspace", "--features", "all"]) },
];

fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// Runs the steps until one fails.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut took = Vec::new();
    for step in &STEPS {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|name| name == step.name) {
            continue;
        }
        println!("\n=== {}", step.name);
        let started = Instant::now();
        let done = (step.run)(arguments);
        took.push((step.name, started.elapsed()));
        if let Err(error) = done {
            print_table(took);
            return Err(error)
                .with_context(|| format!("ci stopped at `{0}`; alone: cargo ci --only {0}", step.name));
        }
    }
    print_table(took);
    if !arguments.advisories {
        println!("advisories were not checked: cargo ci --only deny --advisories (fetches a database)");
    }
    println!("ci passed");
    Ok(())
}

fn print_table(mut took: Vec<(&str, Duration)>) {
    let total: Duration = took.iter().map(|(_, duration)| *duration).sum();
    took.sort_by_key(|(_, duration)| std::cmp::Reverse(*duration));
    println!("\n{:<10} {:>9}", "step", "seconds");
    for (name, duration) in took {
        println!("{name:<10} {:>9.1}", duration.as_secs_f64());
    }
    println!("{:<10} {:>9.1}\n", "total", total.as_secs_f64());
}

fn cargo(arguments: &[&str]) -> Result<()> {
    run_command(&mut command("cargo", arguments))
}

fn doc() -> Result<()> {
    let mut doc = command("cargo", &["doc", "--workspace", "--no-deps", "--quiet", "--features", "all"]);
    run_command(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Crates that compile C++, or need more than a Rust toolchain and a C compiler.
const HEAVY: [&str; 3] = ["llama-cpp-sys-2", "diffusion-rs-sys", "sherpa-onnx-sys"];

/// `cargo build` builds no engine, and the engine crates are whole without their engines.
fn default_build() -> Result<()> {
    let tree = command("cargo", &["tree", "--workspace", "--prefix", "none", "--format", "{p}"]).output()?;
    let tree = String::from_utf8(tree.stdout).context("cargo tree did not write text")?;
    ensure!(tree.contains("studio-worker "), "cargo tree did not list this workspace");
    for heavy in HEAVY {
        ensure!(!tree.contains(heavy), "the default build pulls `{heavy}` in: cargo tree --invert {heavy}");
    }
    without_pkg_config()?;
    let engines = ["--package", "engine-llama", "--package", "engine-sdcpp", "--package", "engine-sherpa"];
    cargo(&[&["clippy", "--all-targets"], engines.as_slice(), &["--", "-D", "warnings"]].concat())
}

/// The window needs no `-dev` package of the system: a folder of its own, because build scripts see another environment.
fn without_pkg_config() -> Result<()> {
    let mut check = command("cargo", &["check", "--quiet", "--package", "studio-worker", "--target-dir"]);
    run_command(check.arg(target_dir().join("no-pkg-config")).env("PKG_CONFIG", "/bin/false"))?;
    // As servers may want it: without a window at all.
    cargo(&["check", "--quiet", "--package", "studio-worker", "--no-default-features"])
}

fn deny(arguments: &Arguments) -> Result<()> {
    let mut deny =
        command("cargo", &["deny", "--log-level", "error", "check", "bans", "licenses", "sources"]);
    if arguments.advisories {
        deny.arg("advisories");
    }
    run_command(&mut deny)
}

fn simulation(seeds: u32) -> Result<()> {
    cargo(&["run", "--quiet", "--package", "sim", "--", "--seeds", &seeds.to_string()])
}
