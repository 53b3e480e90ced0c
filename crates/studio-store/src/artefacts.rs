//! Artefacts: which bytes belong to which job.

use rusqlite::Row;
use studio_protocol::JobId;

use crate::db::Db;
use crate::page::{clamped, page};
use crate::row::{At, count, id, optional_id, time, word};
use crate::{Artefact, ArtefactId, BatchId, Cursor, Page, Result, StoreError};

const ARTEFACT: &str = "\
    SELECT a.id, a.seq, j.id, b.id, j.project, j.kind, j.asset_name, a.key, a.sha256, a.bytes, a.ext, a.mime, \
        a.meta, a.created_at \
    FROM artefacts a CROSS JOIN jobs j ON j.seq = a.job LEFT JOIN batches b ON b.seq = a.batch";

impl Db {
    /// An artefact by its own id.
    pub fn artefact(&self, id: &ArtefactId) -> Result<Artefact> {
        let mut select = self.statement(&format!("{ARTEFACT} WHERE a.id = ?1"))?;
        let mut rows = select.query([id.as_str()])?;
        rows.next()?.map_or_else(|| Err(StoreError::not_found("artefact", id.as_str())), artefact)
    }

    /// The artefact of a job, if it made one.
    pub fn artefact_of_job(&self, job: &JobId) -> Result<Option<Artefact>> {
        let sql = format!("{ARTEFACT} WHERE a.job = (SELECT seq FROM jobs WHERE id = ?1)");
        let mut select = self.statement(&sql)?;
        let mut rows = select.query([job.as_str()])?;
        rows.next()?.map(artefact).transpose()
    }

    /// One page of the artefacts, of one batch or of all, newest first.
    pub fn artefacts(
        &self,
        batch: Option<&BatchId>,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Artefact>> {
        let limit = clamped(limit);
        let before = cursor.map_or(i64::MAX, |Cursor(seq)| seq);
        let one_more = i64::from(limit) + 1;
        let read = |row: &Row<'_>| Ok((artefact(row)?, row.get::<_, i64>(1)?));
        if let Some(batch) = batch {
            let seq = self.batch_seq(batch)?.ok_or_else(|| StoreError::not_found("batch", batch.as_str()))?;
            let sql = format!("{ARTEFACT} WHERE a.batch = ?1 AND a.seq < ?2 ORDER BY a.seq DESC LIMIT ?3");
            let mut select = self.statement(&sql)?;
            page(select.query_and_then((seq, before, one_more), read)?, limit)
        } else {
            let sql = format!("{ARTEFACT} WHERE a.seq < ?1 ORDER BY a.seq DESC LIMIT ?2");
            let mut select = self.statement(&sql)?;
            page(select.query_and_then((before, one_more), read)?, limit)
        }
    }

    /// Every place in the artefact store that something lives at.
    pub fn artefact_keys(&self) -> Result<Vec<String>> {
        let mut select =
            self.statement("SELECT key FROM artefacts UNION SELECT key FROM inputs ORDER BY key")?;
        let keys = select.query_map([], |row| row.get(0))?;
        Ok(keys.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether something lives at that place in the artefact store.
    pub fn has_artefact_key(&self, key: &str) -> Result<bool> {
        const SQL: &str = "\
            SELECT 1 FROM artefacts WHERE key = ?1 UNION ALL SELECT 1 FROM inputs WHERE key = ?1";
        Ok(self.statement(SQL)?.exists([key])?)
    }
}

fn artefact(row: &Row<'_>) -> Result<Artefact> {
    Ok(Artefact {
        id: id(row, 0)?,
        job: id(row, 2)?,
        batch: optional_id(row, 3)?,
        project: id(row, 4)?,
        kind: word(row, 5, At("jobs", "kind"))?,
        asset_name: row.get(6)?,
        key: row.get(7)?,
        sha256: row.get(8)?,
        bytes: count(row, 9)?,
        ext: row.get(10)?,
        mime: row.get(11)?,
        meta: row.get(12)?,
        created_at: time(row, 13)?,
    })
}
