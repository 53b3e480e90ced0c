//! `/batches` and `/batches/{id}`.

use axum::Json;
use axum::extract::State;
use studio_dashboard::pages::batch::{MAX_FAILED, MAX_RUNNING, MAX_SHOWN};
use studio_dashboard::pages::pace::{MEASURED, Pace};
use studio_dashboard::{Area, pages};
use studio_protocol::Timestamp;
use studio_store::{BatchId, Db, JobFilter, JobState, StoreError};

use super::asked::{Asked, project_names, worker_names};
use crate::api::query::{ApiQuery, Id};
use crate::api::{batches, convert, types};
use crate::dashboard::visit::{Answer, Page, Visit};
use crate::state::AppState;

/// Batches of a page.
const PAGE_SIZE: u32 = 50;

pub async fn list(State(state): State<AppState>, visit: Visit, asked: Asked) -> Answer {
    let query = batches::ListQuery {
        project: asked.get("project"),
        limit: Some(PAGE_SIZE.to_string()),
        cursor: asked.get("cursor"),
    };
    let listed = batches::list(State(state.clone()), visit.caller.clone(), ApiQuery(query)).await;
    let (listed, problem) = match listed {
        Ok(Json(listed)) => (listed, None),
        Err(problem) if problem.status < 500 => {
            (types::Items { items: Vec::new(), next_cursor: None }, Some(problem.detail))
        }
        Err(problem) => return Err(problem.into()),
    };
    let (caller, now) = (visit.caller.clone(), Timestamp::now());
    let items = listed.items;
    let (batches, projects) = state
        .store
        .read(move |db| {
            let mut paced = Vec::with_capacity(items.len());
            for batch in items {
                // Those that are finished take no time any more.
                let pace = if batch.finished_at.is_none() {
                    pace(db, &batch.id.as_str().into(), now)?
                } else {
                    None
                };
                paced.push((batch, pace));
            }
            Ok((paced, project_names(db, &caller)?))
        })
        .await?;
    let data = pages::batches::Data {
        batches,
        project: asked.get("project"),
        projects,
        later: asked.get("cursor").is_some(),
        older: listed.next_cursor,
        problem,
    };
    Ok(Page(pages::batches::page(&visit.shell("Batches", Area::Batches), &data)))
}

/// By the ends of the jobs that were submitted last among those that are done: mostly those that ended last.
fn pace(db: &Db, batch: &BatchId, now: Timestamp) -> Result<Option<Pace>, StoreError> {
    let filter =
        JobFilter { batch: Some(batch.clone()), states: vec![JobState::Done], ..JobFilter::default() };
    let done = db.jobs(&filter, None, MEASURED as u32)?.items;
    let ends: Vec<Timestamp> = done.iter().filter_map(|job| job.finished_at).collect();
    let begun = done.iter().filter_map(|job| job.started_at).min();
    Ok(Pace::measure(&ends, begun, now))
}

pub async fn show(State(state): State<AppState>, visit: Visit, Id(id): Id) -> Answer {
    let (caller, now) = (visit.caller.clone(), Timestamp::now());
    let (live, id) = (state.live.clone(), BatchId::from(id));
    let data = state
        .store
        .read(move |db| {
            let batch = batches::visible(db, &caller, &id)?;
            let of = |state: JobState, limit: u32| {
                let filter =
                    JobFilter { batch: Some(id.clone()), states: vec![state], ..JobFilter::default() };
                let jobs = db.jobs(&filter, None, limit)?.items;
                Ok::<_, StoreError>(jobs.into_iter().map(|job| convert::job(job, &live)).collect::<Vec<_>>())
            };
            let mut failed = of(JobState::Failed, MAX_FAILED)?;
            failed.extend(of(JobState::Quarantined, MAX_FAILED)?);
            failed.truncate(MAX_FAILED as usize);
            let mut running = of(JobState::Running, MAX_RUNNING)?;
            // Out of one order, so that a row does not jump when its job is claimed.
            running.sort_by(|a, b| b.id.cmp(&a.id));
            let made = db.artefacts(Some(&id), None, MAX_SHOWN)?.items;
            Ok(pages::batch::Data {
                pace: if batch.finished_at.is_none() { pace(db, &id, now)? } else { None },
                batch: convert::batch(batch),
                failed,
                running,
                made: made.into_iter().map(convert::artefact).collect(),
                workers: worker_names(db)?,
            })
        })
        .await?;
    let title = pages::batches::name(&data.batch).to_owned();
    Ok(Page(pages::batch::page(&visit.shell(title, Area::Batches), &data)))
}
