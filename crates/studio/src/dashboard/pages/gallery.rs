//! `/gallery`.

use axum::Json;
use axum::extract::State;
use studio_dashboard::pages::gallery::{Data, Filter, PAGE_SIZE, Shown};
use studio_dashboard::{Area, pages};
use studio_protocol::JobId;
use studio_store::StoreError;

use super::asked::{Asked, model_names, project_names};
use crate::api::query::ApiQuery;
use crate::api::{artefacts, convert, types};
use crate::dashboard::visit::{Answer, Page, Visit};
use crate::state::AppState;

pub async fn list(State(state): State<AppState>, visit: Visit, asked: Asked) -> Answer {
    let query = artefacts::ListQuery {
        batch: asked.get("batch"),
        project: asked.get("project"),
        model: asked.get("model"),
        kind: asked.get("kind"),
        limit: Some(PAGE_SIZE.to_string()),
        cursor: asked.get("cursor"),
    };
    let listed = artefacts::list(State(state.clone()), visit.caller.clone(), ApiQuery(query)).await;
    let (page, problem) = match listed {
        Ok(Json(page)) => (page, None),
        Err(problem) if problem.status < 500 => {
            (types::Items { items: Vec::new(), next_cursor: None }, Some(problem.detail))
        }
        Err(problem) => return Err(problem.into()),
    };
    let (caller, items) = (visit.caller.clone(), page.items);
    let (shown, models, projects) = state
        .store
        .read(move |db| {
            let mut shown = Vec::with_capacity(items.len());
            for artefact in items {
                let job = match db.job(&JobId::from(artefact.job.as_str())) {
                    Ok(job) => job,
                    // Deleted since the list was read.
                    Err(StoreError::NotFound { .. }) => continue,
                    Err(error) => return Err(error),
                };
                let (model, task) = (job.job.model, convert::json(&job.task_json));
                shown.push(Shown { artefact, model, task });
            }
            Ok((shown, model_names(db)?, project_names(db, &caller)?))
        })
        .await?;
    let data = Data {
        shown,
        filter: Filter {
            kind: asked.get("kind").and_then(|word| word.parse().ok()),
            model: asked.get("model"),
            project: asked.get("project"),
            batch: asked.get("batch"),
        },
        models,
        projects,
        later: asked.get("cursor").is_some(),
        older: page.next_cursor,
        problem,
    };
    Ok(Page(pages::gallery::page(&visit.shell("Gallery", Area::Gallery), &data)))
}
