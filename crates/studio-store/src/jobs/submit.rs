//! Taking jobs in.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::params;
use studio_protocol::{ProjectId, TaskKind, Timestamp, TraceParent};
use studio_scheduler::{QueuedJob, first_place};

use crate::db::Db;
use crate::inputs::note_inputs;
use crate::projects::{admit, insert_project};
use crate::row::{At, id, optional, optional_id, word};
use crate::{
    BatchId, Idempotency, JobState, NewBatch, NewJob, Replayed, Result, StoreError, Submission, Submitted,
};

/// Jobs of one submission: one transaction, so it bounds how long others wait for their turn.
const MAX_JOBS: usize = 10_000;
/// Tries of one job: beyond this it is not the worker's fault.
const MAX_ATTEMPTS: u32 = 1_000;

impl Db {
    /// Stores jobs and their batch, or finds what the same request made before.
    pub fn submit(&mut self, new: Submission, now: Timestamp) -> Result<Submitted> {
        self.atomically(|db| {
            if let Some(idempotency) = &new.idempotency
                && let Some(replayed) = replay(db, idempotency)?
            {
                return Ok(Submitted { jobs: Vec::new(), batch: None, replayed: Some(replayed) });
            }
            let count = checked_count(&new.jobs)?;
            let batch = new.batch.as_ref().map(|batch| insert_batch(db, batch, count, now)).transpose()?;
            let jobs = insert_jobs(db, &new.jobs, batch, now)?;
            db.statement("UPDATE job_counts SET queued = queued + ?1 WHERE id = 1")?.execute([count])?;
            let batch = new.batch.map(|batch| batch.id);
            if let Some(idempotency) = &new.idempotency {
                remember(db, idempotency, &jobs, count, batch.as_ref(), now)?;
            }
            Ok(Submitted { jobs, batch, replayed: None })
        })
    }

    /// Remembers which span submitted jobs of one submission.
    pub fn trace_jobs(&mut self, jobs: &[QueuedJob], trace: TraceParent) -> Result<()> {
        let (Some(first), Some(last)) = (jobs.first(), jobs.last()) else { return Ok(()) };
        self.statement("UPDATE job_tasks SET trace = ?3 WHERE job BETWEEN ?1 AND ?2")?.execute(params![
            first.seq,
            last.seq,
            trace.to_string()
        ])?;
        Ok(())
    }
}

/// How many jobs there are, if that is a number that can be taken.
fn checked_count(jobs: &[NewJob]) -> Result<i64> {
    let jobs = jobs.len();
    if jobs == 0 {
        return Err(StoreError::invalid("jobs", "is empty: name at least one job"));
    }
    if jobs > MAX_JOBS {
        return Err(StoreError::invalid(
            "jobs",
            format!("{jobs} jobs, at most {MAX_JOBS} fit one request: split it"),
        ));
    }
    Ok(i64::try_from(jobs).unwrap_or(i64::MAX))
}

fn replay(db: &Db, wanted: &Idempotency) -> Result<Option<Replayed>> {
    const SQL: &str =
        "SELECT body_sha256, first_seq, jobs, batch FROM idempotency WHERE key_id = ?1 AND key = ?2";
    let found = db.statement(SQL)?.query_row(params![wanted.key_id.as_str(), wanted.key], |row| {
        Ok((
            row.get::<_, [u8; 32]>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, i64>(2)?,
            optional_id::<BatchId>(row, 3),
        ))
    });
    let Some((body, first, jobs, batch)) = optional(found.map_err(StoreError::from))? else {
        return Ok(None);
    };
    if body != wanted.body_sha256 {
        let problem = "was used for another request: use a fresh key for each request";
        return Err(StoreError::conflict("Idempotency-Key", wanted.key.as_str(), problem));
    }
    let mut ids = db.statement("SELECT id FROM jobs WHERE seq >= ?1 AND seq < ?1 + ?2 ORDER BY seq")?;
    let jobs = ids.query_and_then([first, jobs], |row| id(row, 0))?.collect::<Result<_>>()?;
    Ok(Some(Replayed { jobs, batch: batch? }))
}

fn remember(
    db: &Db,
    idempotency: &Idempotency,
    jobs: &[QueuedJob],
    count: i64,
    batch: Option<&BatchId>,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "\
        INSERT INTO idempotency (key_id, key, body_sha256, first_seq, jobs, batch, created_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Some(first) = jobs.first() else { return Ok(()) };
    db.statement(SQL)?.execute(params![
        idempotency.key_id.as_str(),
        idempotency.key,
        idempotency.body_sha256,
        first.seq,
        count,
        batch.map(BatchId::as_str),
        now.as_millis(),
    ])?;
    Ok(())
}

