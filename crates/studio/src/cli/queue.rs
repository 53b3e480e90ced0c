//! `studio queue`

use clap::{Args, Subcommand};
use studio_protocol::Timestamp;

use super::Exit;
use super::output::Output;
use super::times::ago;
use crate::api::types::{MoveEnd, MoveJob, QueueState};
use crate::client::Client;

/// What to do; its state when nothing is said.
#[derive(Debug, Args)]
pub struct QueueArgs {
    #[command(subcommand)]
    command: Option<QueueCommand>,
}

#[derive(Debug, Subcommand)]
enum QueueCommand {
    /// Show whether it is held
    Show,
    /// Take jobs in and offer none; what runs goes on
    Hold,
    /// Offer jobs again
    Resume,
    /// Move a waiting job within its project and priority
    Move {
        /// job-...
        job: String,
        /// Right before this job
        #[arg(long, value_name = "JOB", required_unless_present_any = ["front", "back"])]
        before: Option<String>,
        /// Before all others
        #[arg(long, conflicts_with_all = ["before", "back"])]
        front: bool,
        /// Behind all others
        #[arg(long, conflicts_with = "before")]
        back: bool,
    },
}

/// Does it.
pub async fn run(client: &Client, out: Output, args: QueueArgs) -> anyhow::Result<Exit> {
    let queue = match args.command.unwrap_or(QueueCommand::Show) {
        QueueCommand::Show => client.queue().await?,
        QueueCommand::Hold => client.hold_queue(true).await?,
        QueueCommand::Resume => client.hold_queue(false).await?,
        QueueCommand::Move { job, before, front, back } => {
            let end = if front { MoveEnd::Front } else { MoveEnd::Back };
            let to = MoveJob { before, to: (front || back).then_some(end) };
            let detail = client.move_job(&job, &to).await?;
            out.show(&detail, || format!("{job} is moved"))?;
            return Ok(Exit::Done);
        }
    };
    out.show(&queue, || described(&queue))?;
    Ok(Exit::Done)
}

fn described(queue: &QueueState) -> String {
    match queue.paused_at {
        Some(at) if queue.paused => {
            format!("held since {}: jobs are taken in, none is offered", ago(at, Timestamp::now()))
        }
        Some(_) | None => "jobs are offered".to_owned(),
    }
}
