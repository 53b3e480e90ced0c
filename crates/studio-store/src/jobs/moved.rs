//! Moving a waiting job within the jobs of its project and priority.
//!
//! A job's place is a number; jobs that nobody moved are a large step apart, so that a moved one fits between any two.

use rusqlite::params;
use studio_protocol::{JobId, ProjectId};
use studio_scheduler::{QueuedJob, first_place};

use super::rows::queued_job;
use crate::db::Db;
use crate::row::{At, id, word};
use crate::{JobState, MoveTo, Result, StoreError};

/// Jobs that are spread anew when there is no room left at a spot.
const SPREAD: i64 = 1_000;

/// A job's place, or that of one that nobody moved; [`first_place`] in SQL.
pub(super) const PLACE: &str = "coalesce(j.place, j.seq << 30)";
const _: () = assert!(first_place(1) == 1 << 30);

struct Waiting {
    seq: i64,
    project: ProjectId,
    priority: i32,
    place: i64,
}

impl Db {
    /// The place that a waiting job has to take to be there; `None` when there is no room, see [`Db::spread`].
    ///
    /// Looks at every job that waits: for a reader, not for the writer.
    pub fn place_for(&self, job: &JobId, to: &MoveTo) -> Result<Option<i64>> {
        let moved = self.waiting(job)?;
        let (before, after) = match to {
            MoveTo::Front => (None, self.edge(&moved, "min")?),
            MoveTo::Back => (self.edge(&moved, "max")?, Some(first_place(self.next_seq()?))),
            MoveTo::Before(other) => {
                let other = self.beside(&moved, job, other)?;
                (self.place_before(&moved, &other)?, Some(other.place))
            }
        };
        Ok(match (before, after) {
            (None, None) => Some(moved.place),
            (None, Some(after)) => after.checked_sub(first_place(1)),
            (Some(before), None) => before.checked_add(first_place(1)),
            (Some(before), Some(after)) => {
                let middle = before.saturating_add(after.saturating_sub(before) / 2);
                (before < middle && middle < after).then_some(middle)
            }
        })
    }

    /// Gives a waiting job a place that [`Db::place_for`] found.
    pub fn set_place(&mut self, job: &JobId, place: i64) -> Result<QueuedJob> {
        self.atomically(|db| {
            let moved = db.waiting(job)?;
            db.statement("UPDATE jobs SET place = ?2 WHERE seq = ?1")?.execute([moved.seq, place])?;
            queued_job(db, moved.seq)
        })
    }

    /// Makes room at the spot where `job` is to go: the jobs before it are spread evenly, in their order.
    pub fn spread(&mut self, job: &JobId, to: &MoveTo) -> Result<Vec<QueuedJob>> {
        let sql = format!(
            "SELECT j.seq, {PLACE} FROM jobs j \
             WHERE j.state = 'queued' AND +j.project = ?1 AND +j.priority = ?2 AND j.seq <> ?3 \
                AND ({PLACE}, j.seq) < (?4, ?5) \
             ORDER BY 2 DESC, 1 DESC LIMIT ?6"
        );
        self.atomically(|db| {
            let moved = db.waiting(job)?;
            let (end, end_seq) = match to {
                MoveTo::Before(other) => {
                    let other = db.beside(&moved, job, other)?;
                    (other.place, other.seq)
                }
                MoveTo::Front | MoveTo::Back => (first_place(db.next_seq()?), i64::MAX),
            };
            let mut select = db.statement(&sql)?;
            let rows = select.query_map(
                params![moved.project.as_str(), moved.priority, moved.seq, end, end_seq, SPREAD + 1],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
            )?;
            let mut line = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            // Below the last one there is all the room in the world, unless more follow.
            let mut jobs = i64::try_from(line.len()).unwrap_or(SPREAD);
            let begin = if jobs > SPREAD {
                jobs = SPREAD;
                line.pop().map_or(end, |(_, place)| place)
            } else {
                line.last().map_or(end, |(_, place)| *place).saturating_sub(first_place(jobs + 1))
            };
            let step = (end.saturating_sub(begin)) / (jobs + 1);
            line.reverse();
            let mut spread = Vec::with_capacity(line.len());
            for ((seq, _), number) in line.into_iter().zip(1..) {
                db.statement("UPDATE jobs SET place = ?2 WHERE seq = ?1")?
                    .execute([seq, begin + step * number])?;
                spread.push(queued_job(db, seq)?);
            }
            Ok(spread)
        })
    }

    fn waiting(&self, job: &JobId) -> Result<Waiting> {
        let sql = format!(
            "SELECT j.id, j.seq, j.project, j.priority, {PLACE}, j.state FROM jobs j WHERE j.id = ?1"
        );
        let mut select = self.statement(&sql)?;
        let mut rows = select.query([job.as_str()])?;
        let Some(row) = rows.next()? else { return Err(StoreError::not_found("job", job.as_str())) };
        let state: JobState = word(row, 5, At("jobs", "state"))?;
        if state != JobState::Queued {
            let problem = format!("is {state}: only jobs that wait have a place in the queue");
            return Err(StoreError::conflict("job", job.as_str(), problem));
        }
        Ok(Waiting { seq: row.get(1)?, project: id(row, 2)?, priority: row.get(3)?, place: row.get(4)? })
    }

    /// The job before which another is to wait.
    fn beside(&self, moved: &Waiting, job: &JobId, other: &JobId) -> Result<Waiting> {
        let beside = self.waiting(other)?;
        let problem = if beside.seq == moved.seq {
            "cannot wait before itself".to_owned()
        } else if beside.project != moved.project {
            format!(
                "is of another project than `{job}`: projects take turns, their jobs have no common order"
            )
        } else if beside.priority != moved.priority {
            format!("has priority {}, `{job}` has {}: change that first", beside.priority, moved.priority)
        } else {
            return Ok(beside);
        };
        Err(StoreError::conflict("job", other.as_str(), problem))
    }

    /// The first or last place of the line, the moved job's own aside.
    fn edge(&self, moved: &Waiting, which: &str) -> Result<Option<i64>> {
        let sql = format!(
            "SELECT {which}({PLACE}) FROM jobs j \
             WHERE j.state = 'queued' AND +j.project = ?1 AND +j.priority = ?2 AND j.seq <> ?3"
        );
        let line = params![moved.project.as_str(), moved.priority, moved.seq];
        Ok(self.statement(&sql)?.query_row(line, |row| row.get(0))?)
    }

    fn place_before(&self, moved: &Waiting, other: &Waiting) -> Result<Option<i64>> {
        let sql = format!(
            "SELECT max({PLACE}) FROM jobs j \
             WHERE j.state = 'queued' AND +j.project = ?1 AND +j.priority = ?2 AND j.seq <> ?3 \
                AND ({PLACE}, j.seq) < (?4, ?5)"
        );
        let line = params![moved.project.as_str(), moved.priority, moved.seq, other.place, other.seq];
        Ok(self.statement(&sql)?.query_row(line, |row| row.get(0))?)
    }

    /// What the next job that comes is numbered.
    fn next_seq(&self) -> Result<i64> {
        let last: Option<i64> =
            self.statement("SELECT max(seq) FROM jobs")?.query_row([], |row| row.get(0))?;
        Ok(last.unwrap_or_default() + 1)
    }
}
