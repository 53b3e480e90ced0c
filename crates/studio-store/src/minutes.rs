//! The studio's past, a row a minute.

use rusqlite::params;

use crate::db::Db;
use crate::row::count;
use crate::{Minute, Result};

impl Db {
    /// Keeps a minute; what an earlier process of the studio kept of the same minute is added up.
    pub fn add_minute(&mut self, minute: &Minute) -> Result<()> {
        const SQL: &str = "\
            INSERT INTO minutes \
                (at, submitted, done, failed, cancelled, queued, running, online, wait_p50_ms, wait_p95_ms) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
            ON CONFLICT (at) DO UPDATE SET submitted = submitted + ?2, done = done + ?3, failed = failed + ?4, \
                cancelled = cancelled + ?5, queued = ?6, running = ?7, online = ?8, \
                wait_p50_ms = max(wait_p50_ms, ?9), wait_p95_ms = max(wait_p95_ms, ?10)";
        let of = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.statement(SQL)?.execute(params![
            minute.at,
            of(minute.submitted),
            of(minute.done),
            of(minute.failed),
            of(minute.cancelled),
            of(minute.queued),
            of(minute.running),
            of(minute.online),
            of(minute.wait_p50_ms),
            of(minute.wait_p95_ms),
        ])?;
        Ok(())
    }

    /// The minutes that began at `since` or later, oldest first.
    pub fn minutes(&self, since: i64) -> Result<Vec<Minute>> {
        const SQL: &str = "\
            SELECT at, submitted, done, failed, cancelled, queued, running, online, wait_p50_ms, wait_p95_ms \
            FROM minutes WHERE at >= ?1 ORDER BY at";
        let mut select = self.statement(SQL)?;
        let rows = select.query_and_then([since], |row| {
            Ok(Minute {
                at: row.get(0)?,
                submitted: count(row, 1)?,
                done: count(row, 2)?,
                failed: count(row, 3)?,
                cancelled: count(row, 4)?,
                queued: count(row, 5)?,
                running: count(row, 6)?,
                online: count(row, 7)?,
                wait_p50_ms: count(row, 8)?,
                wait_p95_ms: count(row, 9)?,
            })
        })?;
        rows.collect()
    }

    /// Forgets minutes that began before `before`; tells how many.
    pub fn purge_minutes(&mut self, before: i64) -> Result<usize> {
        Ok(self.statement("DELETE FROM minutes WHERE at < ?1")?.execute([before])?)
    }
}
