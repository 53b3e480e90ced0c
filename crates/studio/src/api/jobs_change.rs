//! `POST /api/v1/jobs/change`: one change to many jobs, named by their ids or by a filter.
//!
//! Every [`CHUNK`] jobs are one transaction, so that a change to all of a long queue holds up nobody. Who hangs up
//! in the middle finds those that were reached changed; asking again does the rest.

use axum::Json;
use axum::extract::State;
use studio_protocol::{JobId, Timestamp};
use studio_store::{BatchId, Cursor, Db, Job, JobFilter, JobState};

use super::auth::Caller;
use super::body::ApiJson;
use super::commit::commit;
use super::jobs::{reason, waits_again};
use super::problem::Problem;
use super::query::MAX_LIMIT;
use super::submit::{MAX_JOBS, MAX_PRIORITY, check_priority};
use super::types::{JobsAction, JobsChange, JobsChanged, JobsMatching};
use crate::events::StudioEvent;
use crate::state::AppState;

/// Jobs of one transaction: what a page of a list holds.
const CHUNK: u32 = MAX_LIMIT;

pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(body): ApiJson<JobsChange>,
) -> Result<Json<JobsChanged>, Problem> {
    let change = Change::of(&state, &caller, &body).await?;
    let mut jobs = match (body.jobs, body.matching) {
        (Some(ids), None) => Chosen::named(ids)?,
        (None, Some(matching)) => Chosen::Matching(filter(&caller, matching)?, None),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid("jobs", "say which jobs: either `jobs` or `matching`"));
        }
    };
    let mut told = JobsChanged { matched: 0, changed: 0 };
    while let Some(chunk) = jobs.next(&state).await? {
        let seen: Vec<Job> = chunk.into_iter().filter(|job| caller.sees(&job.project)).collect();
        told.matched += seen.len() as u64;
        let fit: Vec<JobId> =
            seen.into_iter().filter(|job| change.fits(job.state)).map(|job| job.id).collect();
        if !fit.is_empty() {
            told.changed += change.perform(&state, fit).await?;
        }
    }
    Ok(Json(told))
}

/// The filter that a list takes in its address.
pub fn filter(caller: &Caller, matching: JobsMatching) -> Result<JobFilter, Problem> {
    Ok(JobFilter {
        state: matching.state,
        kind: matching.kind,
        model: matching.model,
        batch: matching.batch.map(BatchId::from),
        project: caller.narrow(matching.project)?,
        worker: matching.worker.map(Into::into),
        text: matching.q,
    })
}

/// What is done, checked.
#[derive(Clone)]
enum Change {
    Cancel(String),
    Retry,
    To(i32),
    By(i32),
    Front(i32),
}

impl Change {
    async fn of(state: &AppState, caller: &Caller, body: &JobsChange) -> Result<Self, Problem> {
        match (body.action, body.priority, body.by) {
            (JobsAction::Cancel, ..) => Ok(Self::Cancel(reason(body.reason.clone(), caller)?)),
            (JobsAction::Retry, ..) => Ok(Self::Retry),
            (JobsAction::Priority, Some(priority), None) => {
                check_priority("priority", priority)?;
                Ok(Self::To(priority))
            }
            (JobsAction::Priority, None, Some(by)) => {
                check_priority("by", by)?;
                Ok(Self::By(by))
            }
            (JobsAction::Priority, ..) => {
                Err(Problem::invalid("priority", "say which: either `priority` or `by`"))
            }
            (JobsAction::Front, ..) => {
                let highest = state.store.read(Db::highest_priority).await?;
                Ok(Self::Front(highest.map_or(0, |highest| highest + 1).clamp(-MAX_PRIORITY, MAX_PRIORITY)))
            }
        }
    }

    fn fits(&self, state: JobState) -> bool {
        match self {
            Self::Cancel(_) | Self::To(_) | Self::By(_) => state.is_open(),
            Self::Front(_) => state == JobState::Queued,
            Self::Retry => !state.is_open() && state != JobState::Done,
        }
    }

    async fn perform(&self, state: &AppState, jobs: Vec<JobId>) -> Result<u64, Problem> {
        match self.clone() {
            Self::Cancel(reason) => cancel(state, jobs, reason).await,
            Self::Retry => {
                let queued = commit(
                    state,
                    move |db| db.retry_jobs(&jobs),
                    |state, queued| waits_again(state, queued.clone()),
                )
                .await?;
                Ok(queued.len() as u64)
            }
            Self::To(priority) | Self::Front(priority) => prioritise(state, jobs, move |_| priority).await,
            Self::By(by) => {
                prioritise(state, jobs, move |now| (now + by).clamp(-MAX_PRIORITY, MAX_PRIORITY)).await
            }
        }
    }
}

async fn cancel(state: &AppState, jobs: Vec<JobId>, reason: String) -> Result<u64, Problem> {
    let now = Timestamp::now();
    let told = reason.clone();
    let cancelled = commit(
        state,
        move |db| db.cancel_jobs(&jobs, &reason, now),
        move |state, cancelled| {
            for job in cancelled {
                state.coordinator.cancelled(job.clone(), told.clone());
            }
        },
    )
    .await?;
    Ok(cancelled.len() as u64)
}

async fn prioritise(
    state: &AppState,
    jobs: Vec<JobId>,
    priority: impl Fn(i32) -> i32 + Send + 'static,
) -> Result<u64, Problem> {
    let changed = commit(
        state,
        move |db| db.set_priorities(&jobs, priority),
        |state, changed| {
            for (id, job_state, queued) in changed {
                state.events.publish(StudioEvent::Job { id: id.clone(), state: *job_state, worker: None });
                if let Some(queued) = queued {
                    state.coordinator.reprioritised(queued.clone());
                }
            }
        },
    )
    .await?;
    Ok(changed.len() as u64)
}

/// The jobs that are meant, a chunk at a time.
enum Chosen {
    Named(std::vec::IntoIter<String>),
    Matching(JobFilter, Option<Cursor>),
    Over,
}

impl Chosen {
    fn named(ids: Vec<String>) -> Result<Self, Problem> {
        if ids.len() > MAX_JOBS {
            return Err(Problem::too_many_jobs(ids.len(), MAX_JOBS));
        }
        Ok(Self::Named(ids.into_iter()))
    }

    /// Jobs that come while this goes on are newer than the first chunk and stay as they are.
    async fn next(&mut self, state: &AppState) -> Result<Option<Vec<Job>>, Problem> {
        match self {
            Self::Named(ids) => {
                let chunk: Vec<JobId> = ids.take(CHUNK as usize).map(JobId::from).collect();
                if chunk.is_empty() {
                    return Ok(None);
                }
                Ok(Some(state.store.read(move |db| db.jobs_by_id(&chunk)).await?))
            }
            Self::Matching(filter, cursor) => {
                let (wanted, from) = (filter.clone(), *cursor);
                let page = state.store.read(move |db| db.jobs(&wanted, from, CHUNK)).await?;
                match page.next_cursor {
                    Some(next) => *cursor = Some(next),
                    None => *self = Self::Over,
                }
                Ok(Some(page.items))
            }
            Self::Over => Ok(None),
        }
    }
}
