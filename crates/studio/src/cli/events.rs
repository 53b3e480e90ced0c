//! `studio events`

use clap::Args;

use super::Exit;
use super::output::Output;
use crate::client::Client;

/// What to watch.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Only the jobs of this batch
    #[arg(long)]
    batch: Option<String>,
}

/// Prints events until the studio ends the stream.
pub async fn run(client: &Client, out: Output, args: EventsArgs) -> anyhow::Result<Exit> {
    let mut events = client.events(args.batch.as_deref()).await?;
    while let Some(event) = events.next().await? {
        if out.is_json() {
            // What the stream says of itself has no `type` of its own.
            let data: serde_json::Value = serde_json::from_str(&event.data)?;
            out.value_line(&serde_json::json!({ "event": event.name, "data": data }))?;
        } else {
            out.line(&format!("{:12} {}", event.name, event.data))?;
        }
    }
    out.note("the studio ended the stream");
    Ok(Exit::Done)
}
