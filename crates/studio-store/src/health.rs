//! What a look from outside asks: whether the database is whole, its counts are right, its clock and webhooks sane.

use studio_protocol::Timestamp;

use crate::db::Db;
use crate::row::id;
use crate::{Result, WebhookId};

/// A webhook whose last delivery did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingWebhook {
    /// Which.
    pub id: WebhookId,
    /// Deliveries that are given up.
    pub failed: u64,
    /// Deliveries that are tried again.
    pub retrying: u64,
}

impl Db {
    /// What is wrong with the database; empty when nothing is. Reads all of it.
    pub fn integrity_check(&self) -> Result<Vec<String>> {
        let mut problems = self.structure_check(true)?;
        if !self.projects_are_counted()? {
            problems.push(
                "the jobs of projects are not as many as all jobs: a restart counts them anew".to_owned(),
            );
        }
        Ok(problems)
    }

    /// What is wrong with its pages and references, of every schema version; `thorough` compares the indices as well.
    pub fn structure_check(&self, thorough: bool) -> Result<Vec<String>> {
        let check = if thorough { "PRAGMA integrity_check" } else { "PRAGMA quick_check" };
        let mut check = self.statement(check)?;
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
        Ok(problems)
    }

    /// What is counted wrong: the total of a state, or projects by name. Reads the state of every job.
    pub fn miscounts(&self) -> Result<Vec<String>> {
        // One statement, so that all of it is of one moment.
        const SQL: &str = "\
            WITH real AS MATERIALIZED (\
                SELECT project, state, count(*) AS jobs FROM jobs GROUP BY project, state\
            ), told (state, jobs) AS (\
                SELECT 'queued', queued FROM job_counts UNION ALL SELECT 'offered', offered FROM job_counts \
                UNION ALL SELECT 'running', running FROM job_counts UNION ALL SELECT 'done', done FROM job_counts \
                UNION ALL SELECT 'failed', failed FROM job_counts \
                UNION ALL SELECT 'cancelled', cancelled FROM job_counts \
                UNION ALL SELECT 'quarantined', quarantined FROM job_counts\
            ), sums AS (\
                SELECT project, total(jobs) FILTER (WHERE state = 'queued') AS queued, \
                    total(jobs) FILTER (WHERE state IN ('offered', 'running')) AS held, \
                    total(jobs) FILTER (WHERE state = 'done') AS done, \
                    total(jobs) FILTER (WHERE state = 'failed') AS failed, \
                    total(jobs) FILTER (WHERE state = 'cancelled') AS cancelled, \
                    total(jobs) FILTER (WHERE state = 'quarantined') AS quarantined \
                FROM real GROUP BY project\
            ) \
            SELECT 'all jobs that are ' || state FROM told \
            WHERE jobs <> (SELECT total(r.jobs) FROM real r WHERE r.state = told.state) \
            UNION ALL \
            SELECT 'the project ' || p.id FROM projects p LEFT JOIN sums s ON s.project = p.id \
            WHERE p.queued <> coalesce(s.queued, 0) OR p.held <> coalesce(s.held, 0) \
                OR p.done <> coalesce(s.done, 0) OR p.failed <> coalesce(s.failed, 0) \
                OR p.cancelled <> coalesce(s.cancelled, 0) OR p.quarantined <> coalesce(s.quarantined, 0)";
        let mut select = self.statement(SQL)?;
        let wrong = select.query_map([], |row| row.get(0))?;
        Ok(wrong.collect::<rusqlite::Result<_>>()?)
    }

    /// The latest moment that was written down; a clock that is right is not before it.
    pub fn latest_moment(&self) -> Result<Option<Timestamp>> {
        const SQL: &str = "\
            SELECT max(at) FROM (\
                SELECT created_at AS at FROM jobs WHERE seq = (SELECT max(seq) FROM jobs) \
                UNION ALL SELECT at FROM audit WHERE seq = (SELECT max(seq) FROM audit) \
                UNION ALL SELECT max(last_seen_at) FROM worker_presence)";
        let latest: Option<i64> = self.statement(SQL)?.query_row([], |row| row.get(0))?;
        Ok(latest.map(Timestamp::from_millis))
    }

    /// The webhooks in use whose last delivery did not arrive.
    pub fn failing_webhooks(&self) -> Result<Vec<FailingWebhook>> {
        const SQL: &str = "\
            SELECT w.id, \
                (SELECT count(*) FROM deliveries d WHERE d.webhook = w.seq AND d.state = 'failed'), \
                (SELECT count(*) FROM deliveries d \
                    WHERE d.webhook = w.seq AND d.state = 'waiting' AND d.attempts > 0) \
            FROM webhooks w \
            WHERE NOT w.disabled AND 'delivered' <> (\
                SELECT d.state FROM deliveries d WHERE d.webhook = w.seq AND d.attempts > 0 \
                ORDER BY d.seq DESC LIMIT 1)";
        let mut select = self.statement(SQL)?;
        select
            .query_and_then([], |row| {
                let (failed, retrying) = (crate::row::count(row, 1)?, crate::row::count(row, 2)?);
                Ok(FailingWebhook { id: id(row, 0)?, failed, retrying })
            })?
            .collect()
    }
}
