//! A bounded buffer of log lines that knows where lines are missing.

use std::collections::VecDeque;
use std::sync::Arc;

use worker_local::{LogLine, LogPage};

/// More than the daemon keeps, so that a window that was open longer shows more.
const MAX_LINES: usize = 10_000;
/// Lines may be long: what a window spends on logs stays small beside its fonts and pictures.
const MAX_BYTES: usize = 4 << 20;

/// The latest log lines, oldest first.
#[derive(Debug, Clone, Default)]
pub struct LogBuffer {
    rows: VecDeque<LogRow>,
    bytes: usize,
    last: u64,
    first_row: u64,
    /// Why there are none, or no newer ones.
    pub trouble: Option<String>,
}

/// One row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRow {
    /// A line.
    Line(Arc<LogLine>),
    /// Lines that came too fast, or before the window looked, are not here.
    Gap,
}

impl LogBuffer {
    /// Without lines, and why.
    pub fn failed(trouble: String) -> Self {
        Self { trouble: Some(trouble), ..Self::default() }
    }

    /// Oldest first.
    pub fn rows(&self) -> &VecDeque<LogRow> {
        &self.rows
    }

    /// The number of the first row since the buffer began: rows keep their numbers while older ones go.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// The number that the next row will have; another one means that there is something new.
    pub fn end_row(&self) -> u64 {
        self.first_row + self.rows.len() as u64
    }

    /// For `after` of the next question.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Takes an answer in, and lets the oldest go; says whether anything is new.
    pub fn take(&mut self, page: LogPage) -> bool {
        let before = self.end_row();
        if page.gap {
            self.push(LogRow::Gap);
        }
        self.last = self.last.max(page.last);
        for line in page.lines {
            self.push(LogRow::Line(Arc::new(line)));
        }
        self.trouble = None;
        self.end_row() != before
    }

    /// Another daemon counts from 1 again; what was read stays.
    pub fn restart(&mut self) {
        self.last = 0;
    }

    /// Forgets every line, but not which were seen.
    pub fn clear(&mut self) {
        self.first_row = self.end_row();
        self.rows.clear();
        self.bytes = 0;
    }

    fn push(&mut self, row: LogRow) {
        self.bytes += weight(&row);
        self.rows.push_back(row);
        while self.rows.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let Some(old) = self.rows.pop_front() else { break };
            self.bytes -= weight(&old);
            self.first_row += 1;
        }
    }
}

fn weight(row: &LogRow) -> usize {
    match row {
        LogRow::Line(line) => {
            size_of::<LogLine>()
                + line.message.len()
                + line.target.len()
                + line.job.as_ref().map_or(0, String::len)
        }
        LogRow::Gap => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use studio_protocol::Timestamp;
    use worker_local::LogSeverity;

    fn page(from: u64, count: u64, length: usize) -> LogPage {
        let line = |seq| LogLine {
            seq,
            ts: Timestamp::from_millis(0),
            level: LogSeverity::Info,
            target: "a".into(),
            message: "m".repeat(length),
            job: None,
        };
        LogPage { lines: (from..from + count).map(line).collect(), last: from + count - 1, gap: false }
    }

    #[test]
    fn it_is_bounded_in_lines_and_bytes_and_rows_keep_their_numbers() {
        let mut buffer = LogBuffer::default();
        for round in 0..30 {
            assert!(buffer.take(page(round * 1_000 + 1, 1_000, 10)));
        }
        assert_eq!(buffer.rows().len(), MAX_LINES);
        assert_eq!(buffer.first_row(), 20_000);
        assert_eq!(buffer.last(), 30_000);
        buffer.take(page(30_001, 1_000, 10_000));
        assert!(buffer.bytes <= MAX_BYTES);
        assert!(buffer.rows().len() < 1_000);
        assert_eq!(buffer.end_row(), 31_000);
    }

    #[test]
    fn a_gap_is_a_row_of_its_own_and_an_empty_answer_is_nothing_new() {
        let mut buffer = LogBuffer::default();
        assert!(!buffer.take(LogPage { lines: Vec::new(), last: 7, gap: false }));
        assert_eq!(buffer.last(), 7);
        assert!(buffer.take(LogPage { gap: true, ..page(20, 1, 1) }));
        assert_eq!(buffer.rows()[0], LogRow::Gap);
    }
}
