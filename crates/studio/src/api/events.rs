//! `/api/v1/events`: what changes, as it changes, by server-sent events.
//!
//! The stream starts with `ready`: all that changes after it is told. A watcher that fell behind gets
//! `lagged` and should look at what it shows again; so does one that comes back with a `Last-Event-ID`,
//! because nothing is kept for those who are away.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::json;
use studio_store::{BatchId, JobFilter};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::auth::Caller;
use super::batches;
use super::problem::Problem;
use super::query::{ApiQuery, MAX_LIMIT};
use crate::events::StudioEvent;
use crate::state::AppState;

/// The names of events, as `types=` may list them.
const TYPES: [&str; 6] = ["job", "progress", "preview", "worker", "registration", "submitted"];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    batch: Option<String>,
    types: Option<String>,
}

pub async fn stream(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    // Before the batch is looked at, so that nothing falls between.
    let receiver = state.events.subscribe();
    let filter =
        Filter { types: types(query.types.as_deref())?, jobs: jobs(&state, caller, query.batch).await? };
    let watch = Watch {
        receiver,
        filter,
        stop: state.tasks.soft().clone(),
        next_id: 1,
        first: Some(if headers.contains_key("last-event-id") { First::Again } else { First::Ready }),
    };
    Ok(Sse::new(futures_util::stream::unfold(watch, Watch::next)).keep_alive(KeepAlive::default()))
}

fn types(text: Option<&str>) -> Result<Option<Vec<String>>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    match names.iter().find(|name| !TYPES.contains(&name.as_str())) {
        None => Ok(Some(names)),
        Some(name) => Err(Problem::invalid("types", format!("`{name}` is not one of {}", TYPES.join(", ")))),
    }
}

/// The jobs of the batch: a batch gets no others later.
async fn jobs(
    state: &AppState,
    caller: Caller,
    batch: Option<String>,
) -> Result<Option<HashSet<String>>, Problem> {
    let Some(batch) = batch else {
        // Events do not say whose job they are about.
        return match caller.bound_to() {
            None => Ok(None),
            Some(_) => {
                Err(Problem::forbidden("a key of one project watches one batch: add `batch=`").at("batch"))
            }
        };
    };
    let jobs = state
        .store
        .read(move |db| {
            let id = BatchId::from(batch);
            batches::visible(db, &caller, &id)?;
            let filter = JobFilter { batch: Some(id), ..JobFilter::default() };
            let mut jobs = HashSet::new();
            let mut cursor = None;
            loop {
                let page = db.jobs(&filter, cursor, MAX_LIMIT)?;
                jobs.extend(page.items.into_iter().map(|job| job.id.to_string()));
                match page.next_cursor {
                    Some(next) => cursor = Some(next),
                    None => return Ok(jobs),
                }
            }
        })
        .await?;
    Ok(Some(jobs))
}

struct Filter {
    types: Option<Vec<String>>,
    jobs: Option<HashSet<String>>,
}

impl Filter {
    fn lets_through(&self, event: &StudioEvent) -> bool {
        let typed = self.types.as_ref().is_none_or(|names| names.iter().any(|name| name == event.name()));
        typed && self.jobs.as_ref().is_none_or(|jobs| job_of(event).is_some_and(|job| jobs.contains(job)))
    }
}

fn job_of(event: &StudioEvent) -> Option<&str> {
    match event {
        StudioEvent::Job { id, .. } => Some(id.as_str()),
        StudioEvent::Progress(progress) => Some(progress.job_id.as_str()),
        StudioEvent::Preview(preview) => Some(preview.job_id.as_str()),
        StudioEvent::Worker { .. } | StudioEvent::Registration { .. } | StudioEvent::Submitted { .. } => None,
    }
}

enum First {
    Ready,
    Again,
}

struct Watch {
    receiver: Receiver<Arc<StudioEvent>>,
    filter: Filter,
    stop: CancellationToken,
    next_id: u64,
    first: Option<First>,
}

impl Watch {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        match self.first.take() {
            Some(First::Ready) => return Some((Ok(named("ready", &json!({}))), self)),
            Some(First::Again) => return Some((Ok(named("lagged", &json!({}))), self)),
            None => {}
        }
        loop {
            let received = tokio::select! {
                biased; // What was told before the end is still handed over.
                received = self.receiver.recv() => received,
                () = self.stop.cancelled() => return None,
            };
            match received {
                Ok(event) if self.filter.lets_through(&event) => {
                    let id = self.next_id;
                    self.next_id += 1;
                    return Some((Ok(told(&event).id(id.to_string())), self));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    return Some((Ok(named("lagged", &json!({ "missed": missed }))), self));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

fn told(event: &StudioEvent) -> Event {
    let json = serde_json::to_string(event).unwrap_or_else(|error| {
        tracing::error!(%error, "an event cannot be written as JSON");
        "{}".to_owned()
    });
    Event::default().event(event.name()).data(json)
}

fn named(name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
