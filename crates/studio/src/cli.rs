//! The command line: the server, and a client of its API.
//!
//! Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 3 a watched job or batch ended without all of
//! its results.

mod audit;
mod backup;
mod batch;
mod connect;
mod doctor;
mod download;
mod events;
mod input;
mod jobs;
mod keys;
mod manifest;
mod models;
mod output;
mod projects;
mod prompts;
mod queue;
mod rate;
mod restore;
mod secret;
mod status;
mod task;
mod times;
mod users;
mod watch;
mod workers;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use studio_runtime::init_telemetry;

use crate::client::ClientError;
use crate::serve::{self, ServeArgs};
use connect::ConnectArgs;
use output::Output;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_LOG: &str = "studio=info,studio_store=info,studio_runtime=info,warn";

/// A studio keeps a queue of generation jobs and hands them to the workers of your machines
#[derive(Debug, Parser)]
#[command(name = "studio", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    connect: ConnectArgs,
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the studio
    Serve(ServeArgs),
    #[command(flatten)]
    Client(ClientCommand),
}

#[derive(Debug, Subcommand)]
enum ClientCommand {
    /// Show what the studio is doing
    Status,
    /// Submit, list and steer single jobs
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// Submit, watch and download many jobs together
    #[command(subcommand)]
    Batch(batch::BatchCommand),
    /// List and change the models that jobs may name
    Models(models::ModelsArgs),
    /// List and steer workers, decide registrations
    Workers(workers::WorkersArgs),
    /// List projects, and change what they may have of the fleet
    Projects(projects::ProjectsArgs),
    /// Hold the queue, let it go on, change its order
    Queue(queue::QueueArgs),
    /// List, create and revoke API keys
    Keys(keys::KeysArgs),
    /// List, make and change accounts
    Users(users::UsersArgs),
    /// Show who did what
    Audit(audit::AuditArgs),
    /// Make a short-lived code that lets a worker join without a click
    JoinCode(workers::JoinCodeArgs),
    /// Print what changes, as it changes
    Events(events::EventsArgs),
    /// Copy the database and the artefacts to a folder, also while the studio runs
    Backup {
        /// A folder that is empty or not there yet
        dir: PathBuf,
    },
    /// Put a backup into a data directory that is empty or not there yet
    Restore {
        /// A folder that `studio backup` wrote
        dir: PathBuf,
    },
    /// Check the data directory: database, artefacts, space, keys
    Doctor {
        /// Also read every artefact and compare its hash
        #[arg(long)]
        deep: bool,
    },
}

/// How a command ended, beside errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// All is well.
    Done,
    /// The command itself worked, and what it reports is not well.
    Unwell,
    /// A watched job or batch ended without all of its results.
    Failures,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Unwell => Self::FAILURE,
            Exit::Failures => Self::from(3),
        }
    }
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    studio_runtime::install_crypto();
    let out = Output::new(cli.json);
    let result = match cli.command {
        Command::Serve(args) => serve(args),
        Command::Client(command) => client(&cli.connect, out, command),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            out.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let _telemetry = init_telemetry(DEFAULT_LOG, args.log_format, None)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve::run(args))
}

fn client(connect: &ConnectArgs, out: Output, command: ClientCommand) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(dispatch(connect, out, command)).map(ExitCode::from)
}

async fn dispatch(connect: &ConnectArgs, out: Output, command: ClientCommand) -> anyhow::Result<Exit> {
    match command {
        ClientCommand::Status => status::run(&connect.client()?, out).await,
        ClientCommand::Jobs(command) => jobs::run(&connect.client()?, out, command).await,
        ClientCommand::Batch(command) => batch::run(&connect.client()?, out, command).await,
        ClientCommand::Models(args) => models::run(&connect.client()?, out, args).await,
        ClientCommand::Workers(args) => workers::run(&connect.client()?, out, args).await,
        ClientCommand::Projects(args) => projects::run(&connect.client()?, out, args).await,
        ClientCommand::Queue(args) => queue::run(&connect.client()?, out, args).await,
        ClientCommand::Keys(args) => keys::run(&connect.client()?, out, args).await,
        ClientCommand::Users(args) => users::run(&connect.client()?, out, args).await,
        ClientCommand::Audit(args) => audit::run(&connect.client()?, out, args).await,
        ClientCommand::JoinCode(args) => workers::join_code(&connect.client()?, out, args).await,
        ClientCommand::Events(args) => events::run(&connect.client()?, out, args).await,
        ClientCommand::Backup { dir } => backup::run(&connect.data_dir()?, &dir, out).await,
        ClientCommand::Restore { dir } => restore::run(&dir, &connect.data_dir()?, out).await,
        ClientCommand::Doctor { deep } => doctor::run(&connect.data_dir()?, deep, out).await,
    }
}

/// Whoever read our output has seen enough, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error.downcast_ref::<ClientError>().is_none()
        && error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(broken))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_data_directory_reaches_the_server_and_the_client() {
        for line in [["studio", "serve", "--data-dir", "/d"], ["studio", "--data-dir", "/d", "status"]] {
            let cli = Cli::try_parse_from(line).unwrap();
            let found = match cli.command {
                Command::Serve(args) => args.data_dir,
                Command::Client(_) => cli.connect.data_dir,
            };
            assert_eq!(found, Some(PathBuf::from("/d")), "{line:?}");
        }
    }
}
