//! `studio workers` and `studio join-code`

mod steer;

use clap::{Args, Subcommand};
use studio_protocol::Timestamp;
use studio_store::RegistrationState;

use super::Exit;
use super::output::{Output, fields, shortened, table};
use super::times::{ago, between};
use crate::api::types::{Items, NewJoinCode, Registration, Worker, WorkerPatch};
use crate::client::Client;

/// What to do; a list when nothing is said.
#[derive(Debug, Args)]
pub struct WorkersArgs {
    #[command(subcommand)]
    command: Option<WorkersCommand>,
}

#[derive(Debug, Subcommand)]
enum WorkersCommand {
    /// Show every worker
    List,
    /// Show one worker and the jobs that it holds
    Show {
        /// w-... or its name
        worker: String,
    },
    /// Show requests to join
    Registrations {
        /// Those that were decided too
        #[arg(long)]
        all: bool,
    },
    /// Let a worker in
    Approve {
        /// rr-...
        registration: String,
        /// What to call it [default: its machine's name]
        #[arg(long)]
        name: Option<String>,
    },
    /// Refuse a worker
    Reject {
        /// rr-...
        registration: String,
        /// Told to its owner
        #[arg(long)]
        reason: Option<String>,
    },
    /// Call a worker something else
    Rename {
        /// w-... or its name
        worker: String,
        /// The new name
        name: String,
    },
    /// Offer a worker no more jobs
    Pause {
        /// w-... or its name
        worker: String,
    },
    /// Offer a worker jobs again, after a pause or a drain
    Resume {
        /// w-... or its name
        worker: String,
    },
    /// Let a worker finish what it has; its program then ends, where it knows how to
    Drain {
        /// w-... or its name
        worker: String,
    },
    /// Show or change what a worker may have
    Limits(steer::LimitsArgs),
    /// Show what a worker last logged about itself
    Logs {
        /// w-... or its name
        worker: String,
    },
    /// Have a worker fetch and load a model before a job needs it
    Load {
        /// w-... or its name
        worker: String,
        /// The registry's name of the model
        model: String,
    },
    /// Have a worker give back the memory of a model that no job uses
    Unload {
        /// w-... or its name
        worker: String,
        /// The registry's name of the model
        model: String,
    },
    /// Forget a worker; what it holds is queued again
    Remove {
        /// w-... or its name
        worker: String,
    },
}

/// Does it.
pub async fn run(client: &Client, out: Output, args: WorkersArgs) -> anyhow::Result<Exit> {
    match args.command.unwrap_or(WorkersCommand::List) {
        WorkersCommand::List => {
            let items = client.workers().await?;
            let page = Items { items, next_cursor: None };
            out.show(&page, || list(&page.items))?;
        }
        WorkersCommand::Show { worker } => {
            let id = id_of(client, worker).await?;
            let worker = client.worker(&id).await?;
            out.show(&worker, || detail(&worker))?;
        }
        WorkersCommand::Registrations { all } => {
            let status = if all { None } else { Some(RegistrationState::Pending) };
            let items = client.registrations(status).await?;
            let page = Items { items, next_cursor: None };
            out.show(&page, || registrations(&page.items))?;
        }
        WorkersCommand::Approve { registration, name } => {
            let worker = client.approve(&registration, name).await?;
            out.show(&worker, || format!("{} is {}", worker.name, worker.id))?;
        }
        WorkersCommand::Reject { registration, reason } => {
            let record = client.reject(&registration, reason).await?;
            out.show(&record, || format!("{} is rejected", record.id))?;
        }
        WorkersCommand::Rename { worker, name } => {
            change(client, out, worker, WorkerPatch { name: Some(name), ..WorkerPatch::default() }).await?;
        }
        WorkersCommand::Pause { worker } => {
            change(client, out, worker, WorkerPatch { paused: Some(true), ..WorkerPatch::default() }).await?;
        }
        WorkersCommand::Resume { worker } => {
            steer::send(client, out, worker, "resume").await?;
        }
        WorkersCommand::Drain { worker } => steer::send(client, out, worker, "drain").await?,
        WorkersCommand::Limits(args) => steer::limits(client, out, args).await?,
        WorkersCommand::Logs { worker } => steer::logs(client, out, worker).await?,
        WorkersCommand::Load { worker, model } => ask(client, out, worker, &model, "load").await?,
        WorkersCommand::Unload { worker, model } => ask(client, out, worker, &model, "unload").await?,
        WorkersCommand::Remove { worker } => {
            let id = id_of(client, worker).await?;
            client.remove_worker(&id).await?;
            out.show(&serde_json::json!({ "removed": id }), || format!("{id} is removed"))?;
        }
    }
    Ok(Exit::Done)
}

async fn ask(client: &Client, out: Output, worker: String, model: &str, what: &str) -> anyhow::Result<()> {
    let id = id_of(client, worker).await?;
    client.ask_worker(&id, model, what).await?;
    let told = serde_json::json!({ "worker": id, "model": model, "asked": what });
    out.show(&told, || {
        format!("{id} is asked to {what} `{model}`: `studio workers show {id}` tells when it has")
    })?;
    Ok(())
}

