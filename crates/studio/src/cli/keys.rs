//! `studio keys`

use clap::{Args, Subcommand};
use studio_protocol::Timestamp;
use studio_store::Role;

use super::Exit;
use super::output::{Output, table};
use super::times::ago;
use crate::api::types::{Items, NewKey};
use crate::client::Client;

/// What to do; a list when nothing is said.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: Option<KeysCommand>,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Show every key, without its secret
    List,
    /// Make a key; its secret is shown once
    Create {
        /// What it is for
        name: String,
        /// viewer, submitter, operator or admin
        #[arg(long, default_value = "submitter")]
        role: Role,
        /// Good for this project only
        #[arg(long)]
        project: Option<String>,
        /// Refuse it after this many days
        #[arg(long, value_name = "DAYS")]
        ttl_days: Option<u32>,
    },
    /// Refuse a key from now on
    Revoke {
        /// key-...
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// Does it.
pub async fn run(client: &Client, out: Output, args: KeysArgs) -> anyhow::Result<Exit> {
    match args.command.unwrap_or(KeysCommand::List) {
        KeysCommand::List => {
            let items = client.keys().await?;
            let page = Items { items, next_cursor: None };
            let now = Timestamp::now();
            out.show(&page, || {
                let row = |key: &crate::api::types::Key| {
                    let project = key.project.clone().unwrap_or_else(|| "every".to_owned());
                    [
                        key.id.clone(),
                        key.name.clone(),
                        key.role.to_string(),
                        project,
                        ago(key.created_at, now),
                        key.last_used_at.map_or_else(|| "never".to_owned(), |time| ago(time, now)),
                        key.expires_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
                    ]
                };
                table(
                    ["ID", "NAME", "ROLE", "PROJECT", "CREATED", "USED", "ENDS"],
                    page.items.iter().map(row),
                )
            })?;
        }
        KeysCommand::Create { name, role, project, ttl_days } => {
            let created =
                client.create_key(&NewKey { name, role, project, ttl_days, expires_at: None }).await?;
            out.note(&format!("{} ({}); the secret is shown this once:", created.key.id, created.key.role));
            out.show(&created, || created.secret.clone())?;
        }
        KeysCommand::Revoke { ids } => {
            for id in &ids {
                client.revoke_key(id).await?;
                out.note(&format!("{id} is revoked"));
            }
            if out.is_json() {
                out.value(&serde_json::json!({ "revoked": ids }))?;
            }
        }
    }
    Ok(Exit::Done)
}