fn insert_batch(db: &Db, batch: &NewBatch, jobs: i64, now: Timestamp) -> Result<i64> {
    const SQL: &str = "\
        INSERT INTO batches (id, name, project, created_at, total, queued) VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
    insert_project(db, &batch.project, now)?;
    db.statement(SQL)?.execute(params![
        batch.id.as_str(),
        batch.name,
        batch.project.as_str(),
        now.as_millis(),
        jobs
    ])?;
    Ok(db.conn.last_insert_rowid())
}

/// The projects of a submission, there are few of them, with the number of their jobs.
fn per_project(jobs: &[NewJob]) -> Vec<(&ProjectId, u64)> {
    let mut projects: Vec<(&ProjectId, u64)> = Vec::new();
    for job in jobs {
        match projects.iter_mut().find(|(project, _)| **project == job.project) {
            Some((_, jobs)) => *jobs += 1,
            None => projects.push((&job.project, 1)),
        }
    }
    projects
}

fn insert_jobs(db: &Db, jobs: &[NewJob], batch: Option<i64>, now: Timestamp) -> Result<Vec<QueuedJob>> {
    const JOB: &str = "\
        INSERT INTO jobs (id, state, kind, model, project, asset_name, batch, priority, max_attempts, created_at, \
            needs_options) \
        VALUES (?1, 'queued', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let mut insert = db.statement(JOB)?;
    let mut insert_task = db.statement("INSERT INTO job_tasks (job, task) VALUES (?1, ?2)")?;
    let mut models = HashMap::new();
    let mut queued = Vec::with_capacity(jobs.len());
    for (project, jobs) in per_project(jobs) {
        admit(db, project, jobs, now)?;
        db.count(project, None, Some(JobState::Queued), i64::try_from(jobs).unwrap_or(i64::MAX));
    }
    for job in jobs {
        let model = model_for(db, &mut models, job)?;
        if !(1..=MAX_ATTEMPTS).contains(&job.max_attempts) {
            let problem = format!("{} is not within 1 to {MAX_ATTEMPTS}", job.max_attempts);
            return Err(StoreError::invalid("maxAttempts", problem));
        }
        insert.execute(params![
            job.id.as_str(),
            job.kind.as_str(),
            job.model,
            job.project.as_str(),
            job.asset_name,
            batch,
            job.priority,
            job.max_attempts,
            now.as_millis(),
            job.needs_options,
        ])?;
        let seq = db.conn.last_insert_rowid();
        insert_task.execute(params![seq, job.task_json])?;
        note_inputs(db, seq, &job.project, &job.task_json)?;
        queued.push(QueuedJob {
            id: job.id.clone(),
            seq,
            place: first_place(seq),
            project: job.project.clone(),
            kind: job.kind,
            engine: model.engine.clone(),
            model: model.name.clone(),
            vram_gb: model.vram_gb,
            priority: job.priority,
            needs_options: job.needs_options,
        });
    }
    Ok(queued)
}

struct KnownModel {
    name: Arc<str>,
    kind: TaskKind,
    engine: Arc<str>,
    vram_gb: f64,
}

fn model_for<'a>(
    db: &Db,
    known: &'a mut HashMap<String, KnownModel>,
    job: &NewJob,
) -> Result<&'a KnownModel> {
    let model = match known.entry(job.model.clone()) {
        Entry::Occupied(found) => found.into_mut(),
        Entry::Vacant(empty) => empty.insert(usable_model(db, &job.model)?),
    };
    if model.kind != job.kind {
        let problem = format!("`{}` is of kind {}, the task is of kind {}", job.model, model.kind, job.kind);
        return Err(StoreError::invalid("model", problem));
    }
    Ok(model)
}

fn usable_model(db: &Db, name: &str) -> Result<KnownModel> {
    let mut select = db.statement("SELECT id, kind, engine, vram_gb, enabled FROM models WHERE id = ?1")?;
    let mut rows = select.query([name])?;
    let Some(row) = rows.next()? else {
        return Err(StoreError::invalid(
            "model",
            format!("`{name}` is not in the registry: see `studio models`"),
        ));
    };
    if !row.get::<_, bool>(4)? {
        return Err(StoreError::invalid(
            "model",
            format!("`{name}` is disabled: enable it or choose another"),
        ));
    }
    Ok(KnownModel {
        name: row.get(0)?,
        kind: word(row, 1, At("models", "kind"))?,
        engine: row.get(2)?,
        vram_gb: row.get(3)?,
    })
}
