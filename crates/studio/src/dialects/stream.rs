//! Answers as they grow, by server-sent events.
//!
//! The client's pace is the pace: the next update is taken when the client has taken the last event. While a job waits
//! the stream has comments, so that nobody in between closes it; a client that goes away drops the stream, and with it
//! the jobs.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, SelectAll};
use studio_dialects::{Asked, Failure, Growth, Talk};

use super::run::{Attended, Ending, Update};

/// Silence after which a stream says that it is alive: proxies close what says nothing for half a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Tells proxies that know it to hand on each event as it comes.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// How a stream says that it is alive.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeepAliveWord {
    /// By a comment, which every reader of events skips.
    Comment,
    /// By an event of Anthropic's.
    Ping,
}

/// What is said to one client.
pub(super) struct Telling {
    talk: Talk,
    updates: SelectAll<BoxStream<'static, (usize, Update)>>,
    ready: VecDeque<Event>,
}

impl Telling {
    pub(super) fn new(asked: Asked, jobs: Vec<Attended>, request_id: String) -> Self {
        let talk = Talk::new(asked, jobs.len(), request_id);
        let updates = jobs.into_iter().enumerate().map(|(at, job)| {
            let updates = stream::unfold(job, |mut job| async { Some((job.next().await?, job)) });
            updates.map(move |update| (at, update)).boxed()
        });
        Self { talk, updates: stream::select_all(updates), ready: VecDeque::new() }
    }

    pub(super) fn into_response(self, keep_alive: KeepAliveWord) -> Response {
        let word = match keep_alive {
            KeepAliveWord::Comment => KeepAlive::new().text("keep-alive"),
            KeepAliveWord::Ping => {
                KeepAlive::new().event(Event::default().event("ping").data("{\"type\":\"ping\"}"))
            }
        };
        let events = stream::unfold(self, Self::next);
        let mut response = Sse::new(events).keep_alive(word.interval(KEEP_ALIVE)).into_response();
        let (name, value) = NO_BUFFERING;
        response.headers_mut().insert(name, value);
        response
    }

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
            Update::Waiting { ahead } => {
                // After the first word readers may take no comment for what it is.
                if !self.talk.has_begun() && at == 0 {
                    self.ready.push_back(Event::default().comment(format!("waiting, {ahead} ahead")));
                }
                Ok(Vec::new())
            }
            Update::Started => Ok(self.talk.begin()),
            Update::Delta { text, reasoning, reset, gap } => {
                self.talk.grow(at, Growth { text: &text, reasoning: &reasoning, reset, gap })
            }
            Update::Progress(_) | Update::Preview(_) => Ok(Vec::new()),
            Update::Done(detail) => self.talk.done(at, detail.result_json.as_deref()),
            Update::Failed(ending) => Err(ending.into()),
            Update::Cancelled { reason } => Err(Ending::Cancelled(reason).into()),
        };
        let events = outcome.unwrap_or_else(|failure: Failure| {
            // The other answers are of no use without this one.
            self.updates.clear();
            self.talk.failed(&failure)
        });
        self.say(events);
    }

    fn say(&mut self, events: Vec<studio_dialects::Event>) {
        self.ready.extend(events.into_iter().map(|event| {
            let said = Event::default().data(event.data);
            match event.name {
                Some(name) => said.event(name),
                None => said,
            }
        }));
    }
}
