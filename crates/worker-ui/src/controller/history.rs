//! The list of jobs that ended: fetched page by page as it is scrolled, and kept up with new ones.

use std::sync::Arc;

use worker_local::{ClientError, JobDay, JobFilter, JobPage, JobRecord};

use super::actor::{Actor, Fact, Part};
use super::fetch::told;
use crate::{History, Page};

/// A few screens: more would be slow to come, less would be asked for while scrolling.
const PAGE: u32 = 250;
/// What the daemon keeps.
const MAX_ROWS: usize = 10_000;

/// How far the list is.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Rises with each list: answers of an earlier one are not about this one.
    pub round: u64,
    /// The number of the newest record that there is.
    pub newest: u64,
    /// The number of the newest record that was asked for; none before the list was.
    asked: Option<u64>,
    next: Option<u64>,
}

impl Listing {
    /// The daemon is another one: everything may be.
    pub(super) fn stale(&mut self) {
        self.round += 1;
        self.asked = None;
    }
}

impl Actor {
    /// Lists the jobs of a filter.
    pub(super) fn show_jobs(&mut self, filter: JobFilter) {
        let history = Arc::make_mut(&mut self.view.history);
        history.filter = JobFilter { before: None, limit: None, ..filter };
        history.rows.clear();
        history.more = false;
        history.trouble = None;
        history.generation += 1;
        self.listing.stale();
        self.touch();
        self.refresh_jobs();
    }

    /// Asks for what is new, if the page is in sight and anything is.
    pub(super) fn refresh_jobs(&mut self) {
        if self.look != Some(Page::Jobs) || self.client.is_none() {
            return;
        }
        let newest = self.listing.newest;
        match self.listing.asked {
            None => {
                self.listing.round += 1;
                self.listing.next = None;
                self.ask_jobs(None, Part::First);
            }
            Some(asked) if asked < newest => self.ask_jobs(None, Part::Newest),
            Some(_) => return,
        }
        self.listing.asked = Some(newest);
        self.ask_days();
    }

    /// Asks for older ones.
    pub(super) fn more_jobs(&mut self) {
        let history = &self.view.history;
        if history.busy || !history.more || self.client.is_none() {
            return;
        }
        self.ask_jobs(self.listing.next, Part::Older);
    }

    /// Nobody is there to answer any more.
    pub(super) fn stop_listing(&mut self) {
        self.listing.stale();
        let history = Arc::make_mut(&mut self.view.history);
        history.busy = false;
        self.touch();
    }

    pub(super) fn jobs(&mut self, page: Result<JobPage, ClientError>, part: Part) {
        let history = Arc::<History>::make_mut(&mut self.view.history);
        if part != Part::Newest {
            history.busy = false;
        }
        match page {
            Ok(page) => {
                history.trouble = None;
                self.listing.next = take(history, page, part, self.listing.next);
                history.more = self.listing.next.is_some() && history.rows.len() < MAX_ROWS;
                history.generation += 1;
            }
            Err(error) => {
                history.trouble = Some(told(&error));
                if part != Part::Older {
                    // The next status asks again.
                    self.listing.asked = None;
                }
            }
        }
        self.touch();
    }

    pub(super) fn days(&mut self, days: Result<Vec<JobDay>, ClientError>) {
        // The list itself says what is wrong.
        if let Ok(days) = days {
            Arc::make_mut(&mut self.view.history).days = days;
            self.touch();
        }
    }

    fn ask_jobs(&mut self, before: Option<u64>, part: Part) {
        let Some(client) = self.client.clone() else { return };
        let history = Arc::make_mut(&mut self.view.history);
        history.busy |= part != Part::Newest;
        let filter = JobFilter { before, limit: Some(PAGE), ..history.filter.clone() };
        self.touch();
        let (facts, round) = (self.facts.clone(), self.listing.round);
        self.tasks.spawn(async move {
            let page = client.jobs(&filter).await;
            let _ = facts.send(Fact::Jobs { round, page, part }).await;
        });
    }

    fn ask_days(&mut self) {
        let Some(client) = self.client.clone() else { return };
        let (facts, round) = (self.facts.clone(), self.round);
        self.tasks.spawn(async move {
            let days = client.job_days().await;
            let _ = facts.send(Fact::Days { round, days }).await;
        });
    }
}

/// Puts a page where it belongs; returns where the next older one begins.
fn take(history: &mut History, page: JobPage, part: Part, next: Option<u64>) -> Option<u64> {
    let mut rows: Vec<Arc<JobRecord>> = page.jobs.into_iter().map(Arc::new).collect();
    match part {
        Part::First => {
            history.rows = rows;
            page.next
        }
        Part::Older => {
            let oldest = history.rows.last().map_or(u64::MAX, |row| row.seq);
            rows.retain(|row| row.seq < oldest);
            history.rows.append(&mut rows);
            history.rows.truncate(MAX_ROWS);
            page.next
        }
        Part::Newest => {
            let newest = history.rows.first().map_or(0, |row| row.seq);
            let meets = page.next.is_none() || rows.last().is_some_and(|row| row.seq <= newest);
            if !meets {
                // More happened than fits a page: what lies between is asked for when it is scrolled to.
                history.rows = rows;
                return page.next;
            }
            rows.retain(|row| row.seq > newest);
            rows.append(&mut history.rows);
            rows.truncate(MAX_ROWS);
            history.rows = rows;
            next
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn page(seqs: impl Iterator<Item = u64>, next: Option<u64>) -> JobPage {
        JobPage { jobs: seqs.map(samples::record).collect(), next }
    }

    fn seqs(history: &History) -> Vec<u64> {
        history.rows.iter().map(|row| row.seq).collect()
    }

    #[test]
    fn pages_meet_without_a_hole_and_without_a_double() {
        let mut history = History::default();
        let next = take(&mut history, page((5..=7).rev(), Some(5)), Part::First, None);
        assert_eq!(next, Some(5));
        let next = take(&mut history, page((3..=5).rev(), Some(3)), Part::Older, next);
        let next = take(&mut history, page((6..=9).rev(), Some(6)), Part::Newest, next);
        assert_eq!((seqs(&history), next), ((3..=9).rev().collect(), Some(3)));
        let next = take(&mut history, page((20..=22).rev(), Some(20)), Part::Newest, next);
        assert_eq!((seqs(&history), next), ((20..=22).rev().collect(), Some(20)));
        assert_eq!(take(&mut history, page((1..=1).rev(), None), Part::Older, next), None);
    }

    #[test]
    fn it_is_bounded() {
        let mut history = History::default();
        let far = 3 * MAX_ROWS as u64;
        take(&mut history, page((0..far).rev(), Some(0)), Part::Newest, None);
        take(&mut history, page((far..far + 5).rev(), Some(far)), Part::Older, None);
        assert_eq!(history.rows.len(), MAX_ROWS);
    }
}
