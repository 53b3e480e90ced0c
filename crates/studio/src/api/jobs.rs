//! `/api/v1/jobs`: submit, list, look, cancel, retry, reorder.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use studio_protocol::{JobId, Timestamp};
use studio_scheduler::QueuedJob;
use studio_store::{
    BatchId, CancelOutcome, Db, Job, JobDetail, JobFilter, JobState, StoreError, Submission, Submitted,
};

use super::auth::Caller;
use super::body::{ApiJson, OptionalJson, SubmissionBody};
use super::commit::commit;
use super::convert;
use super::problem::Problem;
use super::query::{ApiQuery, Id, PageQuery, kind, words};
use super::submit::{check_priority, prepare, read_jobs};
use super::text::{MAX_REASON_CHARS, checked_optional};
use super::types;
use crate::events::{Area, StudioEvent};
use crate::http::current_trace;
use crate::state::AppState;

/// On an answer that a former request with the same `Idempotency-Key` made.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    SubmissionBody(bytes): SubmissionBody,
) -> Result<Response, Problem> {
    let ready = prepare(&state, &caller, &headers, bytes, "jobs", read_jobs).await?;
    let now = Timestamp::now();
    let fresh: Vec<types::Job> = ready.submission.jobs.iter().map(|job| waiting(job, now)).collect();
    let submitted = store(&state, ready.submission, now).await?;
    let replayed = submitted.replayed.is_some();
    let mut jobs = match submitted.replayed {
        None => fresh,
        Some(former) => {
            let jobs = state.store.read(move |db| db.jobs_by_id(&former.jobs)).await?;
            jobs.into_iter().map(|job| convert::job(job, &state.live)).collect()
        }
    };
    let response = if ready.single && jobs.len() == 1 {
        let job = jobs.remove(0);
        let location = HeaderValue::from_str(&format!("/api/v1/jobs/{}", job.id));
        let mut response = (StatusCode::CREATED, Json(job)).into_response();
        if let Ok(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    } else {
        (StatusCode::CREATED, Json(types::Jobs { jobs })).into_response()
    };
    Ok(mark_replayed(response, replayed))
}

/// Commits a submission and tells the scheduler.
pub async fn store(state: &AppState, submission: Submission, now: Timestamp) -> Result<Submitted, Problem> {
    let trace = current_trace();
    commit(
        state,
        move |db| {
            let submitted = db.submit(submission, now)?;
            if let Some(trace) = trace {
                db.trace_jobs(&submitted.jobs, trace)?;
            }
            Ok(submitted)
        },
        |state, submitted: &Submitted| {
            state.live.meter().submitted(submitted.jobs.len());
            state.events.publish(StudioEvent::Submitted { jobs: submitted.jobs.len() });
            state.coordinator.queued(submitted.jobs.clone());
        },
    )
    .await
}

/// Says so when an answer repeats a former one.
pub fn mark_replayed(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// A job as it is right after its commit, without a look into the database.
fn waiting(job: &studio_store::NewJob, now: Timestamp) -> types::Job {
    types::Job {
        id: job.id.to_string(),
        state: JobState::Queued,
        kind: job.kind,
        model: job.model.clone(),
        project: job.project.to_string(),
        asset_name: job.asset_name.clone(),
        batch: None,
        priority: job.priority,
        attempts: 0,
        max_attempts: job.max_attempts,
        worker: None,
        error: None,
        created_at: now,
        started_at: None,
        finished_at: None,
        progress: None,
        artefact: None,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    pub state: Option<String>,
    pub kind: Option<String>,
    pub model: Option<String>,
    pub batch: Option<String>,
    pub project: Option<String>,
    pub worker: Option<String>,
    pub q: Option<String>,
    pub limit: Option<String>,
    pub cursor: Option<String>,
    #[serde(rename = "newerThan")]
    pub newer_than: Option<String>,
}

pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<types::JobPage>, Problem> {
    let (cursor, limit) = PageQuery::new(query.limit, query.cursor).read()?;
    let filter = JobFilter {
        states: words("state", query.state.as_deref())?,
        kind: kind(query.kind.as_deref())?,
        model: query.model,
        batch: query.batch.map(BatchId::from),
        project: caller.narrow(query.project)?,
        worker: query.worker.map(Into::into),
        text: query.q,
    };
    if cursor.is_some() && query.newer_than.is_some() {
        return Err(Problem::invalid("newerThan", "`cursor` and `newerThan` exclude each other"));
    }
    let newer_than = query.newer_than.map(JobId::from);
    let read = move |db: &Db| {
        let page = match &newer_than {
            Some(than) => db.jobs_newer(&filter, than, limit)?,
            None => db.jobs(&filter, cursor, limit)?,
        };
        Ok((page, db.counts_of(&filter)?))
    };
    let (page, counts) = state.store.read(read).await?;
    Ok(Json(types::JobPage {
        items: page.items.into_iter().map(|job| convert::job(job, &state.live)).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
        counts: counts.map(|counts| convert::counts(&counts)),
    }))
}

pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<types::JobDetail>, Problem> {
    let detail = visible(&state, caller, id).await?;
    Ok(Json(convert::detail(detail, &state.live)))
}

pub async fn result(State(state): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, Problem> {
    let detail = visible(&state, caller, id).await?;
    match detail.result_json {
        Some(json) => Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response()),
        None => Err(no_result(&detail.job)),
    }
}

/// Why a job has no result to show.
pub fn no_result(job: &Job) -> Problem {
    let mut problem = Problem::not_found("result of the job", job.id.as_str());
    problem.detail = match (job.state, &job.artefact) {
        (JobState::Done, Some(_)) => format!("the job `{}` made an artefact, not JSON", job.id),
        (JobState::Done, None) if !job.kind.result_is_json() => {
            format!("the artefact of the job `{}` was deleted", job.id)
        }
        (JobState::Done, None) => format!("the job `{}` made JSON, not an artefact", job.id),
        (state, _) => format!("the job `{}` is {state} and has no result", job.id),
    };
    problem
}

pub async fn logs(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<types::Items<types::JobLog>>, Problem> {
    let job = visible(&state, caller, id).await?.job.id;
    let lines = state.store.read(move |db| db.job_logs(&job)).await?;
    Ok(Json(types::Items { items: lines.into_iter().map(convert::log).collect(), next_cursor: None }))
}

pub async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    OptionalJson(body): OptionalJson<types::Reason>,
) -> Result<Json<types::JobDetail>, Problem> {
    let reason = reason(body.reason, &caller)?;
    let now = Timestamp::now();
    let job = JobId::from(id);
    let told = job.clone();
    let told_reason = reason.clone();
    let id = job.clone();
    let (outcome, detail) = commit(
        &state,
        move |db| {
            must_see(db, &caller, &job)?;
            let outcome = db.cancel(&job, &reason, now)?;
            Ok((outcome, db.job(&job)?))
        },
        move |state, (outcome, _)| {
            if matches!(outcome, CancelOutcome::Cancelled { .. }) {
                state.coordinator.cancelled(told, told_reason);
            }
        },
    )
    .await?;
    match outcome {
        CancelOutcome::Cancelled { .. } | CancelOutcome::AlreadyEnded(JobState::Cancelled) => {
            Ok(Json(convert::detail(detail, &state.live)))
        }
        CancelOutcome::AlreadyEnded(ended) => {
            Err(Problem::conflict(format!("the job `{id}` is {ended} already: there is nothing to cancel")))
        }
        CancelOutcome::NotFound => Err(Problem::not_found("job", id.as_str())),
    }
}

/// The reason that workers and the history are told.
pub fn reason(text: Option<String>, caller: &Caller) -> Result<String, Problem> {
    Ok(checked_optional("reason", text, MAX_REASON_CHARS)?
        .unwrap_or_else(|| format!("cancelled by {}", caller.name())))
}

pub async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<types::JobDetail>, Problem> {
    let now = Timestamp::now();
    let job = JobId::from(id);
    let (_, detail) = commit(
        &state,
        move |db| {
            must_see(db, &caller, &job)?;
            let queued = db.retry(&job, now)?;
            Ok((queued, db.job(&job)?))
        },
        |state, (queued, _)| waits_again(state, vec![queued.clone()]),
    )
    .await?;
    Ok(Json(convert::detail(detail, &state.live)))
}

/// Tells the scheduler and the watchers that ended jobs wait again.
pub fn waits_again(state: &AppState, jobs: Vec<QueuedJob>) {
    for job in &jobs {
        state.events.publish(StudioEvent::Job { id: job.id.clone(), state: JobState::Queued, worker: None });
    }
    state.coordinator.queued(jobs);
}

pub async fn patch(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    ApiJson(body): ApiJson<types::JobPatch>,
) -> Result<Json<types::JobDetail>, Problem> {
    check_priority("priority", body.priority)?;
    let job = JobId::from(id);
    let (_, detail) = commit(
        &state,
        move |db| {
            must_see(db, &caller, &job)?;
            let queued = db.set_priority(&job, body.priority)?;
            Ok((queued, db.job(&job)?))
        },
        |state, (queued, detail)| {
            let (id, worker) = (detail.job.id.clone(), detail.job.worker.clone());
            state.events.publish(StudioEvent::Job { id, state: detail.job.state, worker });
            if let Some(queued) = queued {
                state.coordinator.reprioritised(queued.clone());
                state.events.publish(StudioEvent::Changed { what: Area::Queue });
            }
        },
    )
    .await?;
    Ok(Json(convert::detail(detail, &state.live)))
}

/// A job that the caller may see; one of another project does not exist for it.
pub async fn visible(state: &AppState, caller: Caller, id: String) -> Result<JobDetail, Problem> {
    let detail = state
        .store
        .read(move |db| {
            let detail = db.job(&JobId::from(id.as_str()))?;
            if caller.sees(&detail.job.project) { Ok(detail) } else { Err(StoreError::not_found("job", id)) }
        })
        .await?;
    Ok(detail)
}

pub fn must_see(db: &Db, caller: &Caller, job: &JobId) -> Result<(), StoreError> {
    if caller.bound_to().is_none() || caller.sees(&db.job(job)?.job.project) {
        return Ok(());
    }
    Err(StoreError::not_found("job", job.as_str()))
}
