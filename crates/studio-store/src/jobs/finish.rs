//! A worker delivers: results, committed once, for the current attempt, with the job's new state.

use rusqlite::params;
use studio_protocol::{JobId, Timestamp, WorkerId};

use super::standing::{Claim, Standing, standing};
use crate::db::Db;
use crate::{CommitOutcome, JobState, NewArtefact, Result, StoreError, WebhookEvent};

impl Db {
    /// Stores a JSON result; refuses one for a kind of job that makes bytes.
    pub fn complete_json(
        &mut self,
        job: &JobId,
        worker: &WorkerId,
        attempt: Option<u32>,
        result: &str,
        prompt: Option<&str>,
        now: Timestamp,
    ) -> Result<CommitOutcome> {
        self.complete(job, worker, attempt, now, |db, claim| {
            if !claim.kind.result_is_json() {
                let problem = format!("a job of kind {} makes a file: upload it", claim.kind);
                return Err(StoreError::invalid("result", problem));
            }
            db.statement("INSERT INTO results (job, json, prompt) VALUES (?1, ?2, ?3)")?
                .execute(params![claim.seq, result, prompt])?;
            Ok(())
        })
    }

    /// Stores where an uploaded result lies; unless it says `Committed`, the caller removes the bytes again.
    pub fn complete_artefact(
        &mut self,
        job: &JobId,
        worker: &WorkerId,
        attempt: Option<u32>,
        artefact: &NewArtefact,
        now: Timestamp,
    ) -> Result<CommitOutcome> {
        const SQL: &str = "\
            INSERT INTO artefacts (id, job, batch, key, sha256, bytes, ext, mime, meta, created_at) \
            VALUES (?1, ?2, (SELECT batch FROM jobs WHERE seq = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.complete(job, worker, attempt, now, |db, claim| {
            if claim.kind.result_is_json() {
                let problem = format!("a job of kind {} makes JSON: report it in the session", claim.kind);
                return Err(StoreError::invalid("image", problem));
            }
            db.statement(SQL)?.execute(params![
                artefact.id.as_str(),
                claim.seq,
                artefact.key,
                artefact.sha256,
                i64::try_from(artefact.bytes).unwrap_or(i64::MAX),
                artefact.ext,
                artefact.mime,
                artefact.meta,
                now.as_millis(),
            ])?;
            Ok(())
        })
    }

    fn complete(
        &mut self,
        job: &JobId,
        worker: &WorkerId,
        attempt: Option<u32>,
        now: Timestamp,
        store: impl FnOnce(&Self, &Claim) -> Result<()>,
    ) -> Result<CommitOutcome> {
        // A result may overtake its acceptance: an offered job is done just as well.
        const DONE: &str = "\
            UPDATE jobs SET state = 'done', finished_at = ?2, started_at = coalesce(started_at, claimed_at), \
                error = NULL \
            WHERE seq = ?1";
        self.atomically(|db| match standing(db, job, worker, attempt)? {
            Standing::Current(claim) => {
                store(db, &claim)?;
                db.statement(DONE)?.execute(params![claim.seq, now.as_millis()])?;
                db.announce_end(claim.seq, WebhookEvent::JobDone, now)?;
                db.count(&claim.project, Some(claim.state), Some(JobState::Done), 1);
                Ok(CommitOutcome::Committed)
            }
            Standing::Done => Ok(CommitOutcome::Again),
            Standing::Past => Ok(CommitOutcome::Stale),
            Standing::Never => Ok(CommitOutcome::NeverHeld),
        })
    }
}
