//! What workers logged about a job; a bounded tail of it.

use rusqlite::params;
use studio_protocol::{JobId, LogLevel};

use crate::db::Db;
use crate::row::{At, json, time};
use crate::text::clipped;
use crate::{JobLog, NewJobLog, Result, StoreError};

/// Lines kept of one job: the end of a long log is what explains a failure.
const MAX_LINES: i64 = 1_000;
/// Characters kept of one line.
const MAX_LINE_CHARS: usize = 4_000;
/// Characters kept of a category, which is a word.
const MAX_CATEGORY_CHARS: usize = 100;

impl Db {
    /// Adds lines to the logs of their jobs; lines for jobs that do not exist are dropped.
    pub fn append_job_logs(&mut self, lines: &[NewJobLog]) -> Result<()> {
        const INSERT: &str = "\
            INSERT INTO job_logs (job, ts, level, category, message) \
            SELECT seq, ?2, ?3, ?4, ?5 FROM jobs WHERE id = ?1";
        const TRIM: &str = "\
            DELETE FROM job_logs WHERE job = ?1 AND seq <= \
                (SELECT seq FROM job_logs WHERE job = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        self.atomically(|db| {
            let mut jobs: Vec<&JobId> = Vec::new();
            for line in lines {
                db.statement(INSERT)?.execute(params![
                    line.job.as_str(),
                    line.entry.ts.as_millis(),
                    level_word(line.entry.level),
                    clipped(&line.entry.category, MAX_CATEGORY_CHARS),
                    clipped(&line.entry.message, MAX_LINE_CHARS),
                ])?;
                jobs.push(&line.job);
            }
            jobs.sort_unstable();
            jobs.dedup();
            for job in jobs {
                if let Some(seq) = db.job_seq(job)? {
                    db.statement(TRIM)?.execute([seq, MAX_LINES])?;
                }
            }
            Ok(())
        })
    }

    /// The kept lines of a job's log, in the order of their arrival.
    pub fn job_logs(&self, job: &JobId) -> Result<Vec<JobLog>> {
        const SQL: &str = "\
            SELECT seq, ts, '\"' || level || '\"', category, message FROM job_logs WHERE job = ?1 ORDER BY seq";
        let seq = self.job_seq(job)?.ok_or_else(|| StoreError::not_found("job", job.as_str()))?;
        let mut select = self.statement(SQL)?;
        let lines = select.query_and_then([seq], |row| {
            Ok(JobLog {
                ts: time(row, 1)?,
                level: json(row, 2, At("job_logs", "level"))?,
                category: row.get(3)?,
                message: row.get(4)?,
            })
        })?;
        lines.collect()
    }

    fn job_seq(&self, job: &JobId) -> Result<Option<i64>> {
        let mut select = self.statement("SELECT seq FROM jobs WHERE id = ?1")?;
        let mut rows = select.query([job.as_str()])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }
}

fn level_word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}
