//! `/api/v1/events`: what changes, as it changes, by server-sent events.
//!
//! The stream starts with `ready`: all that changes after it is told. A watcher that fell behind gets
//! `lagged` and should look at what it shows again; so does one that comes back with a `Last-Event-ID`,
//! because nothing is kept for those who are away.
//!
//! `delta` and `preview` show running texts and pictures. Only those who name them in `types=`, or watch one job
//! with `job=`, get `delta`. A watcher that comes late gets the text so far first; one that reads slowly gets more
//! text at once and fewer pictures. `reset` says that the text so far was of a try that is lost.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::json;
use studio_protocol::{DELTA_INTERVAL, JobId};
use studio_store::{BatchId, JobFilter, JobState, StoreError};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::auth::Caller;
use super::batches;
use super::problem::Problem;
use super::query::{ApiQuery, MAX_LIMIT};
use crate::events::{Area, StudioEvent};
use crate::live::Watcher;
use crate::state::AppState;

/// The names of events, as `types=` may list them.
const TYPES: [&str; 8] =
    ["job", "progress", "preview", "delta", "worker", "registration", "submitted", "changed"];

/// How often a stream asks whether its caller would still be let in, beside the times that somebody changed that: for
/// keys that expire and sessions that are left.
const ASK_AGAIN: Duration = Duration::from_mins(5);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    batch: Option<String>,
    job: Option<String>,
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
    let shows = state.live.streams().watch();
    let types = types(query.types.as_deref())?;
    let wants_deltas = query.job.is_some();
    let jobs = match query.job {
        Some(_) if query.batch.is_some() => {
            return Err(Problem::invalid(
                "job",
                "watch one job or one batch: `job=` and `batch=` exclude each other",
            ));
        }
        Some(job) => Some(one(&state, caller.clone(), job).await?),
        None => jobs(&state, caller.clone(), query.batch).await?,
    };
    let filter = Filter { types, wants_deltas, jobs };
    let watch = Watch {
        receiver,
        shows: shows.only(filter.wants("delta"), filter.wants("preview")),
        shown_at: Instant::now(),
        waiting: VecDeque::new(),
        filter,
        stop: state.tasks.soft().clone(),
        next_id: 1,
        first: Some(if headers.contains_key("last-event-id") { First::Again } else { First::Ready }),
        caller,
        asked_at: Instant::now(),
        state,
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

/// One job that the caller may see.
async fn one(state: &AppState, caller: Caller, job: String) -> Result<HashSet<String>, Problem> {
    let id = JobId::from(job.clone());
    let found = state.store.read(move |db| db.job(&id)).await?;
    if !caller.sees(&found.job.project) {
        return Err(StoreError::not_found("job", job).into());
    }
    Ok(HashSet::from([job]))
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
    /// Without `types`.
    wants_deltas: bool,
    jobs: Option<HashSet<String>>,
}

impl Filter {
    fn lets_through(&self, event: &StudioEvent) -> bool {
        self.wants(event.name()) && job_of(event).map_or(self.jobs.is_none(), |job| self.is_about(job))
    }

    fn wants(&self, name: &str) -> bool {
        match &self.types {
            Some(names) => names.iter().any(|wanted| wanted == name),
            None => name != "delta" || self.wants_deltas,
        }
    }

    fn is_about(&self, job: &str) -> bool {
        self.jobs.as_ref().is_none_or(|jobs| jobs.contains(job))
    }
}

fn job_of(event: &StudioEvent) -> Option<&str> {
    match event {
        StudioEvent::Job { id, .. } => Some(id.as_str()),
        StudioEvent::Progress(progress) => Some(progress.job_id.as_str()),
        StudioEvent::Preview(preview) => Some(preview.job_id.as_str()),
        StudioEvent::Delta { job_id, .. } => Some(job_id.as_str()),
        StudioEvent::Worker { .. }
        | StudioEvent::Registration { .. }
        | StudioEvent::Submitted { .. }
        | StudioEvent::Changed { .. } => None,
    }
}

enum First {
    Ready,
    Again,
}

struct Watch {
    receiver: Receiver<Arc<StudioEvent>>,
    /// Texts and pictures.
    shows: Watcher,
    /// Not looked at again before.
    shown_at: Instant,
    /// Read, and not told yet.
    waiting: VecDeque<Arc<StudioEvent>>,
    filter: Filter,
    stop: CancellationToken,
    next_id: u64,
    first: Option<First>,
    caller: Caller,
    /// When the caller was last known to be let in.
    asked_at: Instant,
    state: AppState,
}

impl Watch {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        match self.first.take() {
            Some(First::Ready) => return Some((Ok(named("ready", &json!({}))), self)),
            Some(First::Again) => return Some((Ok(named("lagged", &json!({}))), self)),
            None => {}
        }
        let shows = self.filter.wants("delta") || self.filter.wants("preview");
        loop {
            if let Some(event) = self.waiting.pop_front() {
                let id = self.next_id;
                self.next_id += 1;
                return Some((Ok(told(&event).id(id.to_string())), self));
            }
            let news = async {
                tokio::time::sleep_until(self.shown_at).await;
                self.shows.changed().await;
            };
            let received = tokio::select! {
                biased; // What was told before the end is still handed over.
                received = self.receiver.recv() => received,
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep_until(self.asked_at + ASK_AGAIN) => {
                    if !self.is_still_let_in().await {
                        return None;
                    }
                    continue;
                }
                () = news, if shows => {
                    self.look();
                    continue;
                }
            };
            match received {
                Ok(event) => {
                    if may_shut_out(&event) && !self.is_still_let_in().await {
                        return None;
                    }
                    self.heard(event, shows);
                }
                Err(RecvError::Lagged(missed)) => {
                    if !self.is_still_let_in().await {
                        return None;
                    }
                    return Some((Ok(named("lagged", &json!({ "missed": missed }))), self));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn is_still_let_in(&mut self) -> bool {
        self.asked_at = Instant::now();
        self.caller.is_still_good(&self.state).await
    }

    /// What has grown since the last look.
    fn look(&mut self) {
        let filter = &self.filter;
        let news = self.shows.take(|job| filter.is_about(job.as_str()));
        self.waiting.extend(news.into_iter().filter(|event| filter.lets_through(event)).map(Arc::new));
        self.shown_at = Instant::now() + DELTA_INTERVAL;
    }

    fn heard(&mut self, event: Arc<StudioEvent>, shows: bool) {
        if let (StudioEvent::Job { id, state, .. }, true) = (&*event, shows)
            && self.filter.is_about(id.as_str())
        {
            self.job_changed(id, *state);
        }
        if self.filter.lets_through(&event) {
            self.waiting.push_back(event);
        }
    }

    /// The end of a text goes ahead of the end of its job; a text that counts no more is taken back.
    fn job_changed(&mut self, job: &JobId, state: JobState) {
        if state.is_held() {
            return;
        }
        let rest = if state == JobState::Queued { Vec::new() } else { self.shows.take_job(job) };
        let had_text = self.shows.ended(job);
        let taken_back = (state == JobState::Queued && had_text).then(|| StudioEvent::Delta {
            job_id: job.clone(),
            attempt: 0,
            text: String::new(),
            reasoning: None,
            reset: true,
            truncated: false,
        });
        let filter = &self.filter;
        let told = rest.into_iter().chain(taken_back).filter(|event| filter.lets_through(event));
        self.waiting.extend(told.map(Arc::new));
    }
}

/// Whether somebody who watches may have been kept out.
fn may_shut_out(event: &StudioEvent) -> bool {
    matches!(event, StudioEvent::Changed { what: Area::Users | Area::Keys })
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
