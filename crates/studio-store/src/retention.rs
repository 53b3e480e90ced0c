//! What is kept how long: old artefacts and old jobs go, a slice at a time.
//!
//! Rows go first and tell which bytes nobody names any more; whoever deletes those may die in between, and the next
//! start finds them by [`Db::artefact_keys`].

use rusqlite::params;
use studio_protocol::{JobId, ProjectId, Timestamp};

use crate::db::Db;
use crate::row::{id, optional_id, optional_time, time, word};
use crate::{ArtefactId, JobState, Result, row::At};

/// A part of a walk over the jobs of a project, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice<T> {
    /// What is to go.
    pub expired: Vec<T>,
    /// Where to go on; absent at the end.
    pub next: Option<i64>,
}

/// What a deletion of jobs came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletedJobs {
    /// Those that went.
    pub jobs: Vec<JobId>,
    /// Places in the artefact store that nobody names any more.
    pub keys: Vec<String>,
}

impl Db {
    /// Artefacts of a project from before `before`, among the `limit` jobs that follow `after`.
    pub fn expired_artefacts(
        &self,
        project: &ProjectId,
        before: Timestamp,
        after: i64,
        limit: u32,
    ) -> Result<Slice<ArtefactId>> {
        const SQL: &str = "\
            SELECT j.id, j.seq, j.created_at, a.id, a.created_at \
            FROM jobs j LEFT JOIN artefacts a ON a.job = j.seq \
            WHERE j.project = ?1 AND j.seq > ?2 ORDER BY j.seq LIMIT ?3";
        let mut select = self.statement(SQL)?;
        let mut rows = select.query(params![project.as_str(), after, limit])?;
        let mut slice = Slice { expired: Vec::new(), next: None };
        while let Some(row) = rows.next()? {
            // What is made later than its job is stored later still.
            if time(row, 2)? >= before {
                return Ok(Slice { next: None, ..slice });
            }
            slice.next = Some(row.get(1)?);
            if let (Some(artefact), Some(made)) = (optional_id(row, 3)?, optional_time(row, 4)?)
                && made < before
            {
                slice.expired.push(artefact);
            }
        }
        Ok(slice)
    }

    /// Jobs of a project that ended before `before`, among the `limit` that follow `after`.
    pub fn expired_jobs(
        &self,
        project: &ProjectId,
        before: Timestamp,
        after: i64,
        limit: u32,
    ) -> Result<Slice<JobId>> {
        const SQL: &str = "\
            SELECT id, seq, created_at, state, finished_at FROM jobs \
            WHERE project = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let mut select = self.statement(SQL)?;
        let mut rows = select.query(params![project.as_str(), after, limit])?;
        let mut slice = Slice { expired: Vec::new(), next: None };
        while let Some(row) = rows.next()? {
            if time(row, 2)? >= before {
                return Ok(Slice { next: None, ..slice });
            }
            slice.next = Some(row.get(1)?);
            let state: JobState = word(row, 3, At("jobs", "state"))?;
            if !state.is_open() && optional_time(row, 4)?.is_some_and(|ended| ended < before) {
                slice.expired.push(id(row, 0)?);
            }
        }
        Ok(slice)
    }

    /// Forgets artefacts; gives back the places whose bytes nobody names any more.
    pub fn delete_artefacts(&mut self, ids: &[ArtefactId]) -> Result<Vec<String>> {
        const SQL: &str = "DELETE FROM artefacts WHERE id = ?1 RETURNING key";
        self.atomically(|db| {
            let mut keys = Vec::new();
            for id in ids {
                let mut delete = db.statement(SQL)?;
                let gone = delete.query_map([id.as_str()], |row| row.get(0))?;
                keys.extend(gone.collect::<rusqlite::Result<Vec<String>>>()?);
            }
            db.unnamed(keys)
        })
    }

    /// Forgets artefacts and inputs by their places in the artefact store, in a copy that was made without their bytes.
    pub(crate) fn forget_keys(&mut self, keys: &[String]) -> Result<()> {
        const USES: &str = "DELETE FROM job_inputs WHERE input IN (SELECT seq FROM inputs WHERE key = ?1)";
        self.atomically(|db| {
            db.forget_artefact_keys(keys)?;
            for key in keys {
                db.statement(USES)?.execute([key])?;
                db.statement("DELETE FROM inputs WHERE key = ?1")?.execute([key])?;
            }
            Ok(())
        })
    }

    /// The same of artefacts alone, for a copy from before there were inputs.
    pub(crate) fn forget_artefact_keys(&self, keys: &[String]) -> Result<()> {
        let mut delete = self.statement("DELETE FROM artefacts WHERE key = ?1")?;
        keys.iter().try_for_each(|key| Ok(delete.execute([key]).map(drop)?))
    }

    /// Forgets those of the jobs that still are over since before `before`, with everything about them.
    ///
    /// Their batches keep their counts. The newest job of all stays, so that no later one gets its place in the order.
    pub fn delete_jobs(&mut self, ids: &[JobId], before: Timestamp) -> Result<DeletedJobs> {
        const STILL: &str = "\
            SELECT seq, state, project FROM jobs WHERE id = ?1 AND finished_at < ?2 AND seq < (SELECT max(seq) FROM jobs)";
        self.atomically(|db| {
            let mut deleted = DeletedJobs::default();
            for job in ids {
                let mut select = db.statement(STILL)?;
                let mut rows = select.query(params![job.as_str(), before.as_millis()])?;
                let Some(row) = rows.next()? else { continue };
                let (seq, state): (i64, JobState) = (row.get(0)?, word(row, 1, At("jobs", "state"))?);
                if !state.is_open() {
                    db.count(&id(row, 2)?, Some(state), None, 1);
                    deleted.keys.extend(db.delete_job(seq, state)?);
                    deleted.jobs.push(job.clone());
                }
            }
            deleted.keys = db.unnamed(std::mem::take(&mut deleted.keys))?;
            Ok(deleted)
        })
    }

    fn delete_job(&self, seq: i64, state: JobState) -> Result<Option<String>> {
        const ARTEFACT: &str = "DELETE FROM artefacts WHERE job = ?1 RETURNING key";
        let key = {
            let mut delete = self.statement(ARTEFACT)?;
            let mut rows = delete.query([seq])?;
            let key = rows.next()?.map(|row| row.get(0)).transpose()?;
            // A statement that returns rows is done when they have been read.
            while rows.next()?.is_some() {}
            key
        };
        for sql in [
            "DELETE FROM job_inputs WHERE job = ?1",
            "DELETE FROM job_logs WHERE job = ?1",
            "DELETE FROM attempts WHERE job = ?1",
            "DELETE FROM results WHERE job = ?1",
            "DELETE FROM job_tasks WHERE job = ?1",
            "DELETE FROM jobs WHERE seq = ?1",
        ] {
            self.statement(sql)?.execute([seq])?;
        }
        self.statement(&format!("UPDATE job_counts SET {state} = {state} - 1 WHERE id = 1"))?.execute([])?;
        Ok(key)
    }

    /// Those of the places that no row names.
    pub(crate) fn unnamed(&self, keys: Vec<String>) -> Result<Vec<String>> {
        let mut unnamed = Vec::with_capacity(keys.len());
        for key in keys {
            if !self.has_artefact_key(&key)? {
                unnamed.push(key);
            }
        }
        Ok(unnamed)
    }
}
