//! How many jobs of each project are where, kept beside the jobs without a write for each of them.
//!
//! Operations note what they change here. What a whole group has changed goes into the table `projects` right before
//! its commit, one row for each project; what an operation that is undone has noted is forgotten with it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rusqlite::params;
use studio_protocol::ProjectId;

use crate::db::Db;
use crate::{JobState, Result};

/// Some jobs of one project that are in another state now.
#[derive(Debug)]
struct Change {
    project: ProjectId,
    /// Absent: they are new.
    from: Option<JobState>,
    /// Absent: they are deleted.
    to: Option<JobState>,
    jobs: i64,
}

/// What the table does not show yet.
#[derive(Debug, Default)]
pub(crate) struct Tally(RefCell<Vec<Change>>);

impl Tally {
    /// Where [`Tally::undo`] goes back to.
    pub(crate) fn mark(&self) -> usize {
        self.0.borrow().len()
    }

    /// Forgets what was noted since `mark`.
    pub(crate) fn undo(&self, mark: usize) {
        self.0.borrow_mut().truncate(mark);
    }

    /// Waiting jobs of the project that the table does not show yet; negative when there are fewer.
    pub(crate) fn queued(&self, project: &ProjectId) -> i64 {
        let is_queued = |state: Option<JobState>| i64::from(state == Some(JobState::Queued));
        let changes = self.0.borrow();
        let own = changes.iter().filter(|change| change.project == *project);
        own.map(|change| change.jobs * (is_queued(change.to) - is_queued(change.from))).sum()
    }
}

impl Db {
    /// Notes that `jobs` jobs of a project went from one state to another; whoever changes `jobs.state`, inserts or
    /// deletes rows of `jobs` has to.
    pub(crate) fn count(&self, project: &ProjectId, from: Option<JobState>, to: Option<JobState>, jobs: i64) {
        self.tally.0.borrow_mut().push(Change { project: project.clone(), from, to, jobs });
    }

    /// Brings the table up to date, as the last part of a transaction.
    pub(crate) fn settle(&self) -> Result<()> {
        const SQL: &str = "\
            UPDATE projects SET queued = queued + ?2, held = held + ?3, done = done + ?4, failed = failed + ?5, \
                cancelled = cancelled + ?6, quarantined = quarantined + ?7 \
            WHERE id = ?1";
        let changes = self.tally.0.take();
        let mut sums: BTreeMap<&ProjectId, [i64; COLUMNS]> = BTreeMap::new();
        for Change { project, from, to, jobs } in &changes {
            let sum = sums.entry(project).or_default();
            if let Some(from) = from {
                sum[column(*from)] -= jobs;
            }
            if let Some(to) = to {
                sum[column(*to)] += jobs;
            }
        }
        for (project, [queued, held, done, failed, cancelled, quarantined]) in sums {
            self.statement(SQL)?.execute(params![
                project.as_str(),
                queued,
                held,
                done,
                failed,
                cancelled,
                quarantined
            ])?;
        }
        Ok(())
    }

    /// Whether the counts of all projects together are those of all jobs.
    pub(crate) fn projects_are_counted(&self) -> Result<bool> {
        const SQL: &str = "\
            SELECT total(p.queued) = c.queued AND total(p.held) = c.offered + c.running \
                AND total(p.done) = c.done AND total(p.failed) = c.failed \
                AND total(p.cancelled) = c.cancelled AND total(p.quarantined) = c.quarantined \
            FROM job_counts c LEFT JOIN projects p WHERE c.id = 1";
        Ok(self.statement(SQL)?.query_row([], |row| row.get(0))?)
    }

    /// Counts the jobs of every project anew, from the jobs themselves.
    pub(crate) fn count_projects(&mut self) -> Result<()> {
        const FORGET: &str = "\
            UPDATE projects SET queued = 0, held = 0, done = 0, failed = 0, cancelled = 0, quarantined = 0";
        const COUNT: &str = "\
            UPDATE projects SET queued = n.queued, held = n.held, done = n.done, failed = n.failed, \
                cancelled = n.cancelled, quarantined = n.quarantined \
            FROM (SELECT project, sum(state = 'queued') AS queued, \
                    sum(state = 'offered') + sum(state = 'running') AS held, sum(state = 'done') AS done, \
                    sum(state = 'failed') AS failed, sum(state = 'cancelled') AS cancelled, \
                    sum(state = 'quarantined') AS quarantined \
                FROM jobs GROUP BY project) AS n \
            WHERE n.project = projects.id";
        self.atomically(|db| {
            db.run(FORGET)?;
            db.run(COUNT)
        })
    }
}

const COLUMNS: usize = 6;

fn column(state: JobState) -> usize {
    match state {
        JobState::Queued => 0,
        JobState::Offered | JobState::Running => 1,
        JobState::Done => 2,
        JobState::Failed => 3,
        JobState::Cancelled => 4,
        JobState::Quarantined => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_another_version_left_behind_are_made_anew() {
        let mut db = Db::open_in_memory().unwrap();
        db.conn
            .execute_batch(
                "INSERT INTO projects (id, created_at) VALUES ('p', 0), ('q', 0);\
                 INSERT INTO jobs (id, state, kind, model, project, asset_name, priority, max_attempts, created_at) \
                 VALUES ('1', 'queued', 'llm', 'm', 'p', 'a', 0, 1, 0), ('2', 'done', 'llm', 'm', 'p', 'a', 0, 1, 0),\
                        ('3', 'queued', 'llm', 'm', 'q', 'a', 0, 1, 0);\
                 UPDATE job_counts SET queued = 2, done = 1",
            )
            .unwrap();
        assert!(!db.projects_are_counted().unwrap());
        db.count_projects().unwrap();
        assert!(db.projects_are_counted().unwrap());
        let counts: Vec<_> =
            db.projects().unwrap().into_iter().map(|p| (p.counts.queued, p.counts.done)).collect();
        assert_eq!(counts, [(1, 1), (1, 0)]);
    }
}
