//! `studio models`

mod add;
mod fetch;
mod show;
mod upload;

use clap::{Args, Subcommand};

use super::Exit;
use super::output::Output;
use crate::api::types::Items;
use crate::client::Client;

/// What to do; a list when nothing is said.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Show every model
    List,
    /// Show one model with its files
    Show {
        /// What jobs call it
        id: String,
    },
    /// Add a model, or replace the one of that name
    ///
    /// By its addresses (an ID with --kind, --engine and --file), from the hub (hf:OWNER/REPO), or from files of this
    /// machine, which are uploaded to the studio. What a file is, its head tells; options say otherwise.
    Add(Box<add::AddArgs>),
    /// Let the studio fetch a model's files, so that workers get them over the local network
    Fetch {
        /// What jobs call it
        id: String,
        /// Begin, and do not wait for the end
        #[arg(long)]
        no_wait: bool,
    },
    /// Delete the studio's copies of a model's files; what only the studio has stays
    Drop {
        /// What jobs call it
        id: String,
    },
    /// Take a model out of the registry, and its files off the studio
    Remove {
        /// What jobs call it
        id: String,
    },
    /// Take new jobs for a model
    Enable {
        /// What jobs call it
        id: String,
    },
    /// Take no new jobs for a model
    Disable {
        /// What jobs call it
        id: String,
    },
}

/// Does it.
pub async fn run(client: &Client, out: Output, args: ModelsArgs) -> anyhow::Result<Exit> {
    match args.command.unwrap_or(ModelsCommand::List) {
        ModelsCommand::List => {
            let items = client.models().await?;
            let page = Items { items, next_cursor: None };
            out.show(&page, || show::list(&page.items))?;
        }
        ModelsCommand::Show { id } => {
            let model = client.model(&id).await?;
            out.show(&model, || show::detail(&model))?;
        }
        ModelsCommand::Add(args) => add::run(client, out, *args).await?,
        ModelsCommand::Fetch { id, no_wait } => return fetch::run(client, out, &id, no_wait).await,
        ModelsCommand::Drop { id } => {
            let model = client.drop_model_files(&id).await?;
            out.show(&model, || format!("the studio keeps no copies of {id}"))?;
        }
        ModelsCommand::Remove { id } => {
            client.remove_model(&id).await?;
            out.show(&serde_json::json!({ "removed": id }), || format!("{id} is removed"))?;
        }
        ModelsCommand::Enable { id } => enable(client, out, &id, true).await?,
        ModelsCommand::Disable { id } => enable(client, out, &id, false).await?,
    }
    Ok(Exit::Done)
}

async fn enable(client: &Client, out: Output, id: &str, enabled: bool) -> anyhow::Result<()> {
    let model = client.enable_model(id, enabled).await?;
    out.show(&model, || format!("{id} is {}", if model.enabled { "enabled" } else { "disabled" }))?;
    Ok(())
}
