//! The last lines that each worker logged; what they log about jobs is kept with the jobs as well.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use studio_api::WorkerLog;
use studio_protocol::{LogEntry, WorkerId};

/// Lines of one worker: some screens full.
const MAX_LINES: usize = 200;
/// Characters of a line: an error with its causes.
const MAX_LINE_CHARS: usize = 1_000;
/// Workers whose lines are remembered; whoever was silent for the longest is forgotten first. With the two limits
/// above this is at most some 200 MB, and with lines of the usual length a tenth of it.
const MAX_WORKERS: usize = 1_000;

/// Shared by the sockets, which write it, and the API, which reads it; clones share.
#[derive(Debug, Clone, Default)]
pub struct WorkerLogs(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    last_seq: u64,
    rings: HashMap<WorkerId, VecDeque<WorkerLog>>,
}

impl WorkerLogs {
    /// Remembers what a worker said, in the order in which it said it.
    pub(crate) fn append(&self, worker: &WorkerId, entries: &[LogEntry]) {
        if entries.is_empty() {
            return;
        }
        let mut state = self.state();
        let State { last_seq, rings } = &mut *state;
        if !rings.contains_key(worker) && rings.len() >= MAX_WORKERS {
            let silent = rings.iter().min_by_key(|(_, ring)| ring.back().map(|line| line.seq));
            if let Some(silent) = silent.map(|(worker, _)| worker.clone()) {
                rings.remove(&silent);
            }
        }
        let ring = rings.entry(worker.clone()).or_default();
        for entry in entries {
            *last_seq += 1;
            if ring.len() == MAX_LINES {
                ring.pop_front();
            }
            let (category, message) = (cut(entry.category.clone()), cut(entry.message.clone()));
            let job = entry.job_id.as_ref().map(|job| cut(job.to_string()));
            ring.push_back(WorkerLog {
                seq: *last_seq,
                ts: entry.ts,
                level: entry.level,
                category,
                message,
                job,
            });
        }
    }

    /// The lines of a worker after the one numbered `after`, oldest first.
    pub fn after(&self, worker: &WorkerId, after: u64) -> Vec<WorkerLog> {
        let state = self.state();
        let ring = state.rings.get(worker).into_iter().flatten();
        ring.filter(|line| line.seq > after).cloned().collect()
    }

    /// The worker was removed.
    pub(crate) fn forget(&self, worker: &WorkerId) {
        self.state().rings.remove(worker);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Lines are whole, whatever panicked elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_LINE_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use studio_protocol::{LogLevel, Timestamp};

    use super::*;

    fn entries(lines: std::ops::Range<usize>) -> Vec<LogEntry> {
        let entry = |number: usize| LogEntry {
            ts: Timestamp::from_millis(0),
            level: LogLevel::Info,
            category: "worker".to_owned(),
            message: format!("line {number}"),
            job_id: None,
        };
        lines.map(entry).collect()
    }

    #[test]
    fn the_last_lines_are_kept_and_numbered() {
        let logs = WorkerLogs::default();
        let (one, other) = (WorkerId::from("w-1"), WorkerId::from("w-2"));
        logs.append(&one, &entries(0..MAX_LINES + 50));
        logs.append(&other, &entries(0..1));
        let lines = logs.after(&one, 0);
        assert_eq!((lines.len(), lines[0].message.as_str()), (MAX_LINES, "line 50"));
        let last = lines.last().unwrap().seq;
        assert!(logs.after(&one, last).is_empty());
        logs.append(&one, &entries(7..8));
        assert_eq!(logs.after(&one, last).len(), 1);
        logs.forget(&one);
        assert!(logs.after(&one, 0).is_empty());
        assert_eq!(logs.after(&other, 0).len(), 1);
    }

    #[test]
    fn long_lines_and_many_workers_are_bounded() {
        let logs = WorkerLogs::default();
        let mut long = entries(0..1);
        long[0].message = "ä".repeat(MAX_LINE_CHARS + 1);
        logs.append(&"w-0".into(), &long);
        assert_eq!(logs.after(&"w-0".into(), 0)[0].message.chars().count(), MAX_LINE_CHARS + 1);
        for worker in 1..=MAX_WORKERS {
            logs.append(&WorkerId::from(format!("w-{worker}")), &entries(0..1));
        }
        assert!(logs.after(&"w-0".into(), 0).is_empty());
        assert_eq!(logs.after(&"w-1".into(), 0).len(), 1);
    }
}
