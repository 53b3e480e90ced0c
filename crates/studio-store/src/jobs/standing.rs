//! Whose word counts: how a worker, naming an attempt or not, stands to a job.

use rusqlite::params;
use studio_protocol::{JobId, ProjectId, TaskKind, Timestamp, WorkerId};

use crate::db::Db;
use crate::row::{At, id, optional_id, optional_time, word};
use crate::{AttemptOutcome, JobState, Result};

/// What decisions on a claim look at.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) seq: i64,
    pub(crate) state: JobState,
    pub(crate) kind: TaskKind,
    pub(crate) model: String,
    pub(crate) project: ProjectId,
    pub(crate) worker: Option<WorkerId>,
    pub(crate) attempt: u32,
    pub(crate) counted_from: u32,
    pub(crate) failures: u32,
    pub(crate) losses: u32,
    pub(crate) max_attempts: u32,
    pub(crate) began_at: Option<Timestamp>,
}

/// How a worker stands to a job.
#[derive(Debug)]
pub(super) enum Standing {
    /// It holds it, by this attempt.
    Current(Claim),
    /// Its result is the one that is stored.
    Done,
    /// It had it once.
    Past,
    /// It never had it, or there is no such job.
    Never,
}

impl Claim {
    /// The row of a job, if there is one.
    pub(crate) fn find(db: &Db, job: &JobId) -> Result<Option<Self>> {
        const SQL: &str = "\
            SELECT id, seq, state, kind, model, worker, attempt, counted_from, failures, losses, max_attempts, \
                coalesce(started_at, claimed_at), project \
            FROM jobs WHERE id = ?1";
        let mut select = db.statement(SQL)?;
        let mut rows = select.query([job.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(Self {
            seq: row.get(1)?,
            state: word(row, 2, At("jobs", "state"))?,
            kind: word(row, 3, At("jobs", "kind"))?,
            model: row.get(4)?,
            project: id(row, 12)?,
            worker: optional_id(row, 5)?,
            attempt: row.get(6)?,
            counted_from: row.get(7)?,
            failures: row.get(8)?,
            losses: row.get(9)?,
            max_attempts: row.get(10)?,
            began_at: optional_time(row, 11)?,
        }))
    }
}

/// Finds out how `worker` stands to `job`; without an attempt, whatever it holds now is meant.
pub(super) fn standing(db: &Db, job: &JobId, worker: &WorkerId, attempt: Option<u32>) -> Result<Standing> {
    let Some(claim) = Claim::find(db, job)? else { return Ok(Standing::Never) };
    if claim.worker.as_ref() == Some(worker) {
        return Ok(match attempt {
            Some(number) if number != claim.attempt => Standing::Past,
            _ if claim.state.is_held() => Standing::Current(claim),
            _ if claim.state == JobState::Done => Standing::Done,
            _ => Standing::Past,
        });
    }
    let mut earlier = db.statement("SELECT 1 FROM attempts WHERE job = ?1 AND worker = ?2")?;
    Ok(if earlier.exists(params![claim.seq, worker.as_str()])? { Standing::Past } else { Standing::Never })
}

/// Puts the current attempt of a held job into the history; `error` is why it ended.
pub(crate) fn end_attempt(
    db: &Db,
    claim: &Claim,
    outcome: AttemptOutcome,
    error: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "\
        INSERT INTO attempts (job, number, worker, started_at, ended_at, outcome, error) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Some(worker) = &claim.worker else { return Ok(()) };
    db.statement(SQL)?.execute(params![
        claim.seq,
        claim.attempt,
        worker.as_str(),
        claim.began_at.unwrap_or(now).as_millis(),
        now.as_millis(),
        outcome.as_str(),
        error,
    ])?;
    Ok(())
}
