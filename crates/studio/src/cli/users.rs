//! `studio users`

use anyhow::bail;
use clap::{Args, Subcommand};
use studio_protocol::Timestamp;
use studio_store::Role;

use super::Exit;
use super::output::{Output, table};
use super::secret::new_password;
use super::times::ago;
use crate::api::types::{Items, NewUser, User, UserPatch};
use crate::client::Client;

/// What to do; a list when nothing is said.
#[derive(Debug, Args)]
pub struct UsersArgs {
    #[command(subcommand)]
    command: Option<UsersCommand>,
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
    /// Show everybody who has an account
    List,
    /// Make an account; the password is asked for, or is the first line of the standard input
    Add {
        /// What they sign in with
        name: String,
        /// viewer, submitter, operator or admin
        #[arg(long, default_value = "submitter")]
        role: Role,
        /// Let the studio draw the password; it is shown once
        #[arg(long)]
        generate: bool,
    },
    /// Let somebody do more or less; ends their sessions
    Role {
        /// user-... or their name
        user: String,
        /// viewer, submitter, operator or admin
        role: Role,
    },
    /// Keep somebody out; ends their sessions
    Disable {
        /// user-... or their name
        user: String,
    },
    /// Let somebody in again
    Enable {
        /// user-... or their name
        user: String,
    },
    /// Give somebody another password; ends their sessions
    Password {
        /// user-... or their name
        user: String,
    },
    /// Remove an account
    Remove {
        /// user-... or their name
        user: String,
    },
    /// Print a new link for the first account, while there is none
    SetUpLink,
}

/// Does it.
pub async fn run(client: &Client, out: Output, args: UsersArgs) -> anyhow::Result<Exit> {
    match args.command.unwrap_or(UsersCommand::List) {
        UsersCommand::List => list(client, out).await?,
        UsersCommand::Add { name, role, generate } => {
            let password = if generate { None } else { Some(new_password(&name)?) };
            let made = client.create_user(&NewUser { name, role, password }).await?;
            out.note(&format!("{} ({}) has an account", made.user.name, made.user.role));
            if let Some(password) = &made.password {
                out.note("the password is shown this once:");
                out.show(&made, || password.clone())?;
            } else if out.is_json() {
                out.value(&made)?;
            }
        }
        UsersCommand::Role { user, role } => {
            change(client, out, &user, UserPatch { role: Some(role), ..UserPatch::default() }).await?;
        }
        UsersCommand::Disable { user } => {
            change(client, out, &user, UserPatch { disabled: Some(true), ..UserPatch::default() }).await?;
        }
        UsersCommand::Enable { user } => {
            change(client, out, &user, UserPatch { disabled: Some(false), ..UserPatch::default() }).await?;
        }
        UsersCommand::Password { user } => {
            let user = find(client, &user).await?;
            let patch = UserPatch { password: Some(new_password(&user.name)?), ..UserPatch::default() };
            told(out, &client.change_user(&user.id, &patch).await?)?;
        }
        UsersCommand::Remove { user } => {
            let user = find(client, &user).await?;
            client.remove_user(&user.id).await?;
            out.note(&format!("{} is removed", user.name));
            if out.is_json() {
                out.value(&serde_json::json!({ "removed": user.id }))?;
            }
        }
        UsersCommand::SetUpLink => {
            let link = client.set_up_link().await?;
            let address = format!("{}{}", client.url().as_str().trim_end_matches('/'), link.path);
            out.note(&format!("good once, until {}:", link.expires_at));
            out.show(&link, || address)?;
        }
    }
    Ok(Exit::Done)
}

async fn list(client: &Client, out: Output) -> anyhow::Result<()> {
    let page = Items { items: client.users().await?, next_cursor: None };
    let now = Timestamp::now();
    out.show(&page, || {
        let row = |user: &User| {
            let state = if user.disabled { "disabled" } else { "" };
            [
                user.id.clone(),
                user.name.clone(),
                user.role.to_string(),
                state.to_owned(),
                user.last_seen_at.map_or_else(|| "never".to_owned(), |time| ago(time, now)),
            ]
        };
        table(["ID", "NAME", "ROLE", "STATE", "SIGNED IN"], page.items.iter().map(row))
    })?;
    Ok(())
}

async fn change(client: &Client, out: Output, user: &str, patch: UserPatch) -> anyhow::Result<()> {
    let user = find(client, user).await?;
    told(out, &client.change_user(&user.id, &patch).await?)
}

fn told(out: Output, user: &User) -> anyhow::Result<()> {
    let state = if user.disabled { ", disabled" } else { "" };
    out.show(user, || format!("{} ({}{state})", user.name, user.role))?;
    Ok(())
}

/// By id or name; names are one whatever their case.
async fn find(client: &Client, wanted: &str) -> anyhow::Result<User> {
    let folded = wanted.trim().to_lowercase();
    let users = client.users().await?;
    match users.into_iter().find(|user| user.id == wanted || user.name.to_lowercase() == folded) {
        Some(user) => Ok(user),
        None => bail!("nobody is called `{wanted}`: `studio users` lists everybody"),
    }
}
