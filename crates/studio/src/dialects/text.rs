//! Chats, completions, responses and messages: one way from a request to its answer.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use studio_dialects::{Answer, Asked, Failure, Origin, anthropic, openai};
use studio_protocol::{TaskKind, Timestamp};
use uuid::Uuid;

use super::body::ClientJson;
use super::frame::{Id, RequestId};
use super::refused::Refused;
use super::run::{Attended, RunOptions};
use super::stream::{KeepAliveWord, Telling};
use crate::api::auth::Caller;
use crate::api::submit;
use crate::state::AppState;

/// On an answer: the jobs that made it.
const JOBS: HeaderName = HeaderName::from_static("x-studio-job");

type Read = fn(&Value, &Origin) -> Result<Asked, Failure>;

pub(super) async fn chat(
    state: State<AppState>,
    caller: Caller,
    id: Id,
    body: ClientJson,
) -> Result<Response, Refused> {
    answer(state, caller, id, body, openai::chat::read, KeepAliveWord::Comment).await
}

pub(super) async fn completions(
    state: State<AppState>,
    caller: Caller,
    id: Id,
    body: ClientJson,
) -> Result<Response, Refused> {
    answer(state, caller, id, body, openai::completions::read, KeepAliveWord::Comment).await
}

pub(super) async fn responses(
    state: State<AppState>,
    caller: Caller,
    id: Id,
    body: ClientJson,
) -> Result<Response, Refused> {
    answer(state, caller, id, body, openai::responses::read, KeepAliveWord::Comment).await
}

pub(super) async fn messages(
    state: State<AppState>,
    caller: Caller,
    id: Id,
    body: ClientJson,
) -> Result<Response, Refused> {
    answer(state, caller, id, body, anthropic::messages::read, KeepAliveWord::Ping).await
}

async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    Extension(RequestId(id)): Id,
    ClientJson(body): ClientJson,
    read: Read,
    keep_alive: KeepAliveWord,
) -> Result<Response, Refused> {
    let origin =
        Origin { id: Uuid::new_v4().simple().to_string(), created: Timestamp::now().as_millis() / 1_000 };
    let mut asked = read(&body, &origin)?;
    drop(body);
    let jobs = submit_all(&state, &caller, &mut asked).await?;
    let named: Vec<&str> = jobs.iter().map(|job| job.job().as_str()).collect();
    let named = HeaderValue::from_str(&named.join(","));
    let mut response = if asked.stream {
        Telling::new(asked, jobs, id).into_response(keep_alive)
    } else {
        whole(asked, jobs).await?
    };
    if let Ok(named) = named {
        response.headers_mut().insert(JOBS, named);
    }
    Ok(response)
}

async fn submit_all(state: &AppState, caller: &Caller, asked: &mut Asked) -> Result<Vec<Attended>, Refused> {
    let model = submit::model(state, &asked.model).await?;
    let has_limit = model.is_some_and(|model| model.source.cli_defaults.more.contains_key("maxTokens"));
    let mut jobs = Vec::with_capacity(asked.tasks.len());
    for task in asked.take_tasks(has_limit) {
        let options = RunOptions::default();
        jobs.push(Attended::submit(state, caller, TaskKind::Llm, &asked.model, task, options).await?);
    }
    Ok(jobs)
}

/// The jobs run side by side, whichever of them is waited for.
async fn whole(asked: Asked, jobs: Vec<Attended>) -> Result<Response, Refused> {
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        let result = job.end().await?.result_json;
        answers.push(Answer::read_text(result.as_deref(), asked.one_call)?);
    }
    Ok(Json(asked.writer.whole(&answers)).into_response())
}
