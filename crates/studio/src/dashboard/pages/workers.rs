//! `/workers`: who works here, and who wants to.

use axum::extract::State;
use axum::http::HeaderMap;
use studio_api::{Registration, Worker};
use studio_dashboard::Area;
use studio_dashboard::pages::workers::{self, Detail, Row, Workers};
use studio_protocol::WorkerId;
use studio_store::{Db, JobFilter, JobState, RegistrationState, Role};

use crate::api::query::{Id, MAX_LIMIT};
use crate::api::{convert, workers as api};
use crate::dashboard::visit::{Answer, Page, PageProblem, Visit};
use crate::model_files;
use crate::state::AppState;

/// Jobs of one worker that are shown.
const JOBS_OF_ONE: u32 = 10;

pub async fn list(State(state): State<AppState>, visit: Visit, headers: HeaderMap) -> Answer {
    let project = visit.caller.bound_to().cloned();
    let held = state
        .store
        .read(move |db| {
            let filter = JobFilter {
                states: vec![JobState::Running],
                project: project.clone(),
                ..JobFilter::default()
            };
            Ok(db.jobs(&filter, None, MAX_LIMIT)?.items)
        })
        .await?;
    let mut rows: Vec<Row> =
        all(&state, &visit).await?.into_iter().map(|worker| Row { worker, jobs: Vec::new() }).collect();
    for job in held {
        let job = convert::job(job, &state.live);
        if let Some(row) = rows.iter_mut().find(|row| job.worker.as_ref() == Some(&row.worker.id)) {
            row.jobs.push(job);
        }
    }
    // Who is there first, then by name, so that a row does not jump while it is read.
    rows.sort_by(|a, b| (!a.worker.online, &a.worker.name).cmp(&(!b.worker.online, &b.worker.name)));
    let studio_url = model_files::base(&state.settings, &headers);
    let workers = Workers { pending: pending(&state, &visit).await?, rows, studio_url };
    Ok(Page(workers::page(&visit.shell("Workers", Area::Workers), &workers)))
}

pub async fn show(State(state): State<AppState>, visit: Visit, Id(id): Id) -> Answer {
    let worker = api::show(State(state.clone()), visit.caller.clone(), Id(id.clone())).await?.0;
    let project = visit.caller.bound_to().cloned();
    let (jobs, models) = state
        .store
        .read(move |db| {
            let filter = JobFilter { worker: Some(WorkerId::from(id)), project, ..JobFilter::default() };
            Ok((db.jobs(&filter, None, JOBS_OF_ONE)?.items, db.models()?))
        })
        .await?;
    // They tell of the jobs of all projects.
    let logs = match visit.caller.bound_to() {
        None => state.live.logs().after(&WorkerId::from(worker.id.as_str()), 0),
        Some(_) => Vec::new(),
    };
    let jobs = jobs.into_iter().map(|job| convert::job(job, &state.live)).collect();
    let shell = visit.shell(worker.name.clone(), Area::Workers);
    Ok(Page(workers::detail(&shell, &Detail { worker, jobs, models, logs })))
}

/// Every worker.
pub async fn all(state: &AppState, visit: &Visit) -> Result<Vec<Worker>, PageProblem> {
    Ok(api::list(State(state.clone()), visit.caller.clone()).await?.0.items)
}

/// Registrations that wait; none for who may not decide about them.
pub async fn pending(state: &AppState, visit: &Visit) -> Result<Vec<Registration>, PageProblem> {
    if !visit.may(Role::Operator) || visit.caller.bound_to().is_some() {
        return Ok(Vec::new());
    }
    let waiting = |db: &Db| db.registrations(Some(RegistrationState::Pending));
    Ok(state.store.read(waiting).await?.into_iter().map(convert::registration).collect())
}
