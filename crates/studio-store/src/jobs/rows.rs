//! Rows of `jobs` as the scheduler and lists see them.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::Row;
use studio_protocol::ProjectId;
use studio_scheduler::{QueuedJob, first_place};

use crate::db::Db;
use crate::row::{At, count, id, optional_id, optional_time, time, word};
use crate::{ArtefactSummary, Job, JobState, Result};

/// The columns of [`job`], from `jobs` as `j`.
pub(crate) const JOB: &str = "\
    SELECT j.id, j.seq, j.state, j.kind, j.model, j.project, j.asset_name, b.id, j.priority, j.failures, \
        j.max_attempts, j.worker, j.error, j.created_at, j.started_at, j.finished_at, \
        a.id, a.bytes, a.ext, a.mime, a.sha256 \
    FROM jobs j LEFT JOIN batches b ON b.seq = j.batch LEFT JOIN artefacts a ON a.job = j.seq";

/// Reads a row of [`JOB`].
pub(crate) fn job(row: &Row<'_>) -> Result<Job> {
    let state: JobState = word(row, 2, At("jobs", "state"))?;
    let failures: u32 = row.get(9)?;
    Ok(Job {
        id: id(row, 0)?,
        state,
        kind: word(row, 3, At("jobs", "kind"))?,
        model: row.get(4)?,
        project: id(row, 5)?,
        asset_name: row.get(6)?,
        batch: optional_id(row, 7)?,
        priority: row.get(8)?,
        attempts: failures + u32::from(matches!(state, JobState::Running | JobState::Done)),
        max_attempts: row.get(10)?,
        worker: optional_id(row, 11)?,
        error: row.get(12)?,
        created_at: time(row, 13)?,
        started_at: optional_time(row, 14)?,
        finished_at: optional_time(row, 15)?,
        artefact: artefact(row)?,
    })
}

/// A job as lists show it, by its place in the order of arrival.
pub(crate) fn job_of(db: &Db, seq: i64) -> Result<Job> {
    db.statement(&format!("{JOB} WHERE j.seq = ?1"))?.query_row([seq], |row| Ok(job(row)))?
}

fn artefact(row: &Row<'_>) -> Result<Option<ArtefactSummary>> {
    let Some(id) = optional_id(row, 16)? else { return Ok(None) };
    Ok(Some(ArtefactSummary {
        id,
        bytes: count(row, 17)?,
        ext: row.get(18)?,
        mime: row.get(19)?,
        sha256: row.get(20)?,
    }))
}

/// The columns of [`queued`], from `jobs` as `j` and its model as `m`.
pub(super) const QUEUED: &str = "\
    SELECT j.id, j.seq, j.project, j.kind, m.engine, j.model, m.vram_gb, j.priority, j.needs_options, j.place, \
        j.state, j.worker, j.attempt \
    FROM jobs j JOIN models m ON m.id = j.model";

/// Reads a row of [`QUEUED`].
pub(super) fn queued(row: &Row<'_>, names: &mut Names) -> Result<QueuedJob> {
    let project = names.shared(row, 2)?;
    let seq = row.get(1)?;
    Ok(QueuedJob {
        id: id(row, 0)?,
        seq,
        project: ProjectId::new(project),
        kind: word(row, 3, At("jobs", "kind"))?,
        engine: names.shared(row, 4)?,
        model: names.shared(row, 5)?,
        vram_gb: row.get(6)?,
        priority: row.get(7)?,
        needs_options: row.get(8)?,
        place: row.get::<_, Option<i64>>(9)?.unwrap_or_else(|| first_place(seq)),
    })
}

/// The scheduler's view of one job.
pub(crate) fn queued_job(db: &Db, seq: i64) -> Result<QueuedJob> {
    const SQL: &str = "\
        SELECT j.id, j.seq, j.project, j.kind, m.engine, j.model, m.vram_gb, j.priority, j.needs_options, j.place \
        FROM jobs j JOIN models m ON m.id = j.model WHERE j.seq = ?1";
    db.statement(SQL)?.query_row([seq], |row| Ok(queued(row, &mut Names::default())))?
}

/// Names that a million waiting jobs share are held once.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<Arc<str>>);

impl Names {
    fn shared(&mut self, row: &Row<'_>, index: usize) -> Result<Arc<str>> {
        let text = row.get_ref(index)?.as_str().map_err(rusqlite::Error::from)?;
        if let Some(name) = self.0.get(text) {
            return Ok(name.clone());
        }
        let name: Arc<str> = text.into();
        self.0.insert(name.clone());
        Ok(name)
    }
}
