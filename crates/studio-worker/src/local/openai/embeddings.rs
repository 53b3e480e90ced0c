//! `/v1/embeddings`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use studio_dialects::openai::embeddings::EmbeddingsRequest;
use studio_protocol::TaskKind;

use super::super::Local;
use super::files::Files;
use super::refused::Refused;
use super::run::{Jobs, Wish, json};
use super::{ClientJson, models, with_ignored};

pub(super) async fn create(
    State(local): State<Arc<Local>>,
    ClientJson(body): ClientJson,
) -> Result<Response, Refused> {
    let mut asked = EmbeddingsRequest::read(&body)?;
    drop(body);
    let model = models::find(&local, &asked.model, TaskKind::Llm).await?;
    let tasks = std::mem::take(&mut asked.tasks);
    let jobs = Jobs::submit(&local, TaskKind::Llm, &model, tasks, Files::default(), Wish::default()).await?;
    let names = jobs.names();
    let made = jobs.end().await?;
    let results = made.iter().map(|made| json(made).map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
    let answer = ([(header::CONTENT_TYPE, "application/json")], asked.answer(&results)?).into_response();
    Ok(names.on(with_ignored(answer, &asked.ignored)))
}
