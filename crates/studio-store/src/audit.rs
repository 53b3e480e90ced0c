//! The audit log: bounded, newest first.

use rusqlite::{Row, params};
use studio_protocol::Timestamp;

use crate::db::Db;
use crate::page::{clamped, page};
use crate::row::{count, time};
use crate::{AuditFilter, AuditRecord, Cursor, NewAudit, Page, Result};

/// Lines that are kept: years of what people do, and some 20 MB.
const MAX_LINES: i64 = 100_000;
/// How often, in lines, what is beyond that is deleted.
const PRUNE_EVERY: i64 = 1_000;
/// The same thing by the same actor within this time of the last one is counted, not written again: programs submit
/// many times a second.
const FOLDED_WITHIN_MS: i64 = 10 * 60 * 1_000;

impl Db {
    /// Writes a line, or counts it on the last one when that says the same.
    pub fn note_audit(&mut self, new: &NewAudit) -> Result<()> {
        const FOLD: &str = "\
            UPDATE audit SET times = times + 1, at = ?1 \
            WHERE seq = (SELECT max(seq) FROM audit) AND at BETWEEN ?1 - ?7 AND ?1 \
                AND actor = ?2 AND actor_id IS ?3 AND action = ?4 AND status = ?5 AND target IS ?6 \
                AND detail IS ?8";
        const INSERT: &str = "\
            INSERT INTO audit (at, actor, actor_id, action, status, target, detail) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.atomically(|db| {
            let at = new.at.as_millis();
            let folded = db.statement(FOLD)?.execute(params![
                at,
                new.actor,
                new.actor_id,
                new.action,
                new.status,
                new.target,
                FOLDED_WITHIN_MS,
                new.detail_json,
            ])?;
            if folded > 0 {
                return Ok(());
            }
            db.statement(INSERT)?.execute(params![
                at,
                new.actor,
                new.actor_id,
                new.action,
                new.status,
                new.target,
                new.detail_json,
            ])?;
            let seq = db.conn.last_insert_rowid();
            if seq % PRUNE_EVERY == 0 {
                db.statement("DELETE FROM audit WHERE seq <= ?1")?.execute([seq - MAX_LINES])?;
            }
            Ok(())
        })
    }

    /// One page of the lines that the filter lets through, newest first.
    pub fn audit(
        &self,
        filter: &AuditFilter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<AuditRecord>> {
        const SQL: &str = "\
            SELECT at, actor, actor_id, action, target, status, detail, times, seq FROM audit \
            WHERE seq < ?1 AND (?3 IS NULL OR ?3 IN (actor, actor_id)) \
                AND (?4 IS NULL OR substr(action, 1, length(?4)) = ?4) \
            ORDER BY seq DESC LIMIT ?2";
        let limit = clamped(limit);
        let before = cursor.map_or(i64::MAX, |cursor| cursor.0);
        let mut select = self.statement(SQL)?;
        // One more than asked for tells whether there is a next page.
        let values = params![before, i64::from(limit) + 1, filter.actor, filter.action];
        let rows = select.query_and_then(values, |row| Ok((record(row)?, row.get::<_, i64>(8)?)))?;
        page(rows, limit)
    }

    /// Forgets lines from before `before`; tells how many.
    pub fn purge_audit(&mut self, before: Timestamp) -> Result<usize> {
        Ok(self.statement("DELETE FROM audit WHERE at < ?1")?.execute([before.as_millis()])?)
    }
}

fn record(row: &Row<'_>) -> Result<AuditRecord> {
    Ok(AuditRecord {
        at: time(row, 0)?,
        actor: row.get(1)?,
        actor_id: row.get(2)?,
        action: row.get(3)?,
        target: row.get(4)?,
        status: row.get(5)?,
        detail_json: row.get(6)?,
        times: count(row, 7)?,
    })
}
