//! Batches: how far they are, and operations on all their jobs.

use rusqlite::Row;
use studio_protocol::{JobId, ProjectId, Timestamp};
use studio_scheduler::QueuedJob;

use crate::db::Db;
use crate::jobs::{cancel_one, retry_one};
use crate::page::{clamped, page};
use crate::row::{count, id, optional_time, time};
use crate::{
    Artefact, Batch, BatchId, CancelOutcome, Cursor, JobDetail, Page, Result, StateCounts, StoreError,
};

const BATCH: &str = "\
    SELECT id, seq, name, project, created_at, finished_at, total, \
        queued, offered, running, done, failed, cancelled, quarantined \
    FROM batches";

impl Db {
    /// One page of the batches, newest first.
    pub fn batches(
        &self,
        project: Option<&ProjectId>,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Batch>> {
        let limit = clamped(limit);
        let before = cursor.map_or(i64::MAX, |Cursor(seq)| seq);
        let one_more = i64::from(limit) + 1;
        let read = |row: &Row<'_>| Ok((batch(row)?, row.get::<_, i64>(1)?));
        if let Some(project) = project {
            let sql = format!("{BATCH} WHERE project = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3");
            let mut select = self.statement(&sql)?;
            page(select.query_and_then((project.as_str(), before, one_more), read)?, limit)
        } else {
            let mut select = self.statement(&format!("{BATCH} WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2"))?;
            page(select.query_and_then((before, one_more), read)?, limit)
        }
    }

    /// A batch with its counts.
    pub fn batch(&self, id: &BatchId) -> Result<Batch> {
        let mut select = self.statement(&format!("{BATCH} WHERE id = ?1"))?;
        let mut rows = select.query([id.as_str()])?;
        rows.next()?.map_or_else(|| Err(StoreError::not_found("batch", id.as_str())), batch)
    }

    /// Calls off every job of the batch that is open; tells what became of each of those.
    pub fn cancel_batch(
        &mut self,
        id: &BatchId,
        reason: &str,
        now: Timestamp,
    ) -> Result<Vec<(JobId, CancelOutcome)>> {
        const OPEN: &str = "'queued', 'offered', 'running'";
        self.atomically(|db| {
            let jobs = db.jobs_of_batch(id, OPEN)?;
            jobs.into_iter()
                .map(|job| cancel_one(db, &job, reason, now).map(|outcome| (job, outcome)))
                .collect()
        })
    }

    /// Makes every job of the batch that ended without a result wait again.
    pub fn retry_batch(&mut self, id: &BatchId, _now: Timestamp) -> Result<Vec<QueuedJob>> {
        const WITHOUT_RESULT: &str = "'failed', 'cancelled', 'quarantined'";
        self.atomically(|db| {
            db.jobs_of_batch(id, WITHOUT_RESULT)?.iter().map(|job| retry_one(db, job)).collect()
        })
    }

    /// The next `limit` jobs of a batch after `after`, in the order of submission, with all that they made.
    pub fn made_by_batch(
        &self,
        batch: &BatchId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, JobDetail, Option<Artefact>)>> {
        const SQL: &str = "SELECT id, seq FROM jobs WHERE batch = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let seq = self.batch_seq(batch)?.ok_or_else(|| StoreError::not_found("batch", batch.as_str()))?;
        let mut select = self.statement(SQL)?;
        let jobs = select.query_and_then((seq, after, limit), |row| {
            Ok::<(JobId, i64), StoreError>((id(row, 0)?, row.get(1)?))
        })?;
        jobs.map(|found| {
            let (job, seq) = found?;
            Ok((seq, self.job(&job)?, self.artefact_of_job(&job)?))
        })
        .collect()
    }

    fn jobs_of_batch(&self, batch: &BatchId, states: &str) -> Result<Vec<JobId>> {
        let seq = self.batch_seq(batch)?.ok_or_else(|| StoreError::not_found("batch", batch.as_str()))?;
        let sql = format!("SELECT id FROM jobs WHERE batch = ?1 AND +state IN ({states}) ORDER BY seq");
        let mut select = self.statement(&sql)?;
        select.query_and_then([seq], |row| id(row, 0))?.collect()
    }
}

fn batch(row: &Row<'_>) -> Result<Batch> {
    Ok(Batch {
        id: id(row, 0)?,
        name: row.get(2)?,
        project: id(row, 3)?,
        created_at: time(row, 4)?,
        finished_at: optional_time(row, 5)?,
        total: count(row, 6)?,
        counts: counts(row, 7)?,
    })
}

/// Reads the seven columns from `first` on.
pub(crate) fn counts(row: &Row<'_>, first: usize) -> Result<StateCounts> {
    Ok(StateCounts {
        queued: count(row, first)?,
        offered: count(row, first + 1)?,
        running: count(row, first + 2)?,
        done: count(row, first + 3)?,
        failed: count(row, first + 4)?,
        cancelled: count(row, first + 5)?,
        quarantined: count(row, first + 6)?,
    })
}
