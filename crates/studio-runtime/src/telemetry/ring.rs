//! The latest log lines in memory, for whoever looks at a running process.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines that are kept: hours of a calm worker, and no more than a person scrolls through.
const MAX_LINES: usize = 4_000;
/// Bytes of text that are kept, however long the lines are.
const MAX_BYTES: usize = 1 << 20;
/// Of one line; the file has all of it.
const MAX_LINE_BYTES: usize = 8 << 10;
/// What a line costs beside its text.
const LINE_COST: usize = 96;
/// Crates of this project begin so; of others what is below `INFO` stays out: the libraries that carry the lines to whoever
/// looks would go on to write new ones.
const OURS: [&str; 4] = ["engine", "model_store", "studio", "worker"];

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingLine {
    /// From 1, without a gap.
    pub seq: u64,
    /// When.
    pub at: SystemTime,
    /// How grave.
    pub level: Level,
    /// Which part spoke.
    pub target: &'static str,
    /// What, with its fields.
    pub message: String,
    /// The field `job`.
    pub job: Option<String>,
}

/// Lines after a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingPage {
    /// Oldest first.
    pub lines: Vec<RingLine>,
    /// The number of the last line that there is.
    pub last: u64,
    /// Earlier ones were wanted too, and were dropped or left out.
    pub gap: bool,
}

/// A bounded memory of log lines; clones are the same one.
#[derive(Debug, Clone)]
pub struct LogRing {
    lines: Arc<Mutex<Lines>>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<RingLine>,
    bytes: usize,
}

impl Default for LogRing {
    fn default() -> Self {
        Self { lines: Arc::default(), last: watch::Sender::new(0) }
    }
}

impl LogRing {
    /// The newest `limit` lines after number `after` that are at least as grave as `level`.
    pub fn after(&self, after: u64, level: Level, limit: usize) -> RingPage {
        let inner = self.lock();
        let last = *self.last.borrow();
        let first = inner.lines.front().map_or(last + 1, |line| line.seq);
        let wanted =
            || inner.lines.iter().rev().take_while(|line| line.seq > after).filter(|l| l.level <= level);
        let mut lines: Vec<_> = wanted().take(limit).cloned().collect();
        lines.reverse();
        RingPage { gap: after + 1 < first || wanted().nth(limit).is_some(), lines, last }
    }

    /// The number of the newest line, 0 before the first.
    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// Changes with each line, to its number.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    fn push(&self, level: Level, target: &'static str, message: String, job: Option<String>) {
        let mut inner = self.lock();
        let seq = *self.last.borrow() + 1;
        let line = RingLine { seq, at: SystemTime::now(), level, target, message, job };
        inner.bytes += cost(&line);
        inner.lines.push_back(line);
        while inner.lines.len() > MAX_LINES || inner.bytes > MAX_BYTES {
            let Some(gone) = inner.lines.pop_front() else { break };
            inner.bytes -= cost(&gone);
        }
        self.last.send_replace(seq);
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cost(line: &RingLine) -> usize {
    LINE_COST + line.message.len() + line.job.as_ref().map_or(0, String::len)
}

impl<S: Subscriber> Layer<S> for LogRing {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        if level > Level::INFO && !OURS.iter().any(|ours| target.starts_with(ours)) {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let mut message = text.message;
        message.push_str(&text.fields);
        if message.len() > MAX_LINE_BYTES {
            let end = (0..=MAX_LINE_BYTES).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
            message.truncate(end);
            message.push('…');
        }
        self.push(level, target, message, text.job);
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
    job: Option<String>,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "job" => {
                self.job = Some(format!("{value:?}"));
                Ok(())
            }
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            "job" => self.job = Some(value.to_owned()),
            name => {
                let _ = write!(self.fields, " {name}={value}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn filled(write: impl FnOnce()) -> LogRing {
        let ring = LogRing::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(ring.clone()), write);
        ring
    }

    fn messages(page: &RingPage) -> Vec<&str> {
        page.lines.iter().map(|line| line.message.as_str()).collect()
    }

    #[test]
    fn a_line_has_its_fields_and_its_job() {
        let ring = filled(|| {
            let id = "job-1";
            tracing::info!(target: "studio_worker::engine", job = %id, pid = 7, name = "n", "said {}", "it");
        });
        let page = ring.after(0, Level::TRACE, 10);
        assert_eq!((page.last, page.gap), (1, false));
        let line = &page.lines[0];
        assert_eq!((line.seq, line.level, line.target), (1, Level::INFO, "studio_worker::engine"));
        assert_eq!((line.message.as_str(), line.job.as_deref()), ("said it pid=7 name=n", Some("job-1")));
    }

    #[test]
    fn what_is_wanted_is_the_newest_that_is_grave_enough() {
        let ring = filled(|| {
            tracing::warn!("one");
            tracing::info!("two");
            tracing::error!("three");
        });
        assert_eq!(messages(&ring.after(0, Level::WARN, 10)), ["one", "three"]);
        assert_eq!(messages(&ring.after(1, Level::TRACE, 10)), ["two", "three"]);
        let page = ring.after(0, Level::TRACE, 1);
        assert_eq!((messages(&page), page.last, page.gap), (vec!["three"], 3, true));
        assert_eq!(ring.after(3, Level::TRACE, 10), RingPage { lines: Vec::new(), last: 3, gap: false });
    }

    #[test]
    fn lines_and_bytes_are_bounded_and_the_gap_is_told() {
        let ring = filled(|| (0..MAX_LINES + 5).for_each(|n| tracing::info!("{n}")));
        let page = ring.after(0, Level::TRACE, usize::MAX);
        assert_eq!((page.lines.len(), page.lines[0].seq, page.gap), (MAX_LINES, 6, true));
        assert!(!ring.after(5, Level::TRACE, usize::MAX).gap);
        let ring = filled(|| (0..300).for_each(|_| tracing::info!("{}", "ä".repeat(9_000))));
        let page = ring.after(0, Level::TRACE, usize::MAX);
        assert!(page.lines.len() < 130 && page.lines.iter().all(|l| l.message.len() <= MAX_LINE_BYTES + 3));
    }

    #[test]
    fn libraries_are_heard_from_info_on() {
        let ring = filled(|| {
            tracing::trace!(target: "hyper::proto", "a");
            tracing::info!(target: "hyper::proto", "b");
            tracing::trace!(target: "studio_worker", "c");
        });
        assert_eq!(messages(&ring.after(0, Level::TRACE, 9)), ["b", "c"]);
    }
}
