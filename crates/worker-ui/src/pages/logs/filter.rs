//! Which lines are shown: kept up as lines come and go, not computed anew in each frame.

use std::collections::VecDeque;

use worker_local::LogSeverity;

use crate::{LogBuffer, LogRow, View, words};

/// A list to choose from, not a history.
const MAX_JOBS: usize = 12;

/// The numbers of the rows that pass the filter.
#[derive(Debug, Default)]
pub(super) struct Shown {
    rows: VecDeque<u64>,
    lines: u64,
    end: u64,
    level: Option<LogSeverity>,
    job: Option<String>,
    search: String,
    gone: usize,
}

impl Shown {
    /// Oldest first.
    pub(super) fn rows(&self) -> &VecDeque<u64> {
        &self.rows
    }

    /// Without the gaps.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// How many of the rows that the last frame showed first are gone: what is looked at moves up by as much.
    pub(super) fn take_gone(&mut self) -> usize {
        std::mem::take(&mut self.gone)
    }

    /// Takes new lines in, and lets old ones go.
    pub(super) fn update(
        &mut self,
        logs: &LogBuffer,
        level: Option<LogSeverity>,
        job: Option<&str>,
        search: &str,
    ) {
        let other = logs.end_row() < self.end;
        if other || self.level != level || self.job.as_deref() != job || self.search != search {
            *self = Self {
                level,
                job: job.map(str::to_owned),
                search: search.to_owned(),
                end: logs.first_row(),
                ..Self::default()
            };
        }
        while let Some(first) = self.rows.front().copied().filter(|first| *first < logs.first_row()) {
            self.rows.pop_front();
            self.gone += 1;
            // Gaps that go are few; the count is told to people alone.
            self.lines = self.lines.saturating_sub(1);
            debug_assert!(first < logs.first_row());
        }
        let search = self.search.to_lowercase();
        for number in self.end.max(logs.first_row())..logs.end_row() {
            let Some(found) = row(logs, number) else { continue };
            if self.passes(found, &search) {
                self.lines += u64::from(matches!(found, LogRow::Line(_)));
                self.rows.push_back(number);
            }
        }
        self.end = logs.end_row();
    }

    fn passes(&self, row: &LogRow, search: &str) -> bool {
        let LogRow::Line(line) = row else { return true };
        let contains = |text: &str| text.to_lowercase().contains(search);
        self.level.is_none_or(|level| line.level <= level)
            && (self.job.is_none() || line.job == self.job)
            && (search.is_empty()
                || contains(&line.message)
                || contains(&line.target)
                || line.job.as_deref().is_some_and(contains))
    }
}

/// A row by its number.
pub(super) fn row(logs: &LogBuffer, number: u64) -> Option<&LogRow> {
    let at = number.checked_sub(logs.first_row())?;
    logs.rows().get(usize::try_from(at).ok()?)
}

/// The jobs that run, then those of the latest lines, to choose from.
pub(super) fn jobs(view: &View, chosen: Option<&str>) -> Vec<(Option<String>, String)> {
    let running = view.status.iter().flat_map(|status| status.jobs.iter().map(|job| job.id.as_str()));
    let mut ids: Vec<&str> = running.collect();
    ids.extend(chosen.filter(|chosen| !ids.contains(chosen)));
    // As far back as a few screens.
    for row in view.logs.rows().iter().rev().take(400) {
        if ids.len() >= MAX_JOBS {
            break;
        }
        if let LogRow::Line(line) = row
            && let Some(job) = line.job.as_deref()
            && !ids.contains(&job)
        {
            ids.push(job);
        }
    }
    let named = |id: &str| {
        let record = view.history.rows.iter().take(400).find(|record| record.id == id);
        match record {
            Some(record) if !record.name.is_empty() => {
                format!("{}, {}", record.name, view.clock.hour(record.started_at))
            }
            Some(record) => format!("{}, {}", words::kind(record.kind), view.clock.hour(record.started_at)),
            None => id.to_owned(),
        }
    };
    let all = (None, "all".to_owned());
    std::iter::once(all).chain(ids.into_iter().map(|id| (Some(id.to_owned()), named(id)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn what_is_kept_up_is_what_would_be_computed_anew() {
        let mut logs = samples::logs(10_000);
        let mut kept = Shown::default();
        kept.update(&logs, Some(LogSeverity::Warn), None, "RESULT");
        let more = samples::logs(6_000);
        let lines = more.rows().iter().filter_map(|row| match row {
            LogRow::Line(line) => Some((**line).clone()),
            LogRow::Gap => None,
        });
        logs.take(worker_local::LogPage { lines: lines.collect(), last: 16_000, gap: true });
        kept.update(&logs, Some(LogSeverity::Warn), None, "RESULT");
        let gone = kept.take_gone();
        assert!(gone > 100, "{gone} of {}, {} to {}", kept.lines(), logs.first_row(), logs.end_row());

        let mut anew = Shown::default();
        anew.update(&logs, Some(LogSeverity::Warn), None, "RESULT");
        assert_eq!(kept.rows, anew.rows);
        assert!(anew.lines() > 500 && anew.lines() < 4_000);
        anew.update(&logs, None, Some("another"), "");
        assert_eq!(anew.lines(), 0);
    }
}
