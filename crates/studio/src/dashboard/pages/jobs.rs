//! `/jobs` and `/jobs/{id}`.

use axum::Json;
use axum::extract::State;
use studio_dashboard::pages::jobs::{Data, Filter, PAGE_SIZE, PAGE_SIZES};
use studio_dashboard::{Area, pages};

use super::asked::{Asked, model_names, project_names, worker_names};
use crate::api::query::{ApiQuery, Id};
use crate::api::{Problem, convert, jobs, queue, types};
use crate::dashboard::visit::{Answer, Page, Visit};
use crate::state::AppState;

pub async fn list(State(state): State<AppState>, visit: Visit, asked: Asked) -> Answer {
    let limit = limit_of(&asked);
    let (cursor, newer) = (asked.get("cursor"), asked.get("newer"));
    let mut later = cursor.is_some();
    let mut page = if newer.is_some() {
        listed(&state, &visit, &asked, limit, None, newer).await
    } else {
        listed(&state, &visit, &asked, limit, cursor, None).await
    };
    if let Ok(back) = &page
        && asked.get("newer").is_some()
    {
        later = back.items.len() == limit as usize;
        // A page that is not full is the first one, and that begins with the newest job.
        if !later {
            page = listed(&state, &visit, &asked, limit, None, None).await;
        }
    }
    let (page, problem) = match page {
        Ok(page) => (page, None),
        // A filter that cannot be is said at the filter, where it can be changed.
        Err(problem) if problem.status < 500 => {
            (types::JobPage { items: Vec::new(), next_cursor: None, counts: None }, Some(problem.detail))
        }
        Err(problem) => return Err(problem.into()),
    };
    let caller = visit.caller.clone();
    let (models, projects, workers) = state
        .store
        .read(move |db| Ok((model_names(db)?, project_names(db, &caller)?, worker_names(db)?)))
        .await?;
    let Json(queue) = queue::show(State(state.clone()), visit.caller.clone()).await?;
    let data = Data {
        jobs: page.items,
        filter: filter(&asked),
        limit,
        counts: page.counts,
        queue: Some(queue),
        models,
        projects,
        workers,
        later,
        older: page.next_cursor,
        problem,
    };
    Ok(Page(pages::jobs::page(&visit.shell("Jobs", Area::Jobs), &data)))
}

fn limit_of(asked: &Asked) -> u32 {
    let stated = asked.get("limit").and_then(|limit| limit.parse().ok());
    stated.filter(|limit| PAGE_SIZES.contains(limit)).unwrap_or(PAGE_SIZE)
}

async fn listed(
    state: &AppState,
    visit: &Visit,
    asked: &Asked,
    limit: u32,
    cursor: Option<String>,
    newer_than: Option<String>,
) -> Result<types::JobPage, Problem> {
    let query = jobs::ListQuery {
        state: asked.get("state"),
        kind: asked.get("kind"),
        model: asked.get("model"),
        batch: asked.get("batch"),
        project: asked.get("project"),
        worker: asked.get("worker"),
        q: asked.get("q"),
        limit: Some(limit.to_string()),
        cursor,
        newer_than,
    };
    let Json(page) = jobs::list(State(state.clone()), visit.caller.clone(), ApiQuery(query)).await?;
    Ok(page)
}

/// The same for the page; words that mean nothing were told of by the list.
fn filter(asked: &Asked) -> Filter {
    Filter {
        state: asked.get("state").and_then(|word| word.parse().ok()),
        kind: asked.get("kind").and_then(|word| word.parse().ok()),
        model: asked.get("model"),
        batch: asked.get("batch"),
        project: asked.get("project"),
        worker: asked.get("worker"),
        q: asked.get("q"),
    }
}

pub async fn show(State(state): State<AppState>, visit: Visit, Id(id): Id) -> Answer {
    let detail = jobs::visible(&state, visit.caller.clone(), id).await?;
    let job = detail.job.id.clone();
    let (log, workers) = state.store.read(move |db| Ok((db.job_logs(&job)?, worker_names(db)?))).await?;
    let data = pages::job::Data {
        detail: convert::detail(detail, &state.live),
        log: log.into_iter().map(convert::log).collect(),
        workers,
    };
    let shell = visit.shell(data.detail.job.asset_name.clone(), Area::Jobs);
    Ok(Page(pages::job::page(&shell, &data)))
}
