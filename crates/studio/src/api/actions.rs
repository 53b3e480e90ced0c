//! `/api/v1/jobs/actions` and `/api/v1/jobs/{id}/move`: many jobs at once, and the order in which jobs wait.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use studio_protocol::{JobId, Timestamp};
use studio_scheduler::QueuedJob;
use studio_store::{ActionOutcome, BatchId, Db, JobAction, JobFilter, JobState, MoveTo, Role, StoreError};

use super::auth::{Access, Caller};
use super::body::ApiJson;
use super::commit::commit;
use super::jobs::{must_see, reason, waits_again};
use super::problem::Problem;
use super::query::{Id, MAX_LIMIT};
use super::submit::check_priority;
use super::types::{
    ActionFilter, ActionResult, ActionResults, ActionTaken, JobActions, JobDetail, MoveEnd, MoveJob,
};
use super::{Route, convert, route};
use crate::events::{Area, StudioEvent};
use crate::state::AppState;

/// Jobs that one request changes: one transaction, so it bounds how long others wait for their turn.
pub const MAX_ACTION_JOBS: usize = 1_000;

/// Those of several jobs and of their order.
pub fn routes() -> Vec<Route> {
    const SUBMITTER: Access = Access::AtLeast(Role::Submitter);
    vec![
        route(Method::POST, "/api/v1/jobs/actions", SUBMITTER, act),
        route(Method::POST, "/api/v1/jobs/{id}/move", SUBMITTER, move_job),
    ]
}

async fn act(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(body): ApiJson<JobActions>,
) -> Result<Json<ActionResults>, Problem> {
    let JobActions { action: taken, ids, filter, priority, reason: why } = body;
    let action = action(taken, priority, why, &caller)?;
    let (jobs, more) = match (ids, filter) {
        (Some(ids), None) => (named(ids)?, false),
        (None, Some(filter)) => found(&state, &caller, taken, filter).await?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid("ids", "say which jobs: either `ids` or `filter`"));
        }
    };
    let told_reason = if let JobAction::Cancel { reason } = &action { reason.clone() } else { String::new() };
    let project = caller.bound_to().cloned();
    let now = Timestamp::now();
    let outcomes = commit(
        &state,
        move |db| db.act(&jobs, &action, project.as_ref(), now),
        move |state, outcomes| tell(state, taken, outcomes, &told_reason),
    )
    .await?;
    let items: Vec<ActionResult> = outcomes.into_iter().map(shown).collect();
    let changed = items.iter().filter(|item| item.changed).count() as u64;
    Ok(Json(ActionResults { items, changed, more }))
}

fn action(
    taken: ActionTaken,
    priority: Option<i32>,
    why: Option<String>,
    caller: &Caller,
) -> Result<JobAction, Problem> {
    if priority.is_some() && taken != ActionTaken::Priority {
        return Err(Problem::invalid("priority", "only the action `priority` takes a priority"));
    }
    Ok(match taken {
        ActionTaken::Cancel => JobAction::Cancel { reason: reason(why, caller)? },
        ActionTaken::Retry => JobAction::Retry,
        ActionTaken::Priority => {
            let priority =
                priority.ok_or_else(|| Problem::invalid("priority", "the new priority is missing"))?;
            check_priority("priority", priority)?;
            JobAction::Priority(priority)
        }
    })
}

fn named(mut ids: Vec<String>) -> Result<Vec<JobId>, Problem> {
    match ids.len() {
        0 => return Err(Problem::invalid("ids", "there is no job in it")),
        1..=MAX_ACTION_JOBS => {}
        jobs => return Err(Problem::too_many_jobs(jobs, MAX_ACTION_JOBS).at("ids")),
    }
    // A job that is named twice is changed once.
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    Ok(ids.into_iter().map(JobId::from).collect())
}

