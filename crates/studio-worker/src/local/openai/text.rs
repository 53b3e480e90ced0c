//! Chats, completions and responses: whole, and as they grow.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use studio_dialects::{Answer, Asked, Failure, Growth, Origin, Talk, openai};
use studio_protocol::{TaskKind, Timestamp};
use uuid::Uuid;

use super::super::Local;
use super::files::Files;
use super::pieces::{Said, Tell, event, tell};
use super::refused::Refused;
use super::run::{Jobs, Wish, json};
use super::{ClientJson, RequestId, models};
use crate::daemon::Update;

type Read = fn(&Value, &Origin) -> Result<Asked, Failure>;
type Id = Extension<RequestId>;

pub(super) async fn chat(local: State<Arc<Local>>, id: Id, body: ClientJson) -> Result<Response, Refused> {
    answer(local, id, body, openai::chat::read).await
}

pub(super) async fn completions(
    local: State<Arc<Local>>,
    id: Id,
    body: ClientJson,
) -> Result<Response, Refused> {
    answer(local, id, body, openai::completions::read).await
}

pub(super) async fn responses(
    local: State<Arc<Local>>,
    id: Id,
    body: ClientJson,
) -> Result<Response, Refused> {
    answer(local, id, body, openai::responses::read).await
}

async fn answer(
    State(local): State<Arc<Local>>,
    Extension(RequestId(id)): Id,
    ClientJson(body): ClientJson,
    read: Read,
) -> Result<Response, Refused> {
    let origin =
        Origin { id: Uuid::new_v4().simple().to_string(), created: Timestamp::now().as_millis() / 1_000 };
    let mut asked = read(&body, &origin)?;
    drop(body);
    let model = models::find(&local, &asked.model, TaskKind::Llm).await?;
    let tasks = asked.take_tasks(model.source.cli_defaults.more.contains_key("maxTokens"));
    let wish = Wish { stream: asked.stream, ..Wish::default() };
    let jobs = Jobs::submit(&local, TaskKind::Llm, &model, tasks, Files::default(), wish).await?;
    let names = jobs.names();
    let response = if asked.stream {
        let talk = Talk::new(asked, jobs.len(), id);
        tell(jobs, talk).await?
    } else {
        whole(asked, jobs).await?
    };
    Ok(names.on(response))
}

async fn whole(asked: Asked, jobs: Jobs) -> Result<Response, Failure> {
    let made = jobs.end().await?;
    let read = |made| Answer::read_text(Some(json(made)?), asked.one_call);
    let answers = made.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(asked.writer.whole(&answers)).into_response())
}

impl Tell for Talk {
    async fn hear(&mut self, at: usize, update: Update) -> Said {
        let outcome = match update {
            Update::Started => Ok(self.begin()),
            Update::Delta { text, reasoning } => {
                let growth = Growth { text: &text, reasoning: &reasoning, ..Growth::default() };
                self.grow(at, growth)
            }
            Update::Progress { .. } | Update::Preview(_) => Ok(Vec::new()),
            Update::Ended(Ok(made)) => json(&made).and_then(|result| self.done(at, Some(result))),
            Update::Ended(Err(failure)) => Err(failure),
        };
        let sent = |events: Vec<_>| events.into_iter().map(event).collect();
        match outcome {
            Ok(events) => Said::events(sent(events)),
            Err(failure) => Said::last(sent(self.failed(&failure))),
        }
    }
}
