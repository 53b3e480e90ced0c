//! `/playground`: its form, filled from a job (`from`) or from the job that it shows (`job`).

use axum::extract::State;
use studio_dashboard::pages::playground::{Data, Prefill, Tab};
use studio_dashboard::{Area, pages};
use studio_store::Db;

use super::asked::Asked;
use crate::api::{Problem, convert, jobs, types};
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
    let models = state.store.read(Db::models).await?.into_iter().filter(|model| model.enabled).collect();
    let prefill = template.map(prefill).unwrap_or_default();
    let data = Data { tab, models, prefill, job: shown, problem };
    Ok(Page(pages::playground::page(&visit.shell("Playground", Area::Playground), &data)))
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
