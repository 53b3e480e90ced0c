//! Workers: who may connect, and what is known of them.

use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use studio_protocol::{JobId, ProjectId, Timestamp, WorkerId};
use studio_scheduler::QueuedJob;

use crate::db::Db;
use crate::jobs::{Claim, JOB, end_attempt, job_row, requeue};
use crate::row::{At, id, json, optional_id, optional_time, time};
use crate::{AttemptOutcome, Job, Result, StoreError, WorkerLimits, WorkerRecord};

const WORKER: &str = "\
    SELECT w.id, w.name, w.token_hash, w.paused, w.capabilities, w.created_at, p.last_seen_at, w.draining, w.limits \
    FROM workers w LEFT JOIN worker_presence p ON p.worker = w.id";

impl Db {
    /// A worker, if it is approved and was not removed.
    pub fn worker(&self, id: &WorkerId) -> Result<Option<WorkerRecord>> {
        let mut select = self.statement(&format!("{WORKER} WHERE w.id = ?1"))?;
        let mut rows = select.query([id.as_str()])?;
        rows.next()?.map(worker).transpose()
    }

    /// Every worker, by name.
    pub fn workers(&self) -> Result<Vec<WorkerRecord>> {
        let mut select = self.statement(&format!("{WORKER} ORDER BY w.name, w.id"))?;
        select.query_and_then([], worker)?.collect()
    }

    /// Changes what people call a worker.
    pub fn rename_worker(&mut self, id: &WorkerId, name: &str) -> Result<WorkerRecord> {
        let name = name.trim();
        if name.is_empty() {
            return Err(StoreError::invalid("name", "is empty: a worker needs a name"));
        }
        self.atomically(|db| {
            db.statement("UPDATE workers SET name = ?2 WHERE id = ?1")?
                .execute(params![id.as_str(), name])?;
            db.known_worker(id)
        })
    }

    /// Stops, or starts again, to offer jobs to a worker.
    pub fn set_worker_paused(&mut self, id: &WorkerId, paused: bool) -> Result<WorkerRecord> {
        self.atomically(|db| {
            db.statement("UPDATE workers SET paused = ?2 WHERE id = ?1")?
                .execute(params![id.as_str(), paused])?;
            db.known_worker(id)
        })
    }

    /// Lets a worker finish what it has and offers it no more, or begins to offer it jobs again.
    pub fn set_worker_draining(&mut self, id: &WorkerId, draining: bool) -> Result<WorkerRecord> {
        self.atomically(|db| {
            db.statement("UPDATE workers SET draining = ?2 WHERE id = ?1")?
                .execute(params![id.as_str(), draining])?;
            db.known_worker(id)
        })
    }

    /// Changes what a worker may have, all of it at once.
    pub fn set_worker_limits(&mut self, id: &WorkerId, limits: &WorkerLimits) -> Result<WorkerRecord> {
        let json = (*limits != WorkerLimits::default()).then(|| serde_json::to_string(limits)).transpose();
        let json = json.map_err(|error| StoreError::invalid("limits", error.to_string()))?;
        self.atomically(|db| {
            db.statement("UPDATE workers SET limits = ?2 WHERE id = ?1")?
                .execute(params![id.as_str(), json])?;
            db.known_worker(id)
        })
    }

    /// The limits of every worker that has some.
    pub fn worker_limits(&self) -> Result<Vec<(WorkerId, WorkerLimits)>> {
        let all = self.workers()?.into_iter().map(|worker| (worker.id, worker.limits));
        Ok(all.filter(|(_, limits)| *limits != WorkerLimits::default()).collect())
    }

    /// Removes a worker and the request that it came by; what it held waits again.
    pub fn remove_worker(&mut self, id: &WorkerId, now: Timestamp) -> Result<Vec<QueuedJob>> {
        self.atomically(|db| {
            db.statement("DELETE FROM registrations WHERE worker = ?1")?.execute([id.as_str()])?;
            let removed = db.statement("DELETE FROM workers WHERE id = ?1")?.execute([id.as_str()])?;
            if removed == 0 {
                return Err(StoreError::not_found("worker", id.as_str()));
            }
            db.held_by(id)?.iter().map(|job| take_back(db, job, now)).collect()
        })
    }

    /// Notes that workers were heard of, with their capabilities where those changed; unknown workers are skipped.
    pub fn touch_workers(&mut self, seen: &[(WorkerId, Option<String>)], now: Timestamp) -> Result<()> {
        const SEEN: &str = "\
            INSERT INTO worker_presence (worker, last_seen_at) SELECT id, ?2 FROM workers WHERE id = ?1 \
            ON CONFLICT (worker) DO UPDATE SET last_seen_at = excluded.last_seen_at";
        const CHANGED: &str = "UPDATE workers SET capabilities = ?2 WHERE id = ?1";
        self.atomically(|db| {
            for (worker, capabilities) in seen {
                db.statement(SEEN)?.execute(params![worker.as_str(), now.as_millis()])?;
                if let Some(json) = capabilities {
                    db.statement(CHANGED)?.execute(params![worker.as_str(), json])?;
                }
            }
            Ok(())
        })
    }

    pub(crate) fn known_worker(&self, id: &WorkerId) -> Result<WorkerRecord> {
        self.worker(id)?.ok_or_else(|| StoreError::not_found("worker", id.as_str()))
    }

    /// What a worker holds, or what all of them hold, oldest first; `project`: only jobs of that one.
    pub fn held_jobs(&self, worker: Option<&WorkerId>, project: Option<&ProjectId>) -> Result<Vec<Job>> {
        let sql = format!(
            "{JOB} WHERE j.state IN ('offered', 'running') AND (?1 IS NULL OR +j.worker = ?1) \
                AND (?2 IS NULL OR +j.project = ?2) ORDER BY j.seq"
        );
        let mut select = self.statement(&sql)?;
        let wanted = params![worker.map(WorkerId::as_str), project.map(ProjectId::as_str)];
        select.query_and_then(wanted, job_row)?.collect()
    }

    fn held_by(&self, worker: &WorkerId) -> Result<Vec<JobId>> {
        const SQL: &str = "\
            SELECT id FROM jobs WHERE state IN ('offered', 'running') AND +worker = ?1 ORDER BY seq";
        let mut select = self.statement(SQL)?;
        select.query_and_then([worker.as_str()], |row| id(row, 0))?.collect()
    }
}

fn take_back(db: &Db, job: &JobId, now: Timestamp) -> Result<QueuedJob> {
    let claim = Claim::find(db, job)?.ok_or_else(|| StoreError::not_found("job", job.as_str()))?;
    end_attempt(db, &claim, AttemptOutcome::Released, Some("the worker was removed"), now)?;
    requeue(db, &claim, None)
}

fn limits(row: &Row<'_>) -> Result<WorkerLimits> {
    if row.get_ref(8)? == ValueRef::Null {
        Ok(WorkerLimits::default())
    } else {
        json(row, 8, At("workers", "limits"))
    }
}

fn worker(row: &Row<'_>) -> Result<WorkerRecord> {
    Ok(WorkerRecord {
        id: id(row, 0)?,
        name: row.get(1)?,
        token_hash: optional_id(row, 2)?,
        paused: row.get(3)?,
        capabilities_json: row.get(4)?,
        created_at: time(row, 5)?,
        last_seen_at: optional_time(row, 6)?,
        draining: row.get(7)?,
        limits: limits(row)?,
    })
}
