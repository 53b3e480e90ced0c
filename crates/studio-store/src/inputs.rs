//! Inputs: what clients bring for their jobs, kept while a job may want it.

use rusqlite::{Row, params};
use studio_protocol::{INPUT_PREFIX, ProjectId, Task, Timestamp};

use crate::db::Db;
use crate::row::{count, id, time};
use crate::{Input, InputId, NewInput, Result, StoreError};

const INPUT: &str = "SELECT id, project, key, sha256, bytes, mime, created_at FROM inputs";
/// No job wants it: none that is open names it, and none that ended lately, which may be tried again.
const UNWANTED: &str = "\
    created_at < ?1 AND NOT EXISTS ( \
        SELECT 1 FROM job_inputs n JOIN jobs j ON j.seq = n.job \
        WHERE n.input = inputs.seq AND (j.finished_at IS NULL OR j.finished_at >= ?1))";

impl Db {
    /// Stores where an input lies.
    pub fn add_input(&mut self, new: &NewInput, now: Timestamp) -> Result<()> {
        const SQL: &str = "\
            INSERT INTO inputs (id, project, key, sha256, bytes, mime, created_at) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.statement(SQL)?.execute(params![
            new.id.as_str(),
            new.project.as_str(),
            new.key,
            new.sha256,
            i64::try_from(new.bytes).unwrap_or(i64::MAX),
            new.mime,
            now.as_millis(),
        ])?;
        Ok(())
    }

    /// An input by its id.
    pub fn input(&self, id: &InputId) -> Result<Input> {
        let mut select = self.statement(&format!("{INPUT} WHERE id = ?1"))?;
        let mut rows = select.query([id.as_str()])?;
        rows.next()?.map_or_else(|| Err(StoreError::not_found("input", id.as_str())), input)
    }

    /// Every input, oldest first.
    pub fn inputs(&self) -> Result<Vec<Input>> {
        let mut select = self.statement(&format!("{INPUT} ORDER BY seq"))?;
        select.query_and_then([], input)?.collect()
    }

    /// Inputs that came before `before` and that no job wants that is open or ended since then.
    pub fn unwanted_inputs(&self, before: Timestamp, limit: u32) -> Result<Vec<InputId>> {
        let mut select =
            self.statement(&format!("SELECT id FROM inputs WHERE {UNWANTED} ORDER BY seq LIMIT ?2"))?;
        select.query_and_then((before.as_millis(), limit), |row| id(row, 0))?.collect()
    }

    /// Forgets those of them that still are unwanted; gives back the places whose bytes nobody names any more.
    pub fn delete_inputs(&mut self, ids: &[InputId], before: Timestamp) -> Result<Vec<String>> {
        self.atomically(|db| {
            let mut keys = Vec::new();
            for id in ids {
                let still = format!("SELECT seq, key FROM inputs WHERE {UNWANTED} AND id = ?2");
                let mut select = db.statement(&still)?;
                let mut rows = select.query(params![before.as_millis(), id.as_str()])?;
                let Some(row) = rows.next()? else { continue };
                let (seq, key): (i64, String) = (row.get(0)?, row.get(1)?);
                db.statement("DELETE FROM job_inputs WHERE input = ?1")?.execute([seq])?;
                db.statement("DELETE FROM inputs WHERE seq = ?1")?.execute([seq])?;
                keys.push(key);
            }
            db.unnamed(keys)
        })
    }
}

/// Notes which inputs a new job names; refuses one that is not there, or another project's.
pub(crate) fn note_inputs(db: &Db, seq: i64, project: &ProjectId, task_json: &str) -> Result<()> {
    const SQL: &str = "\
        INSERT OR IGNORE INTO job_inputs (job, input) SELECT ?1, seq FROM inputs WHERE id = ?2 AND project = ?3";
    const KNOWN: &str = "SELECT 1 FROM inputs WHERE id = ?1 AND project = ?2";
    // Nearly every task names none, and then it is not read.
    if !task_json.contains(INPUT_PREFIX) {
        return Ok(());
    }
    let task: Task = serde_json::from_str(task_json)
        .map_err(|error| StoreError::invalid("task", format!("cannot be read: {error}")))?;
    for address in task.inputs() {
        let Some(id) = address.strip_prefix(INPUT_PREFIX) else { continue };
        if !db.statement(KNOWN)?.exists(params![id, project.as_str()])? {
            let problem = format!(
                "there is no input `{address}` in the project `{project}`: bring it with `POST /api/v1/inputs`, and \
                 submit the job within a day"
            );
            return Err(StoreError::invalid("task", problem));
        }
        db.statement(SQL)?.execute(params![seq, id, project.as_str()])?;
    }
    Ok(())
}

fn input(row: &Row<'_>) -> Result<Input> {
    let new = NewInput {
        id: id(row, 0)?,
        project: id(row, 1)?,
        key: row.get(2)?,
        sha256: row.get(3)?,
        bytes: count(row, 4)?,
        mime: row.get(5)?,
    };
    Ok(Input { new, created_at: time(row, 6)? })
}
