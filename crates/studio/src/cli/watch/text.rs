//! The text of a running chat, printed as it grows.

use std::io::{self, Write};

use serde::Deserialize;
use studio_protocol::TaskKind;

use super::super::output::printable;
use crate::api::types::JobDetail;
use crate::client::{Client, EventStream};

/// What the stream told.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// The text grew.
    More,
    /// The job is in another state: ask for it.
    Changed,
}

/// Follows one job's text; over a restart of the studio it goes on where it was.
#[derive(Debug, Default)]
pub struct Text {
    wanted: bool,
    events: Option<EventStream>,
    attempt: u32,
    /// Bytes of this attempt's text that were printed.
    printed: usize,
    /// Bytes that come again after a reconnect.
    skip: usize,
    in_line: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delta {
    attempt: u32,
    text: String,
    #[serde(default)]
    reset: bool,
}

impl Text {
    /// Chats have a text to follow; programs read the result instead.
    pub fn of(detail: &JobDetail, is_json: bool) -> Self {
        Self { wanted: detail.job.kind == TaskKind::Llm && !is_json, ..Self::default() }
    }

    /// Whether something was printed.
    pub fn has_begun(&self) -> bool {
        self.printed > 0 || self.in_line
    }

    /// Opens the stream, if it is wanted and not open. Without it, watching goes on by asking.
    pub async fn connect(&mut self, client: &Client, job: &str) {
        if self.wanted && self.events.is_none() {
            self.events = client.job_events(job).await.ok();
            self.skip = self.printed;
        }
    }

    /// Waits for news of the stream; for ever while there is none.
    pub async fn next(&mut self) -> io::Result<Told> {
        loop {
            let Some(events) = &mut self.events else { return std::future::pending().await };
            let Ok(Some(event)) = events.next().await else {
                self.events = None;
                continue;
            };
            match event.name.as_str() {
                "delta" => {
                    let Ok(delta) = serde_json::from_str::<Delta>(&event.data) else { continue };
                    let text = self.take(&delta);
                    self.print(&text)?;
                    return Ok(Told::More);
                }
                "job" => return Ok(Told::Changed),
                _ => {}
            }
        }
    }

    /// What of it is new to the reader.
    fn take(&mut self, delta: &Delta) -> String {
        let is_other = delta.attempt > self.attempt && self.printed > 0;
        let mut text = String::new();
        if (delta.reset || is_other) && self.printed > 0 {
            text.push_str("\n[its worker was lost, it begins again]\n");
        }
        if delta.reset || delta.attempt > self.attempt {
            (self.printed, self.skip) = (0, 0);
            self.attempt = self.attempt.max(delta.attempt);
        }
        let known = self.skip.min(delta.text.len());
        self.skip -= known;
        let more = delta.text.get(known..).unwrap_or(&delta.text);
        self.printed += more.len();
        text.push_str(more);
        text
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.in_line = !text.ends_with('\n');
        let mut out = io::stdout().lock();
        out.write_all(printable(text).as_bytes())?;
        out.flush()
    }

    /// Ends the line.
    pub fn end(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.in_line) { self.print("\n") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(attempt: u32, text: &str, reset: bool) -> Delta {
        Delta { attempt, text: text.to_owned(), reset }
    }

    #[test]
    fn what_was_printed_is_not_printed_again_after_a_reconnect() {
        let mut text = Text::default();
        assert_eq!(text.take(&delta(1, "Once upon ", false)), "Once upon ");
        text.skip = text.printed;
        assert_eq!(text.take(&delta(1, "Once upon a time", false)), "a time");
        assert_eq!(text.take(&delta(1, ".", false)), ".");
    }

    #[test]
    fn a_lost_try_is_told_and_left_behind() {
        let mut text = Text::default();
        text.take(&delta(1, "lost", false));
        let again = text.take(&delta(0, "", true));
        assert!(again.contains("begins again"), "{again}");
        assert_eq!(text.take(&delta(2, "new", false)), "new");
        assert!(text.take(&delta(3, "newer", true)).ends_with("]\nnewer"));
    }
}
