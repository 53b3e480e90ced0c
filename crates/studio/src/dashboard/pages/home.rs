//! `/`: what needs attention, and how the fleet is doing.

use axum::extract::State;
use axum::http::HeaderMap;
use studio_dashboard::Area;
use studio_dashboard::pages::home::{Home, page};
use studio_protocol::{ProjectId, Timestamp};
use studio_store::{Db, Job, JobFilter, JobState, StoreError};

use super::workers::{all, pending};
use crate::api::{convert, overview, status};
use crate::dashboard::visit::{Answer, Page, Visit};
use crate::model_files;
use crate::state::AppState;

/// Running jobs that are shown: more than a screen of them says nothing more.
const RUNNING: u32 = 24;
/// Failed jobs that are looked at; those of yesterday and before are left out of them.
const TROUBLED: u32 = 50;
/// What "since yesterday" means.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub async fn show(State(state): State<AppState>, visit: Visit, headers: HeaderMap) -> Answer {
    let status = status::status(State(state.clone()), visit.caller.clone()).await?.0;
    let project = visit.caller.bound_to().cloned();
    let (running, troubled) = state
        .store
        .read(move |db| {
            Ok((page_of(db, JobState::Running, project.as_ref(), RUNNING)?, troubled(db, project.as_ref())?))
        })
        .await?;
    let live = |jobs: Vec<Job>| jobs.into_iter().map(|job| convert::job(job, &state.live)).collect();
    // Numbers of all projects: not for somebody who sees one.
    let overview = match visit.caller.bound_to() {
        None => Some(overview::read(&state).await?),
        Some(_) => None,
    };
    let home = Home {
        status,
        overview,
        pending: pending(&state, &visit).await?,
        troubled: live(troubled),
        workers: all(&state, &visit).await?,
        running: live(running),
        studio_url: model_files::base(&state.settings, &headers),
    };
    Ok(Page(page(&visit.shell("Home", Area::Home), &home)))
}

fn page_of(
    db: &Db,
    state: JobState,
    project: Option<&ProjectId>,
    limit: u32,
) -> Result<Vec<Job>, StoreError> {
    let filter = JobFilter { states: vec![state], project: project.cloned(), ..JobFilter::default() };
    Ok(db.jobs(&filter, None, limit)?.items)
}

fn troubled(db: &Db, project: Option<&ProjectId>) -> Result<Vec<Job>, StoreError> {
    let since = Timestamp::now().plus_millis(-DAY_MS);
    let mut jobs = page_of(db, JobState::Quarantined, project, TROUBLED)?;
    jobs.extend(page_of(db, JobState::Failed, project, TROUBLED)?);
    jobs.retain(|job| job.finished_at.is_some_and(|at| at >= since));
    Ok(jobs)
}
