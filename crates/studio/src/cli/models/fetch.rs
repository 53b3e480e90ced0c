//! `studio models fetch`: the studio fetches, and this shows how far it is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::api::types::{FetchState, ModelFetch};
use crate::cli::Exit;
use crate::cli::output::Output;
use crate::cli::times::size;
use crate::client::Client;

/// How often the studio is asked.
const INTERVAL: Duration = Duration::from_millis(400);

/// Begins, and watches to the end.
pub async fn run(client: &Client, out: Output, id: &str, no_wait: bool) -> anyhow::Result<Exit> {
    let mut detail = client.fetch_model(id).await?;
    let bar = bytes_bar(out, 0);
    let mut tick = tokio::time::interval(INTERVAL);
    let mut said = None;
    while let Some(fetch) =
        detail.fetch.as_ref().filter(|fetch| fetch.state == FetchState::Running && !no_wait)
    {
        bar.set_length(fetch.total_bytes.max(fetch.bytes));
        bar.set_position(fetch.bytes);
        bar.set_message(fetch.filename.clone().unwrap_or_default());
        if !out.is_live() && said.as_ref() != fetch.filename.as_ref() {
            out.note(&told(fetch));
            said.clone_from(&fetch.filename);
        }
        tick.tick().await;
        match client.model(id).await {
            Ok(now) => detail = now,
            // A studio that restarts goes on from what is there when it is asked again.
            Err(error) if error.is_transient() => bar.set_message("the studio does not answer"),
            Err(error) => return Err(error.into()),
        }
    }
    bar.finish_and_clear();
    let failed = detail.fetch.as_ref().is_some_and(|fetch| fetch.state == FetchState::Failed);
    out.show(&detail, || detail.fetch.as_ref().map_or_else(|| "there is nothing to fetch".to_owned(), told))?;
    Ok(if failed { Exit::Unwell } else { Exit::Done })
}

/// A fetch in words.
pub fn told(fetch: &ModelFetch) -> String {
    let amount = match fetch.total_bytes {
        0 => size(fetch.bytes),
        total => format!("{} of {}", size(fetch.bytes), size(total)),
    };
    match (fetch.state, &fetch.error) {
        (FetchState::Running, _) => {
            format!(
                "{amount} fetched{}",
                fetch.filename.as_ref().map(|name| format!(", now {name}")).unwrap_or_default()
            )
        }
        (FetchState::Done, _) => format!("every file is on the studio, {}", size(fetch.bytes)),
        (FetchState::Failed, Some(error)) => format!("{error} ({amount} fetched)"),
        (FetchState::Failed, None) => format!("failed ({amount} fetched)"),
    }
}

/// A bar for bytes, at a terminal.
pub fn bytes_bar(out: Output, total: u64) -> ProgressBar {
    let bar = if out.is_live() { ProgressBar::new(total) } else { ProgressBar::hidden() };
    let template = "{bar:32.cyan/dim} {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}";
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_is_told_in_words() {
        let fetch = |state, error: Option<&str>, total_bytes| ModelFetch {
            state,
            bytes: 1024,
            total_bytes,
            filename: Some("a.gguf".to_owned()),
            error: error.map(str::to_owned),
        };
        assert_eq!(told(&fetch(FetchState::Running, None, 2048)), "1.0 KiB of 2.0 KiB fetched, now a.gguf");
        assert_eq!(told(&fetch(FetchState::Done, None, 1024)), "every file is on the studio, 1.0 KiB");
        assert_eq!(told(&fetch(FetchState::Failed, Some("no route"), 0)), "no route (1.0 KiB fetched)");
    }
}
