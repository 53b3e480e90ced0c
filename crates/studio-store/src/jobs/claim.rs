//! A worker gets a job: offer and acceptance.

use rusqlite::params;
use studio_protocol::{JobId, Timestamp, TraceParent, WorkerId};
use studio_scheduler::{HeldClaim, QueuedJob};

use super::rows::{Names, QUEUED, queued};
use super::standing::{Standing, standing};
use crate::db::Db;
use crate::row::{At, id, time, word};
use crate::{ClaimOutcome, Claimed, JobState, Result, StoreError};

impl Db {
    /// Gives a waiting job to a worker under the next attempt number; it is offered until the worker accepts.
    pub fn claim(&mut self, job: &JobId, worker: &WorkerId, now: Timestamp) -> Result<ClaimOutcome> {
        // A RETURNING clause would build a table of its own each time.
        const FIND: &str = "\
            SELECT j.seq, j.project, j.asset_name, j.model, j.attempt + 1, t.task, m.vram_gb, m.source, \
                j.kind, j.created_at, t.trace \
            FROM jobs j JOIN job_tasks t ON t.job = j.seq LEFT JOIN models m ON m.id = j.model \
            WHERE j.id = ?1 AND j.state = 'queued'";
        const TAKE: &str = "\
            UPDATE jobs SET state = 'offered', worker = ?2, attempt = ?3, claimed_at = ?4 WHERE seq = ?1";
        self.atomically(|db| {
            let mut find = db.statement(FIND)?;
            let mut rows = find.query([job.as_str()])?;
            let Some(row) = rows.next()? else { return Ok(ClaimOutcome::NotQueued) };
            let (seq, model): (i64, String) = (row.get(0)?, row.get(3)?);
            let Some(source_json) = row.get(7)? else { return Err(StoreError::not_found("model", model)) };
            let claimed = Claimed {
                job: job.clone(),
                kind: word(row, 8, At("jobs", "kind"))?,
                created_at: time(row, 9)?,
                trace: trace(row, 10)?,
                project: id(row, 1)?,
                asset_name: row.get(2)?,
                model,
                vram_gb: row.get(6)?,
                task_json: row.get(5)?,
                source_json,
                attempt: row.get(4)?,
            };
            drop(rows);
            db.statement(TAKE)?.execute(params![seq, worker.as_str(), claimed.attempt, now.as_millis()])?;
            db.count(&claimed.project, Some(JobState::Queued), Some(JobState::Offered), 1);
            Ok(ClaimOutcome::Claimed(Box::new(claimed)))
        })
    }

    /// Marks an offered job as running; repeated, it changes nothing. False when that claim is not current.
    pub fn accept(
        &mut self,
        job: &JobId,
        worker: &WorkerId,
        attempt: Option<u32>,
        now: Timestamp,
    ) -> Result<bool> {
        const SQL: &str = "\
            UPDATE jobs SET state = 'running', started_at = ?4 \
            WHERE id = ?1 AND state = 'offered' AND worker = ?2 AND (?3 IS NULL OR attempt = ?3)";
        self.atomically(|db| {
            let changed = db.statement(SQL)?.execute(params![
                job.as_str(),
                worker.as_str(),
                attempt,
                now.as_millis()
            ])?;
            Ok(changed == 1 || matches!(standing(db, job, worker, attempt)?, Standing::Current(_)))
        })
    }

    /// The traces of the jobs that are held, with their times of submission.
    pub fn held_traces(&self) -> Result<Vec<(JobId, TraceParent, Timestamp)>> {
        const SQL: &str = "\
            SELECT j.id, j.created_at, t.trace FROM jobs j JOIN job_tasks t ON t.job = j.seq \
            WHERE j.state IN ('offered', 'running') AND t.trace IS NOT NULL";
        let mut select = self.statement(SQL)?;
        let mut rows = select.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if let Some(trace) = trace(row, 2)? {
                found.push((id(row, 0)?, trace, time(row, 1)?));
            }
        }
        Ok(found)
    }

    /// What waits and what is held, for a scheduler that starts.
    pub fn open_work(&self) -> Result<(Vec<QueuedJob>, Vec<HeldClaim>)> {
        let sql = format!("{QUEUED} WHERE j.state IN ('queued', 'offered', 'running') ORDER BY j.seq");
        let mut select = self.statement(&sql)?;
        let mut rows = select.query([])?;
        let (mut waiting, mut held, mut names) = (Vec::new(), Vec::new(), Names::default());
        while let Some(row) = rows.next()? {
            let job = queued(row, &mut names)?;
            let state: JobState = word(row, 10, At("jobs", "state"))?;
            if state == JobState::Queued {
                waiting.push(job);
                continue;
            }
            let accepted = state == JobState::Running;
            held.push(HeldClaim { job, worker: id(row, 11)?, attempt: row.get(12)?, accepted });
        }
        Ok((waiting, held))
    }

    /// The jobs that wait for a model; ask after its entry changed, because the scheduler knows its engine and size.
    pub fn queued_of_model(&self, model: &str) -> Result<Vec<QueuedJob>> {
        let sql = format!("{QUEUED} WHERE j.state = 'queued' AND +j.model = ?1 ORDER BY j.seq");
        let mut names = Names::default();
        let mut select = self.statement(&sql)?;
        select.query_and_then([model], |row| queued(row, &mut names))?.collect()
    }
}

/// A text that is no trace any more is none: it decides nothing.
fn trace(row: &rusqlite::Row<'_>, index: usize) -> Result<Option<TraceParent>> {
    let text: Option<String> = row.get(index)?;
    Ok(text.and_then(|text| text.parse().ok()))
}
