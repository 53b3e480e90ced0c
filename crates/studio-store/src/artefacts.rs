//! Artefacts: which bytes belong to which job.

use rusqlite::Row;
use rusqlite::types::Value;
use studio_protocol::JobId;

use crate::db::Db;
use crate::page::{clamped, page};
use crate::row::{At, count, id, optional_id, time, word};
use crate::{Artefact, ArtefactFilter, ArtefactId, BatchId, Cursor, Page, Result, StoreError};

const ARTEFACT: &str = "\
    SELECT a.id, a.seq, j.id, b.id, j.project, j.kind, j.asset_name, a.key, a.sha256, a.bytes, a.ext, a.mime, \
        a.meta, a.created_at \
    FROM artefacts a CROSS JOIN jobs j ON j.seq = a.job LEFT JOIN batches b ON b.seq = a.batch";

const COLUMNS: &str = "\
    a.id, {seq}, j.id, b.id, j.project, j.kind, j.asset_name, a.key, a.sha256, a.bytes, a.ext, a.mime, a.meta, \
    a.created_at";
const BY_ARTEFACT: &str = "\
    FROM artefacts a CROSS JOIN jobs j ON j.seq = a.job LEFT JOIN batches b ON b.seq = a.batch";
const BY_JOB: &str = "\
    FROM jobs j CROSS JOIN artefacts a ON a.job = j.seq LEFT JOIN batches b ON b.seq = a.batch";

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

    /// One page of the artefacts that the filter lets through, in the order of their jobs, newest first; without a
    /// filter in the order in which they came.
    pub fn artefacts_of(
        &self,
        filter: &ArtefactFilter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Artefact>> {
        let limit = clamped(limit);
        let batch = match &filter.batch {
            Some(batch) => {
                Some(self.batch_seq(batch)?.ok_or_else(|| StoreError::not_found("batch", batch.as_str()))?)
            }
            None => None,
        };
        let (sql, values) = filtered(filter, batch, cursor, limit);
        let mut select = self.statement(&sql)?;
        let read = |row: &Row<'_>| Ok((artefact(row)?, row.get::<_, i64>(1)?));
        page(select.query_and_then(rusqlite::params_from_iter(values), read)?, limit)
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

/// The query of a filtered page: the most selective condition's index yields the jobs in order, and each has at
/// most one artefact; a `+` keeps the other conditions from driving.
fn filtered(
    filter: &ArtefactFilter,
    batch: Option<i64>,
    cursor: Option<Cursor>,
    limit: u32,
) -> (String, Vec<Value>) {
    let text = |text: &str| Value::Text(text.to_owned());
    let of_job: Vec<_> = [
        filter.model.as_ref().map(|model| ("model", text(model))),
        filter.project.as_ref().map(|project| ("project", text(project.as_str()))),
        filter.kind.map(|kind| ("kind", text(kind.as_str()))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let by_job = !of_job.is_empty();
    // The seq of the row that drives is what the cursor counts in.
    let (seq, from) = if by_job { ("j.seq", BY_JOB) } else { ("a.seq", BY_ARTEFACT) };
    let (mut wheres, mut values) = (Vec::new(), Vec::new());
    if let Some(batch) = batch {
        values.push(Value::Integer(batch));
        wheres.push(if by_job { "j.batch = ?1" } else { "a.batch = ?1" }.to_owned());
    }
    for (column, value) in of_job {
        let plus = if wheres.is_empty() { "" } else { "+" };
        values.push(value);
        wheres.push(format!("{plus}j.{column} = ?{}", values.len()));
    }
    values.push(Value::Integer(cursor.map_or(i64::MAX, |Cursor(seq)| seq)));
    wheres.push(format!("{seq} < ?{}", values.len()));
    values.push(Value::Integer(i64::from(limit) + 1));
    let wheres = wheres.join(" AND ");
    let columns = COLUMNS.replace("{seq}", seq);
    (format!("SELECT {columns} {from} WHERE {wheres} ORDER BY {seq} DESC LIMIT ?{}", values.len()), values)
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

#[cfg(test)]
mod tests {
    use studio_protocol::TaskKind;

    use super::*;

    #[test]
    fn no_filtered_list_sorts_or_scans() {
        let db = Db::open_in_memory().unwrap();
        for bits in 0..16_u32 {
            let has = |bit: u32| bits & (1 << bit) != 0;
            let filter = ArtefactFilter {
                batch: None,
                project: has(0).then(|| "p".into()),
                model: has(1).then(|| "m".to_owned()),
                kind: has(2).then_some(TaskKind::Image),
            };
            let (sql, values) = filtered(&filter, has(3).then_some(1), Some(Cursor(9)), 50);
            let mut explain = db.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = explain
                .query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3))
                .unwrap()
                .collect::<rusqlite::Result<Vec<_>>>()
                .unwrap()
                .join("\n");
            assert!(!steps.contains("TEMP B-TREE") && !steps.contains("SCAN"), "{filter:?}: {steps}");
            let driver = match bits {
                0 => "a USING INTEGER PRIMARY KEY",
                8 => "artefacts_by_batch",
                9..=15 => "jobs_by_batch",
                _ if has(1) => "jobs_by_model",
                _ if has(0) => "jobs_by_project",
                _ => "jobs_by_kind",
            };
            assert!(steps.lines().next().is_some_and(|step| step.contains(driver)), "{filter:?}: {steps}");
        }
    }
}
