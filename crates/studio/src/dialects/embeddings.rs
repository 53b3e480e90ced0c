//! `/v1/embeddings`.

use axum::extract::State;
use axum::response::Response;
use studio_dialects::openai::embeddings::EmbeddingsRequest;
use studio_protocol::TaskKind;

use super::answers::{text, with_ignored};
use super::body::ClientJson;
use super::group::{Group, result};
use super::refused::Refused;
use super::run::RunOptions;
use crate::api::auth::Caller;
use crate::state::AppState;

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    ClientJson(body): ClientJson,
) -> Result<Response, Refused> {
    let mut asked = EmbeddingsRequest::read(&body)?;
    drop(body);
    let (tasks, options) = (std::mem::take(&mut asked.tasks), RunOptions::default());
    let group = Group::submit(&state, &caller, TaskKind::Llm, &asked.model, tasks, &options).await?;
    let names = group.names();
    let results = group.end().await?.into_iter().map(result).collect::<Result<Vec<_>, _>>()?;
    let answer = text("application/json", asked.answer(&results)?);
    Ok(names.on(with_ignored(answer, &asked.ignored)))
}
