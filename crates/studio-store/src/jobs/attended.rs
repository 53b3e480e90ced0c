//! Jobs whose clients wait on an open connection, and that nobody wants once it is gone.

use studio_protocol::{JobId, Timestamp};

use super::cancel_one;
use crate::db::Db;
use crate::row::id;
use crate::{CancelOutcome, Result, Submission, Submitted};

impl Db {
    /// Stores jobs for which a client waits.
    pub fn submit_attended(&mut self, new: Submission, now: Timestamp) -> Result<Submitted> {
        self.atomically(|db| {
            let submitted = db.submit(new, now)?;
            let mut insert = db.statement("INSERT INTO attended (job) VALUES (?1)")?;
            for job in &submitted.jobs {
                insert.execute([job.id.as_str()])?;
            }
            drop(insert);
            Ok(submitted)
        })
    }

    /// Nobody waits for the job any more, however it ended.
    pub fn unattend(&mut self, job: &JobId) -> Result<()> {
        self.statement("DELETE FROM attended WHERE job = ?1")?.execute([job.as_str()])?;
        Ok(())
    }

    /// Calls off every open job for which a client waited; tells how many.
    pub fn cancel_attended(&mut self, reason: &str, now: Timestamp) -> Result<usize> {
        self.atomically(|db| {
            let jobs: Vec<JobId> = db
                .statement("SELECT job FROM attended")?
                .query_and_then([], |row| id(row, 0))?
                .collect::<Result<_>>()?;
            if jobs.is_empty() {
                return Ok(0); // Even a deletion of nothing writes a page, and a start must do without a free one.
            }
            let mut cancelled = 0;
            for job in &jobs {
                let outcome = cancel_one(db, job, reason, now)?;
                cancelled += usize::from(matches!(outcome, CancelOutcome::Cancelled { .. }));
            }
            db.run("DELETE FROM attended")?;
            Ok(cancelled)
        })
    }
}