async fn change(client: &Client, out: Output, worker: String, patch: WorkerPatch) -> anyhow::Result<()> {
    let id = id_of(client, worker).await?;
    let worker = client.change_worker(&id, &patch).await?;
    out.show(&worker, || format!("{} ({}) is {}", worker.name, worker.id, state(&worker)))?;
    Ok(())
}

/// People know workers by name; an id is taken as it is.
async fn id_of(client: &Client, worker: String) -> anyhow::Result<String> {
    if worker.starts_with("w-") {
        return Ok(worker);
    }
    let mut ids =
        client.workers().await?.into_iter().filter(|known| known.name == worker).map(|known| known.id);
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => anyhow::bail!("no worker is called `{worker}`: `studio workers` shows them all"),
        (Some(_), Some(_)) => anyhow::bail!("several workers are called `{worker}`: use an id"),
    }
}

fn state(worker: &Worker) -> &'static str {
    match (worker.online, worker.paused) {
        (true, _) if worker.draining => "online, draining",
        (false, _) if worker.draining => "offline, draining",
        (true, true) => "online, paused",
        (false, true) => "offline, paused",
        (true, false) if !worker.capabilities.auto_enabled => "online, paused by its owner",
        (true, false) => "online",
        (false, false) => "offline",
    }
}

fn list(workers: &[Worker]) -> String {
    let now = Timestamp::now();
    let row = |worker: &Worker| {
        let has = &worker.capabilities;
        [
            worker.id.clone(),
            shortened(&worker.name, 30),
            state(worker).to_owned(),
            worker.last_seen_at.map_or_else(|| "never".to_owned(), |time| ago(time, now)),
            has.task_kinds.join(" "),
            format!("{:.1}/{:.1}", has.vram_threshold_gb, has.vram_total_gb),
            has.agent_version.clone(),
        ]
    };
    table(["ID", "NAME", "STATE", "SEEN", "KINDS", "GPU GiB", "VERSION"], workers.iter().map(row))
}

fn detail(worker: &Worker) -> String {
    let has = &worker.capabilities;
    let now = Timestamp::now();
    let mut rows = vec![
        ("id", worker.id.clone()),
        ("name", worker.name.clone()),
        ("state", state(worker).to_owned()),
        ("machine", has.machine_name.clone()),
        (
            "version",
            format!("{}{}", has.agent_version, if worker.outdated { ", a newer one is known" } else { "" }),
        ),
        ("approved", ago(worker.created_at, now)),
        ("seen", worker.last_seen_at.map(|time| ago(time, now)).unwrap_or_default()),
        ("connected", worker.connected_at.map(|time| ago(time, now)).unwrap_or_default()),
        ("gpu", format!("{:.1} GiB, of which jobs may use {:.1}", has.vram_total_gb, has.vram_threshold_gb)),
        ("engines", has.model_engines.join(" ")),
        ("kinds", has.task_kinds.join(" ")),
        ("models", has.supported_models.join(" ")),
        ("loaded", has.loaded_models.join(" ")),
        ("on disk", has.present_models.join(" ")),
        (
            "speeds",
            has.model_speeds.iter().map(|(m, s)| format!("{m} {s:.2}/s")).collect::<Vec<_>>().join(", "),
        ),
        ("jobs", worker.jobs.clone().unwrap_or_default().join(" ")),
    ];
    rows.extend(steer::described(&worker.limits));
    fields(&rows)
}

fn registrations(records: &[Registration]) -> String {
    let now = Timestamp::now();
    let row = |record: &Registration| {
        [
            record.id.clone(),
            record.status.to_string(),
            shortened(&record.machine_name, 30),
            record.source_addr.clone(),
            record.user_agent.clone(),
            ago(record.created_at, now),
        ]
    };
    table(["ID", "STATUS", "MACHINE", "FROM", "PROGRAM", "ASKED"], records.iter().map(row))
}

/// What the code is to be.
#[derive(Debug, Args)]
pub struct JoinCodeArgs {
    /// Seconds until it is refused [default: 900]
    #[arg(long)]
    ttl: Option<u64>,
    /// Workers that it lets in [default: 1]
    #[arg(long)]
    uses: Option<u32>,
}

/// Makes a code and says how to use it.
pub async fn join_code(client: &Client, out: Output, args: JoinCodeArgs) -> anyhow::Result<Exit> {
    let code = client.join_code(&NewJoinCode { ttl_seconds: args.ttl, uses: args.uses }).await?;
    out.show(&code, || code.code.clone())?;
    let left = between(Timestamp::now(), code.expires_at);
    out.note(&format!(
        "good for {left}, on the worker's machine: studio-worker join {} {}",
        client.url(),
        code.code
    ));
    Ok(Exit::Done)
}
