//! `studio audit`

use clap::Args;
use studio_protocol::Timestamp;

use super::Exit;
use super::output::{Output, table};
use super::times::ago;
use crate::api::types::AuditEntry;
use crate::client::Client;

/// Which lines.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Only what this user or key did, by name or id
    #[arg(long)]
    actor: Option<String>,
    /// Only actions that begin with this: sign-in, "POST /api/v1/users"
    #[arg(long)]
    action: Option<String>,
    /// How many lines
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// `nextCursor` of the page before
    #[arg(long)]
    cursor: Option<String>,
}

/// Shows who did what, newest first.
pub async fn run(client: &Client, out: Output, args: AuditArgs) -> anyhow::Result<Exit> {
    let AuditArgs { actor, action, limit, cursor } = args;
    let page = client.audit(actor.as_deref(), action.as_deref(), limit, cursor.as_deref()).await?;
    let now = Timestamp::now();
    out.show(&page, || {
        let row = |line: &AuditEntry| {
            let times = if line.times > 1 { format!(" x{}", line.times) } else { String::new() };
            [
                ago(line.at, now),
                line.actor.clone(),
                format!("{}{times}", line.action),
                line.target.clone().unwrap_or_default(),
                line.status.to_string(),
            ]
        };
        table(["WHEN", "WHO", "WHAT", "WHICH", "STATUS"], page.items.iter().map(row))
    })?;
    if let Some(cursor) = &page.next_cursor {
        out.note(&format!("more: --cursor {cursor}"));
    }
    Ok(Exit::Done)
}
