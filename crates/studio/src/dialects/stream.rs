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
use studio_dialects::{Asked, Diverged, Failure, Kind, Told, Writer};

use super::run::{Attended, Ending, Update};
use super::text::read_answer;

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
pub(super) struct Talk {
    writer: Box<dyn Writer>,
    one_call: bool,
    request_id: String,
    updates: SelectAll<BoxStream<'static, (usize, Update)>>,
    choices: Vec<Choice>,
    /// Answers that are not complete.
    open: usize,
    has_begun: bool,
    ready: VecDeque<Event>,
}

/// One answer as its client knows it.
#[derive(Default)]
struct Choice {
    text: Told,
    reasoning: Told,
}

impl Talk {
    pub(super) fn new(asked: Asked, jobs: Vec<Attended>, request_id: String) -> Self {
        let open = jobs.len();
        let updates = jobs.into_iter().enumerate().map(|(at, job)| {
            let updates = stream::unfold(job, |mut job| async { Some((job.next().await?, job)) });
            updates.map(move |update| (at, update)).boxed()
        });
        Self {
            writer: asked.writer,
            one_call: asked.one_call,
            request_id,
            updates: stream::select_all(updates),
            choices: (0..open).map(|_| Choice::default()).collect(),
            open,
            has_begun: false,
            ready: VecDeque::new(),
        }
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
                if !self.has_begun && at == 0 {
                    self.ready.push_back(Event::default().comment(format!("waiting, {ahead} ahead")));
                }
                Ok(())
            }
            Update::Started => {
                self.begin();
                Ok(())
            }
            Update::Delta { text, reasoning, reset, gap } => {
                self.grow(at, &text, &reasoning, reset, gap).map_err(diverged)
            }
            Update::Progress(_) | Update::Preview(_) => Ok(()),
            Update::Done(detail) => self.done(at, detail.result_json.as_deref()),
            Update::Failed(ending) => Err(ending.into()),
            Update::Cancelled { reason } => Err(Ending::Cancelled(reason).into()),
        };
        if let Err(failure) = outcome {
            self.failed(&failure);
        }
    }

    fn begin(&mut self) {
        if !self.has_begun {
            self.has_begun = true;
            let events = self.writer.begin();
            self.say(events);
        }
    }

    fn grow(
        &mut self,
        at: usize,
        text: &str,
        reasoning: &str,
        reset: bool,
        gap: bool,
    ) -> Result<(), Diverged> {
        self.begin();
        let choice = &mut self.choices[at];
        for told in [&mut choice.text, &mut choice.reasoning] {
            if reset {
                told.again();
            }
            if gap {
                told.gap();
            }
        }
        let (text, reasoning) = (choice.text.push(text)?, choice.reasoning.push(reasoning)?);
        self.tell(at, text, reasoning);
        Ok(())
    }

    fn done(&mut self, at: usize, result: Option<&str>) -> Result<(), Failure> {
        self.begin();
        let answer = read_answer(result, self.one_call)?;
        let choice = &mut self.choices[at];
        let reasoning = choice.reasoning.finish(&answer.reasoning).map_err(diverged)?;
        let text = choice.text.finish(&answer.text).map_err(diverged)?;
        self.tell(at, text, reasoning);
        let events = self.writer.done(at, &answer);
        self.say(events);
        self.open -= 1;
        if self.open == 0 {
            let events = self.writer.end();
            self.say(events);
        }
        Ok(())
    }

    fn tell(&mut self, at: usize, text: &str, reasoning: &str) {
        if !(text.is_empty() && reasoning.is_empty()) {
            let events = self.writer.delta(at, text, reasoning);
            self.say(events);
        }
    }

    /// The other answers are of no use without this one.
    fn failed(&mut self, failure: &Failure) {
        self.updates.clear();
        let events = self.writer.failed(failure, &self.request_id);
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

fn diverged(error: Diverged) -> Failure {
    Failure::new(Kind::Internal, error.to_string())
}