/// The newest jobs of the filter that the action can change, and whether there are more.
async fn found(
    state: &AppState,
    caller: &Caller,
    taken: ActionTaken,
    filter: ActionFilter,
) -> Result<(Vec<JobId>, bool), Problem> {
    let possible: &[JobState] = match taken {
        ActionTaken::Cancel | ActionTaken::Priority => {
            &[JobState::Queued, JobState::Offered, JobState::Running]
        }
        ActionTaken::Retry => &[JobState::Failed, JobState::Cancelled, JobState::Quarantined],
    };
    let ActionFilter { state: asked, kind, model, batch, project, worker, q } = filter;
    let is_asked = |state: &&JobState| asked.is_empty() || asked.contains(state);
    let filter = JobFilter {
        states: possible.iter().filter(is_asked).copied().collect(),
        kind,
        model,
        batch: batch.map(BatchId::from),
        project: caller.narrow(project)?,
        worker: worker.map(Into::into),
        text: q,
    };
    if filter.states.is_empty() {
        return Ok((Vec::new(), false));
    }
    let read = move |db: &Db| {
        let mut jobs = Vec::new();
        let mut cursor = None;
        loop {
            let left = u32::try_from(MAX_ACTION_JOBS - jobs.len()).unwrap_or(MAX_LIMIT);
            let page = db.jobs(&filter, cursor, left.min(MAX_LIMIT))?;
            jobs.extend(page.items.into_iter().map(|job| job.id));
            cursor = page.next_cursor;
            if cursor.is_none() || jobs.len() >= MAX_ACTION_JOBS {
                return Ok((jobs, cursor.is_some()));
            }
        }
    };
    Ok(state.store.read(read).await?)
}

fn tell(state: &AppState, taken: ActionTaken, outcomes: &[(JobId, ActionOutcome)], reason: &str) {
    let mut waiting: Vec<QueuedJob> = Vec::new();
    for (job, outcome) in outcomes {
        match outcome {
            ActionOutcome::Cancelled => state.coordinator.cancelled(job.clone(), reason.to_owned()),
            ActionOutcome::Waits(queued) => waiting.push(queued.clone()),
            ActionOutcome::Changed | ActionOutcome::Refused(_) | ActionOutcome::NotFound => {}
        }
    }
    if taken == ActionTaken::Retry {
        return waits_again(state, waiting);
    }
    let reordered = !waiting.is_empty();
    for job in &waiting {
        let (id, job_state) = (job.id.clone(), JobState::Queued);
        state.events.publish(StudioEvent::Job { id, state: job_state, worker: None });
    }
    state.coordinator.queued(waiting);
    if reordered {
        state.events.publish(StudioEvent::Changed { what: Area::Queue });
    }
}

fn shown((id, outcome): (JobId, ActionOutcome)) -> ActionResult {
    let id = id.to_string();
    match outcome {
        ActionOutcome::Cancelled | ActionOutcome::Waits(_) | ActionOutcome::Changed => {
            ActionResult { id, changed: true, problem: None }
        }
        ActionOutcome::Refused(problem) => {
            let problem = Some(format!("the job `{id}` {problem}"));
            ActionResult { id, changed: false, problem }
        }
        ActionOutcome::NotFound => {
            let problem = Some(format!("there is no job `{id}`"));
            ActionResult { id, changed: false, problem }
        }
    }
}

async fn move_job(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    ApiJson(body): ApiJson<MoveJob>,
) -> Result<Json<JobDetail>, Problem> {
    let to = match (body.before, body.to) {
        (Some(before), None) => MoveTo::Before(JobId::from(before)),
        (None, Some(MoveEnd::Front)) => MoveTo::Front,
        (None, Some(MoveEnd::Back)) => MoveTo::Back,
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid(
                "to",
                "say where: either `before` with a job, or `to` with `front` or `back`",
            ));
        }
    };
    let job = JobId::from(id);
    let mut place = place(&state, &caller, &job, &to).await?;
    if place.is_none() {
        let (moved, spot) = (job.clone(), to.clone());
        commit(
            &state,
            move |db| db.spread(&moved, &spot),
            |state, spread| state.coordinator.queued(spread.clone()),
        )
        .await?;
        place = self::place(&state, &caller, &job, &to).await?;
    }
    let Some(place) = place else {
        return Err(Problem::conflict(format!("there is no room for `{job}` there: move it somewhere else")));
    };
    let (_, detail) = commit(
        &state,
        move |db| Ok((db.set_place(&job, place)?, db.job(&job)?)),
        |state, (queued, _)| {
            state.coordinator.reprioritised(queued.clone());
            state.events.publish(StudioEvent::Changed { what: Area::Queue });
        },
    )
    .await?;
    Ok(Json(convert::detail(detail, &state.live)))
}

/// Looked up beside the writer, because it looks at all that waits.
async fn place(
    state: &AppState,
    caller: &Caller,
    job: &JobId,
    to: &MoveTo,
) -> Result<Option<i64>, StoreError> {
    let (caller, job, to) = (caller.clone(), job.clone(), to.clone());
    state
        .store
        .read(move |db| {
            must_see(db, &caller, &job)?;
            if let MoveTo::Before(other) = &to {
                must_see(db, &caller, other)?;
            }
            db.place_for(&job, &to)
        })
        .await
}
