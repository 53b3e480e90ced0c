//! What handlers may look at of jobs that run: their lines, and their latest looks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use worker_local::JobLine;

/// Filled by the daemon's task.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<BTreeMap<String, Job>>);

#[derive(Debug, Default)]
struct Job {
    lines: VecDeque<JobLine>,
    look: Option<Look>,
}

/// What a job looks like so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// Of the picture.
    pub(crate) mime: String,
    /// Base64, as the engine sent it.
    pub(crate) data: String,
}

impl Running {
    /// A job begins.
    pub(crate) fn begin(&self, id: &str) {
        self.lock().insert(id.to_owned(), Job::default());
    }

    /// It looks like this now.
    pub(crate) fn look(&self, id: &str, mime: &str, data: &str) {
        if let Some(job) = self.lock().get_mut(id) {
            job.look = Some(Look { mime: mime.to_owned(), data: data.to_owned() });
        }
    }

    /// Keeps the first line and the latest ones of a job; gives the line back when none of that id runs.
    pub(crate) fn line(&self, id: &str, line: JobLine, most: usize) -> Option<JobLine> {
        let mut jobs = self.lock();
        let Some(job) = jobs.get_mut(id) else { return Some(line) };
        if job.lines.len() == most {
            job.lines.remove(1);
        }
        job.lines.push_back(line);
        None
    }

    /// It is over: its lines.
    pub(crate) fn end(&self, id: &str) -> Vec<JobLine> {
        self.lock().remove(id).map(|job| job.lines.into()).unwrap_or_default()
    }

    /// The lines of a job that runs.
    pub(crate) fn lines(&self, id: &str) -> Option<Vec<JobLine>> {
        self.lock().get(id).map(|job| job.lines.iter().cloned().collect())
    }

    /// The latest look at a job that runs.
    pub(crate) fn latest(&self, id: &str) -> Option<Look> {
        self.lock().get(id)?.look.clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use studio_protocol::Timestamp;

    use super::*;

    fn line(message: &str) -> JobLine {
        let (level, category) = ("info".into(), "engine".into());
        JobLine { ts: Timestamp::from_millis(0), level, category, message: message.into() }
    }

    #[test]
    fn the_first_line_and_the_latest_ones_are_kept() {
        let running = Running::default();
        assert_eq!(running.line("a", line("0"), 3), Some(line("0")));
        running.begin("a");
        for number in 0..6 {
            assert_eq!(running.line("a", line(&number.to_string()), 3), None);
        }
        let kept = running.end("a");
        assert_eq!(kept.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["0", "4", "5"]);
        assert_eq!(running.lines("a"), None);
    }

    #[test]
    fn a_look_goes_with_its_job() {
        let running = Running::default();
        running.begin("a");
        running.look("a", "image/png", "AA==");
        running.look("b", "image/png", "BB==");
        assert_eq!(running.latest("a").unwrap().data, "AA==");
        assert_eq!(running.latest("b"), None);
        running.end("a");
        assert_eq!(running.latest("a"), None);
    }
}
