//! What the studio is told of the worker's log.

use std::collections::VecDeque;
use std::time::Instant;

use studio_protocol::{LOG_FLUSH_INTERVAL, LogBatch, LogEntry, MAX_LOG_ENTRIES};

/// Entries that wait for the next `logBatch`; the oldest make room.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    entries: VecDeque<LogEntry>,
    next: Option<Instant>,
}

impl Logs {
    pub(crate) fn push(&mut self, entry: LogEntry) {
        if self.entries.len() == MAX_LOG_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// When there is something that may leave.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        (!self.entries.is_empty()).then(|| self.next.unwrap_or(now))
    }

    /// The batch to send, at most one in a [`LOG_FLUSH_INTERVAL`].
    pub(crate) fn take(&mut self, now: Instant) -> Option<LogBatch> {
        if self.due(now)? > now {
            return None;
        }
        self.next = Some(now + LOG_FLUSH_INTERVAL);
        Some(LogBatch { entries: self.entries.drain(..).collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use studio_protocol::{LogLevel, Timestamp};

    use super::*;

    fn entry(n: usize) -> LogEntry {
        LogEntry {
            ts: Timestamp::from_millis(0),
            level: LogLevel::Info,
            category: "engine".into(),
            message: n.to_string(),
            job_id: None,
        }
    }

    #[test]
    fn one_batch_a_second() {
        let (mut logs, start) = (Logs::default(), Instant::now());
        assert!(logs.take(start).is_none());
        logs.push(entry(1));
        assert_eq!(logs.take(start).unwrap().entries.len(), 1);
        logs.push(entry(2));
        logs.push(entry(3));
        assert!(logs.take(start + Duration::from_millis(999)).is_none());
        assert_eq!(logs.take(start + LOG_FLUSH_INTERVAL).unwrap().entries.len(), 2);
    }

    #[test]
    fn the_oldest_entries_make_room() {
        let (mut logs, start) = (Logs::default(), Instant::now());
        (0..MAX_LOG_ENTRIES + 5).for_each(|n| logs.push(entry(n)));
        let batch = logs.take(start).unwrap();
        assert_eq!(batch.entries.len(), MAX_LOG_ENTRIES);
        assert_eq!(batch.entries[0].message, "5");
    }
}
