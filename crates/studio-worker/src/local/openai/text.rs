//! Chats, completions and responses: whole, and as they grow.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::Value;
use studio_dialects::{Answer, Asked, Failure, Growth, Origin, Talk, openai};
use studio_protocol::{TaskKind, Timestamp};
use uuid::Uuid;

use super::super::Local;
use super::files::Files;
use super::refused::Refused;
use super::run::{Jobs, Updates, Wish, json};
use super::{ClientJson, RequestId, models};
use crate::daemon::Update;

/// Silence after which a stream says that it is alive: some readers give up after half a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

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
    let response = if asked.stream { pieces(asked, jobs, id).await? } else { whole(asked, jobs).await? };
    Ok(names.on(response))
}

async fn whole(asked: Asked, jobs: Jobs) -> Result<Response, Failure> {
    let made = jobs.end().await?;
    let read = |made| Answer::read_text(Some(json(made)?), asked.one_call);
    let answers = made.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(asked.writer.whole(&answers)).into_response())
}

async fn pieces(asked: Asked, jobs: Jobs, id: String) -> Result<Response, Failure> {
    let talk = Talk::new(asked, jobs.len(), id);
    let (first, updates) = jobs.updates().await?;
    let mut telling = Telling { talk, updates, ready: VecDeque::new() };
    for (at, update) in first {
        telling.hear(at, update);
    }
    let alive = KeepAlive::new().text("keep-alive").interval(KEEP_ALIVE);
    Ok(Sse::new(stream::unfold(telling, Telling::next)).keep_alive(alive).into_response())
}

/// What is said to one client; the client's pace is the pace.
struct Telling {
    talk: Talk,
    updates: Updates,
    ready: VecDeque<Event>,
}

impl Telling {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            let (at, update) = self.updates.next().await?;
            self.hear(at, update);
        }
    }

    fn hear(&mut self, at: usize, update: Update) {
        let outcome = match update {
            Update::Started => Ok(self.talk.begin()),
            Update::Delta { text, reasoning } => {
                let growth = Growth { text: &text, reasoning: &reasoning, ..Growth::default() };
                self.talk.grow(at, growth)
            }
            Update::Progress { .. } | Update::Preview(_) => Ok(Vec::new()),
            Update::Ended(Ok(made)) => json(&made).and_then(|result| self.talk.done(at, Some(result))),
            Update::Ended(Err(failure)) => Err(failure),
        };
        let events = outcome.unwrap_or_else(|failure| {
            // The other answers are of no use without this one.
            self.updates.clear();
            self.talk.failed(&failure)
        });
        self.ready.extend(events.into_iter().map(event));
    }
}

/// As it is sent.
pub(super) fn event(event: studio_dialects::Event) -> Event {
    let said = Event::default().data(event.data);
    match event.name {
        Some(name) => said.event(name),
        None => said,
    }
}
