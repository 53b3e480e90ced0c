//! The command line: one file for each command.

mod config;
mod daemon;
mod doctor;
mod engine;
mod jobs;
mod join;
mod logs;
mod models;
mod output;
mod pause;
mod register;
mod run;
mod set_threshold;
mod status;
mod stop;
mod table;
mod ui;
mod update;
mod window;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

pub(crate) use run::{ENGINE_WORDS, programs};

use crate::{Exit, Home};

/// Offers this computer to a studio and runs its jobs on local engines.
#[derive(Debug, Parser)]
#[command(name = "studio-worker", version, after_help = EXIT_CODES)]
struct Cli {
    /// The config file; lock, spool, logs, models and status lie beside it
    #[arg(long, global = true, value_name = "PATH", env = "STUDIO_WORKER_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 ended as asked, or a worker runs with this folder already; 1 an error; 2 usage; \
    3 the studio refused the token; 4 another worker holds this worker id; 5 reconnect attempts spent";

/// For those who just start the program.
const DEFAULT_COMMAND: &str = "ui";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the worker in a window, and run it where none runs yet; what happens without a command
    Ui(ui::Ui),
    /// Run the worker until a signal ends it
    Run(run::Run),
    /// Ask a studio to take this worker; an operator approves it
    Register(register::Register),
    /// Join a studio with a code from `studio join-code`; no approval is needed
    Join(join::Join),
    /// Show what the worker of this folder is doing
    Status(status::Status),
    /// End the worker of this folder
    Stop(stop::Stop),
    /// Show the latest log lines of the worker
    Logs(logs::Logs),
    /// Show what runs and what ran, or give a job back
    Jobs(jobs::Jobs),
    /// Take no more jobs, for some time or until `resume`
    Pause(pause::Pause),
    /// Take jobs again
    Resume(pause::Resume),
    /// Show, fetch, load, unload or remove models
    Models(models::Models),
    /// Show or change settings
    Config(config::Config),
    /// Set the device memory that jobs may use
    SetThreshold(set_threshold::SetThreshold),
    /// Look for a newer version
    Update(update::Update),
    /// Check everything that a worker needs and say what to do about it
    Doctor(doctor::Doctor),
    /// Be the window of `ui`
    #[command(hide = true)]
    Window(window::Window),
    /// Be an engine of this worker
    #[command(hide = true)]
    Engine(engine::Engine),
}

/// The whole program.
pub fn main() -> ExitCode {
    execute(std::env::args_os())
}

fn execute(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Broken pipes of a pager are nobody's business.
            let _ = error.print();
            return if asked { Exit::Clean } else { Exit::Usage }.into();
        }
    };
    let Some(command) = cli.command else {
        return execute(std::env::args_os().chain([DEFAULT_COMMAND.into()]));
    };
    if let Command::Engine(engine) = command {
        return engine.execute();
    }
    let home = match Home::locate(cli.config.as_deref()) {
        Ok(home) => home,
        Err(error) => return output::failed(&error.into()).into(),
    };
    let ended = match command {
        Command::Ui(ui) => ui.execute(&home, cli.config.as_deref()),
        Command::Window(window) => return window.execute(&home),
        Command::Run(run) => run.execute(home),
        Command::Register(register) => register.execute(&home),
        Command::Join(join) => join.execute(&home),
        Command::Status(status) => status.execute(&home),
        Command::Stop(stop) => stop.execute(&home),
        Command::Logs(logs) => logs.execute(&home),
        Command::Jobs(jobs) => jobs.execute(&home),
        Command::Pause(pause) => pause.execute(&home),
        Command::Resume(resume) => resume.execute(&home),
        Command::Models(models) => models.execute(&home),
        Command::Update(update) => update.execute(&home),
        Command::Config(config) => config.execute(&home),
        Command::SetThreshold(set) => set.execute(&home),
        Command::Doctor(doctor) => doctor.execute(&home),
        Command::Engine(_) => unreachable!("handled above: an engine needs no folder"),
    };
    ended.unwrap_or_else(|error| output::failed(&error)).into()
}
