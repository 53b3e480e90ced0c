//! What keeps the database healthy: purges, checks, counts, values of the studio itself.

use rusqlite::params;
use studio_protocol::Timestamp;

use crate::batches::counts;
use crate::db::Db;
use crate::row::{At, id, word};
use crate::{OpenJobs, Result, StateCounts, StoreError};

impl Db {
    /// Forgets `Idempotency-Key`s from before `before`; tells how many.
    pub fn purge_idempotency(&mut self, before: Timestamp) -> Result<usize> {
        Ok(self.statement("DELETE FROM idempotency WHERE created_at < ?1")?.execute([before.as_millis()])?)
    }

    /// What is wrong with the database; empty when nothing is. Reads all of it.
    pub fn integrity_check(&self) -> Result<Vec<String>> {
        let mut check = self.statement("PRAGMA integrity_check")?;
        let lines = check.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
        let mut problems: Vec<String> = lines.into_iter().filter(|line| line != "ok").collect();
        let mut check = self.statement("PRAGMA foreign_key_check")?;
        let broken = check.query_map([], |row| {
            let (table, row, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!(
                "row {} of {table} names a row of {parent} that does not exist",
                row.unwrap_or_default()
            ))
        })?;
        problems.extend(broken.collect::<rusqlite::Result<Vec<String>>>()?);
        if !self.projects_are_counted()? {
            problems.push(
                "the jobs of projects are not as many as all jobs: a restart counts them anew".to_owned(),
            );
        }
        Ok(problems)
    }

    /// How many jobs are in each state.
    pub fn counts(&self) -> Result<StateCounts> {
        const SQL: &str = "\
            SELECT queued, offered, running, done, failed, cancelled, quarantined FROM job_counts WHERE id = 1";
        let mut select = self.statement(SQL)?;
        let mut rows = select.query([])?;
        rows.next()?.map_or_else(|| Err(StoreError::not_found("job_counts", "1")), |row| counts(row, 0))
    }

    /// How many jobs with work to come there are of each sort; reads all of those.
    pub fn open_jobs(&self) -> Result<Vec<OpenJobs>> {
        const SQL: &str = "\
            SELECT state, kind, model, project, COUNT(*) FROM jobs \
            WHERE state IN ('queued', 'offered', 'running') GROUP BY state, kind, model, project";
        let mut select = self.statement(SQL)?;
        select
            .query_and_then([], |row| {
                Ok(OpenJobs {
                    state: word(row, 0, At("jobs", "state"))?,
                    kind: word(row, 1, At("jobs", "kind"))?,
                    model: row.get(2)?,
                    project: id(row, 3)?,
                    jobs: row.get(4)?,
                })
            })?
            .collect()
    }

    /// Bytes of all artefacts; reads every row of them.
    pub fn artefact_bytes(&self) -> Result<i64> {
        let mut select = self.statement("SELECT COALESCE(SUM(bytes), 0) FROM artefacts")?;
        Ok(select.query_row([], |row| row.get(0))?)
    }

    /// A value that the studio keeps for itself.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        let mut select = self.statement("SELECT value FROM meta WHERE key = ?1")?;
        let mut rows = select.query([key])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// Keeps a value for the studio itself.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<()> {
        self.statement(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
        )?
        .execute(params![key, value])?;
        Ok(())
    }
}
