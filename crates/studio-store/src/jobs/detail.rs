//! One job, with everything that is known of it.

use rusqlite::{Row, params};
use studio_protocol::{JobId, WorkerId};

use super::rows::{JOB, job as job_row};
use super::standing::{Standing, standing};
use crate::db::Db;
use crate::row::{At, id, optional, time, word};
use crate::{Attempt, AttemptOutcome, Job, JobDetail, JobResult, JobState, Result, StoreError};

impl Db {
    /// A job with its task, its history and its JSON result.
    pub fn job(&self, id: &JobId) -> Result<JobDetail> {
        let (job, seq) = self.find_job(id)?.ok_or_else(|| StoreError::not_found("job", id.as_str()))?;
        let task_json = self
            .statement("SELECT task FROM job_tasks WHERE job = ?1")?
            .query_row([seq], |row| row.get(0))?;
        let history = self.history(&job, seq)?;
        let result_json = self.result_json(id)?.map(|result| result.json);
        Ok(JobDetail { job, task_json, history, result_json })
    }

    /// These jobs as lists show them, in this order; ids that do not exist are left out.
    pub fn jobs_by_id(&self, ids: &[JobId]) -> Result<Vec<Job>> {
        let found = ids.iter().map(|id| self.find_job(id));
        found.filter_map(Result::transpose).map(|found| Ok(found?.0)).collect()
    }

    /// What a job made, when that is JSON.
    pub fn result_json(&self, job: &JobId) -> Result<Option<JobResult>> {
        const SQL: &str = "\
            SELECT r.json, r.prompt FROM results r JOIN jobs j ON j.seq = r.job WHERE j.id = ?1";
        let found = self
            .statement(SQL)?
            .query_row([job.as_str()], |row| Ok(JobResult { json: row.get(0)?, prompt: row.get(1)? }));
        optional(found.map_err(StoreError::from))
    }

    /// Whether that worker ever had an attempt of this job that is on record.
    pub fn attempt_of(&self, job: &JobId, worker: &WorkerId) -> Result<bool> {
        Ok(!matches!(standing(self, job, worker, None)?, Standing::Never))
    }

    fn find_job(&self, id: &JobId) -> Result<Option<(Job, i64)>> {
        let mut select = self.statement(&format!("{JOB} WHERE j.id = ?1"))?;
        let mut rows = select.query([id.as_str()])?;
        rows.next()?.map(|row| Ok((job_row(row)?, row.get(1)?))).transpose()
    }

    fn history(&self, job: &Job, seq: i64) -> Result<Vec<Attempt>> {
        const ENDED: &str = "\
            SELECT job, number, worker, started_at, ended_at, outcome, error FROM attempts \
            WHERE job = ?1 ORDER BY number";
        let mut select = self.statement(ENDED)?;
        let mut history: Vec<Attempt> =
            select.query_and_then([seq], ended_attempt)?.collect::<Result<_>>()?;
        history.extend(self.last_attempt(job, seq)?);
        Ok(history)
    }

    /// The attempt that is under way, or that made the result.
    fn last_attempt(&self, job: &Job, seq: i64) -> Result<Option<Attempt>> {
        const SQL: &str = "SELECT attempt, coalesce(started_at, claimed_at) FROM jobs WHERE seq = ?1";
        let done = job.state == JobState::Done;
        let Some(worker) = job.worker.clone().filter(|_| done || job.state.is_held()) else {
            return Ok(None);
        };
        let mut select = self.statement(SQL)?;
        let mut rows = select.query(params![seq])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(Attempt {
            number: row.get(0)?,
            worker,
            started_at: time(row, 1)?,
            ended_at: job.finished_at.filter(|_| done),
            outcome: done.then_some(AttemptOutcome::Done),
            error: None,
        }))
    }
}

fn ended_attempt(row: &Row<'_>) -> Result<Attempt> {
    Ok(Attempt {
        number: row.get(1)?,
        worker: id(row, 2)?,
        started_at: time(row, 3)?,
        ended_at: Some(time(row, 4)?),
        outcome: Some(word(row, 5, At("attempts", "outcome"))?),
        error: row.get(6)?,
    })
}
