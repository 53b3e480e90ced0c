//! `studio status`

use super::Exit;
use super::output::{Output, fields};
use crate::client::Client;

/// Shows the queue and who is there.
pub async fn run(client: &Client, out: Output) -> anyhow::Result<Exit> {
    let status = client.status().await?;
    out.show(&status, || {
        let mut rows = vec![
            ("studio", format!("{} at {}", status.version, client.url())),
            ("workers", format!("{} online of {}", status.workers_online, status.workers)),
        ];
        if status.registrations_pending > 0 {
            let text = format!("{} waiting: `studio workers registrations`", status.registrations_pending);
            rows.push(("registrations", text));
        }
        for (state, count) in &status.jobs {
            rows.push((state.as_str(), count.to_string()));
        }
        fields(&rows)
    })?;
    Ok(Exit::Done)
}
