//! `/playground`: its form, filled from a job (`from`) or from the job that it shows (`job`).

use axum::Json;
use axum::extract::State;
use studio_dashboard::pages::playground::{Data, Prefill, Standing, Tab};
use studio_dashboard::{Area, pages};

use super::asked::Asked;
use crate::api::{Problem, convert, jobs, models, types};
use crate::dashboard::visit::{Answer, Page, Visit};
use crate::state::AppState;

pub async fn show(State(state): State<AppState>, visit: Visit, asked: Asked) -> Answer {
    let (shown, mut problem) = job(&state, &visit, asked.get("job")).await?;
    let (from, also) = job(&state, &visit, asked.get("from")).await?;
    problem = problem.or(also);
    let template = from.as_ref().or(shown.as_ref());
    let kind = template.map(|detail| detail.job.kind);
    let tab = asked.get("tab").and_then(|word| Tab::of_word(&word));
    let tab = tab.or(kind.map(Tab::of_kind)).unwrap_or(Tab::Picture);
    let mut prefill = template.map(prefill).unwrap_or_default();
    if let Some(model) = asked.get("model") {
        prefill.model = model;
    }
    let Json(listed) = models::list(State(state.clone()), visit.caller.clone()).await?;
    let models = offered(&state, listed.items);
    let data = Data { tab, models, prefill, job: shown, problem };
    Ok(Page(pages::playground::page(&visit.shell("Playground", Area::Playground), &data)))
}

/// Those that jobs may name, the ones that can run soonest first.
fn offered(state: &AppState, models: Vec<types::ModelDetail>) -> Vec<(types::Model, Standing)> {
    let online: Vec<_> = state.live.seen().iter().filter_map(|id| state.live.worker(id)).collect();
    let runs = |engine: &str| {
        online.iter().any(|worker| worker.capabilities.model_engines.iter().any(|known| known == engine))
    };
    let standing = |detail: &types::ModelDetail| match detail.workers {
        types::ModelWorkers { loaded: 1.., .. } => Standing::Loaded,
        _ if !runs(&detail.model.source.engine) => Standing::Nowhere,
        types::ModelWorkers { present: 1.., .. } => Standing::Present,
        types::ModelWorkers { .. } if detail.files.is_empty() => Standing::Present,
        types::ModelWorkers { .. } => Standing::Fetched,
    };
    let enabled = models.into_iter().filter(|detail| detail.model.enabled);
    let mut offered: Vec<_> = enabled.map(|detail| (standing(&detail), detail.model)).collect();
    // The names keep their order within.
    offered.sort_by_key(|(standing, _)| *standing);
    offered.into_iter().map(|(standing, model)| (model, standing)).collect()
}

fn prefill(detail: &types::JobDetail) -> Prefill {
    Prefill {
        model: detail.job.model.clone(),
        project: detail.job.project.clone(),
        task: detail.task.as_object().cloned().unwrap_or_default(),
    }
}

/// The job of a parameter; one that is not there is no reason to show no form.
async fn job(
    state: &AppState,
    visit: &Visit,
    id: Option<String>,
) -> Result<(Option<types::JobDetail>, Option<String>), Problem> {
    let Some(id) = id else { return Ok((None, None)) };
    match jobs::visible(state, visit.caller.clone(), id).await {
        Ok(detail) => Ok((Some(convert::detail(detail, &state.live)), None)),
        Err(problem) if problem.status == 404 => Ok((None, Some(problem.detail))),
        Err(problem) => Err(problem),
    }
}
