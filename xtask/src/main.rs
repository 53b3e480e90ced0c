//! The chores of this repository: `cargo ci`, `cargo demo`, `cargo xtask help`.

mod ci;
mod demo;
mod fuzz;
mod setup;
mod shell;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The chores of this repository")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Checks everything that a change must pass
    Ci(ci::Arguments),
    /// Shows a studio, two workers and a batch on this machine, and what happens when a worker dies
    Demo(demo::Arguments),
    /// Installs what the checks need: system packages (as root on Debian) and cargo tools
    Setup,
    /// Feeds the readers of the protocol arbitrary text
    Fuzz(fuzz::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Ci(arguments) => ci::run(&arguments),
        Chore::Demo(arguments) => demo::run(&arguments),
        Chore::Setup => setup::run(),
        Chore::Fuzz(arguments) => fuzz::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
