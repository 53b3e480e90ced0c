//! What an engine prints: cut into lines, its last words kept.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use engine_protocol::MAX_LINE_BYTES;
use studio_protocol::LogLevel;

/// Lines that a failure's message quotes.
const LAST_LINES: usize = 6;
/// Lines that are passed on within [`WINDOW`]; a chatty load fits, a flood does not.
const LINES_PER_WINDOW: usize = 200;
const WINDOW: Duration = Duration::from_secs(1);

/// Cuts bytes into lines without ever holding more than one of them.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    whole: VecDeque<String>,
    last: VecDeque<String>,
}

impl Lines {
    /// Takes what was printed; a progress bar's `\r` ends a line as well.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, ended) = match piece.split_last() {
                Some((b'\n' | b'\r', text)) => (text, true),
                _ => (piece, false),
            };
            let room = MAX_LINE_BYTES.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                self.end_line();
            }
        }
    }

    /// The stream is over: what is there is a line.
    pub(super) fn end_line(&mut self) {
        let text = String::from_utf8_lossy(&self.partial);
        let line: String = text.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        self.partial.clear();
        if line.trim().is_empty() {
            return;
        }
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        self.whole.push_back(line);
    }

    /// The next whole line.
    pub(super) fn pop(&mut self) -> Option<String> {
        self.whole.pop_front()
    }

    /// The end of what was printed, for a failure's message; empty when nothing was.
    pub(super) fn last_words(&self) -> String {
        let words: Vec<&str> = self.last.iter().map(String::as_str).collect();
        words.join(" | ")
    }
}

/// How grave a line says it is.
pub(super) fn level_of(line: &str) -> LogLevel {
    let start = line.trim_start();
    let starts = |word: &str| start.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if starts("error") || starts("fatal") || (starts("thread '") && line.contains("panicked")) {
        LogLevel::Error
    } else if starts("warn") {
        LogLevel::Warn
    } else {
        LogLevel::Info
    }
}

/// Lets through so many lines in a while, and counts the rest.
#[derive(Debug)]
pub(super) struct FloodGate {
    since: Instant,
    passed: usize,
    dropped: usize,
}

impl FloodGate {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, passed: 0, dropped: 0 }
    }

    /// Whether one more line passes, and how many were dropped before it.
    pub(super) fn pass(&mut self, now: Instant) -> Option<usize> {
        let dropped = self.dropped;
        if now.duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        if self.passed >= LINES_PER_WINDOW {
            self.dropped += 1;
            return None;
        }
        self.passed += 1;
        Some(if self.passed == 1 { dropped } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_whatever_the_pieces() {
        let mut lines = Lines::default();
        lines.push(b"load");
        assert_eq!(lines.pop(), None);
        lines.push(b"ing\n 10%\r 20%\r\n\x1b[31mred\x1b[0m\xff\nend");
        lines.end_line();
        let all: Vec<String> = std::iter::from_fn(|| lines.pop()).collect();
        assert_eq!(all, ["loading", " 10%", " 20%", "[31mred[0m\u{fffd}", "end"]);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_last_words_are_few() {
        let mut lines = Lines::default();
        for _ in 0..1_000 {
            lines.push(&[b'x'; 1_000]);
        }
        assert!(lines.partial.len() <= MAX_LINE_BYTES);
        lines.push(b"\n");
        assert_eq!(lines.pop().unwrap().len(), MAX_LINE_BYTES);
        for line in 0..20 {
            lines.push(format!("line {line}\n").as_bytes());
        }
        assert_eq!(lines.last_words(), "line 14 | line 15 | line 16 | line 17 | line 18 | line 19");
    }

    #[test]
    fn a_flood_is_counted_instead_of_passed_on() {
        let start = Instant::now();
        let mut gate = FloodGate::new(start);
        let passed = (0..1_000).filter(|_| gate.pass(start).is_some()).count();
        assert_eq!(passed, LINES_PER_WINDOW);
        assert_eq!(gate.pass(start + WINDOW), Some(1_000 - LINES_PER_WINDOW));
        assert_eq!(gate.pass(start + WINDOW), Some(0));
    }

    #[test]
    fn levels_are_read_off_the_start() {
        assert_eq!(level_of("error: no device"), LogLevel::Error);
        assert_eq!(level_of("WARNING: slow"), LogLevel::Warn);
        assert_eq!(level_of("thread 'main' panicked at x.rs:1"), LogLevel::Error);
        assert_eq!(level_of("no errors"), LogLevel::Info);
        assert_eq!(level_of("wärn"), LogLevel::Info);
    }
}
