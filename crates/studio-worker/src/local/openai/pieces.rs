//! Answers in pieces: what happens to jobs becomes events for the client that waits for them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, BoxStream, StreamExt};
use studio_dialects::Failure;

use super::run::Jobs;
use crate::daemon::Update;

/// Silence after which a stream says that it is alive: some readers give up after half a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Puts what happens into the words of one answer.
pub(super) trait Tell: Send + 'static {
    /// What the client is told of `update` of the job with this number.
    fn hear(&mut self, at: usize, update: Update) -> impl Future<Output = Said> + Send;
}

/// What a client is told.
#[derive(Default)]
pub(super) struct Said {
    events: Vec<Event>,
    is_last: bool,
}

impl Said {
    pub(super) fn events(events: Vec<Event>) -> Self {
        Self { events, is_last: false }
    }

    /// Nothing comes after these: what still runs is called off.
    pub(super) fn last(events: Vec<Event>) -> Self {
        Self { events, is_last: true }
    }

    /// A failure, which ends the answer: the others are of no use without this one.
    pub(super) fn failure(failure: &Failure) -> Self {
        Self::last(vec![Event::default().event("error").data(failure.openai().to_string())])
    }
}

struct Telling<T> {
    tell: T,
    /// Dropping it calls the jobs off.
    updates: Option<BoxStream<'static, (usize, Update)>>,
    ready: VecDeque<Event>,
}

impl<T: Tell> Telling<T> {
    /// The client's pace is the pace.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            let (at, update) = self.updates.as_mut()?.next().await?;
            let Said { events, is_last } = self.tell.hear(at, update).await;
            self.ready.extend(events);
            if is_last {
                self.updates = None;
            }
        }
    }
}

/// Tells everything that happens to `jobs`; a client that goes away calls them off.
pub(super) async fn tell(jobs: Jobs, tell: impl Tell) -> Result<Response, Failure> {
    let (first, updates) = jobs.updates().await?;
    let updates = Some(stream::iter(first).chain(updates).boxed());
    let telling = Telling { tell, updates, ready: VecDeque::new() };
    let alive = KeepAlive::new().text("keep-alive").interval(KEEP_ALIVE);
    Ok(Sse::new(stream::unfold(telling, Telling::next)).keep_alive(alive).into_response())
}

/// As it is sent.
pub(super) fn event(event: studio_dialects::Event) -> Event {
    let said = Event::default().data(event.data);
    match event.name {
        Some(name) => said.event(name),
        None => said,
    }
}
