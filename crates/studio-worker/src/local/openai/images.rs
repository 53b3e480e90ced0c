//! `/v1/images`: generations, edits, variations. Pictures come inside of the answer: no address here opens them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt};
use studio_dialects::media::Sort;
use studio_dialects::openai::images::{ImagesRequest, Made as Shown, Piece};
use studio_dialects::{Failure, Kind};
use studio_protocol::{TaskKind, Timestamp};

use super::super::Local;
use super::files::Files;
use super::refused::Refused;
use super::run::{Jobs, Updates, Wish, file, numbered};
use super::{ClientJson, form, models, with_ignored};
use crate::daemon::{Made, Update};

/// Pictures inside of an answer, together: ten of 2048x2048 as PNG.
const MAX_INLINE_BYTES: u64 = 128 * 1024 * 1024;

pub(super) async fn generations(
    State(local): State<Arc<Local>>,
    ClientJson(body): ClientJson,
) -> Result<Response, Refused> {
    make(&local, ImagesRequest::generation(&body, rand::random())?, Files::default()).await
}

pub(super) async fn edits(State(local): State<Arc<Local>>, request: Request) -> Result<Response, Refused> {
    let (form, files) = form::read(&local.place.work, request, Sort::Picture, true).await?;
    make(&local, ImagesRequest::edit(form, rand::random())?, files).await
}

pub(super) async fn variations(
    State(local): State<Arc<Local>>,
    request: Request,
) -> Result<Response, Refused> {
    let (form, files) = form::read(&local.place.work, request, Sort::Picture, false).await?;
    make(&local, ImagesRequest::variation(form, rand::random())?, files).await
}

async fn make(local: &Local, asked: ImagesRequest, files: Files) -> Result<Response, Refused> {
    let asked = asked.inline()?;
    let model = models::find(local, &asked.model, TaskKind::Image).await?;
    let wish = Wish { preview: asked.stream && asked.partial_images > 0, ..Wish::default() };
    let jobs = Jobs::submit(local, TaskKind::Image, &model, asked.tasks.clone(), files, wish).await?;
    let (names, ignored) = (jobs.names(), asked.ignored.clone());
    let response = if asked.stream {
        pieces(jobs, asked).await?
    } else {
        let pictures = encoded(jobs.end().await?).await?;
        let answer = asked.answer(now(), &vec![Shown { url: None }; pictures.len()]);
        ([(header::CONTENT_TYPE, "application/json")], joined(answer, &pictures)).into_response()
    };
    Ok(names.on(with_ignored(response, &ignored)))
}

/// The bytes of pictures as base64; their files are gone then.
async fn encoded(made: Vec<Made>) -> Result<Vec<String>, Failure> {
    let lost = |error: std::io::Error| {
        Failure::new(Kind::Internal, format!("what the engine made cannot be read: {error}"))
    };
    let (mut pictures, mut all) = (Vec::with_capacity(made.len()), 0);
    for made in made {
        let (path, _, _folder) = file(made)?;
        all += tokio::fs::metadata(&path).await.map_err(lost)?.len();
        if all > MAX_INLINE_BYTES {
            let why = format!(
                "the pictures have more than {MAX_INLINE_BYTES} bytes: ask for fewer, or smaller ones"
            );
            return Err(Failure::new(Kind::TooLarge, why));
        }
        pictures.push(STANDARD.encode(tokio::fs::read(&path).await.map_err(lost)?));
    }
    Ok(pictures)
}

fn joined(pieces: Vec<Piece>, pictures: &[String]) -> String {
    let mut text = String::with_capacity(pictures.iter().map(String::len).sum::<usize>() + 1_024);
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(&piece),
            Piece::Base64(at) => text.push_str(pictures.get(at).map_or("", String::as_str)),
        }
    }
    text
}

async fn pieces(jobs: Jobs, asked: ImagesRequest) -> Result<Response, Failure> {
    let looks = vec![0; jobs.len()];
    let (first, updates) = jobs.updates().await?;
    let show = Show { first: first.into_iter().next(), updates, asked, looks };
    Ok(Sse::new(stream::unfold(show, Show::next)).keep_alive(KeepAlive::new()).into_response())
}

/// What a client sees of its pictures; a client that goes away drops this, and with it the jobs.
struct Show {
    first: Option<(usize, Update)>,
    updates: Updates,
    asked: ImagesRequest,
    /// Looks that were sent, for each picture.
    looks: Vec<u32>,
}

impl Show {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            let (at, update) = match self.first.take() {
                Some(first) => first,
                None => self.updates.next().await?,
            };
            let event = match update {
                Update::Progress { step, steps } => {
                    Some(Event::default().comment(format!("picture {at}: {step} of {steps}")))
                }
                Update::Preview(data) => self.look(at, &data),
                Update::Ended(Ok(made)) => Some(self.done(at, made).await),
                Update::Ended(Err(failure)) => Some(self.fail(&numbered(failure, at, self.looks.len()))),
                Update::Started | Update::Delta { .. } => None,
            };
            if let Some(event) = event {
                return Some((Ok(event), self));
            }
        }
    }

    /// As many as were asked for; later ones show more, but how many there will be nobody knows.
    fn look(&mut self, at: usize, data: &str) -> Option<Event> {
        let index = self.looks[at];
        if index >= self.asked.partial_images {
            return None;
        }
        self.looks[at] += 1;
        let event = Event::default().event(self.asked.partial_event());
        Some(event.data(self.asked.partial(now(), at, index, data)))
    }

    async fn done(&mut self, at: usize, made: Made) -> Event {
        match encoded(vec![made]).await {
            Ok(picture) => {
                let data = joined(self.asked.completed(now(), at), &picture);
                Event::default().event(self.asked.completed_event()).data(data)
            }
            Err(failure) => self.fail(&failure),
        }
    }

    /// The others are of no use alone: they end with this.
    fn fail(&mut self, failure: &Failure) -> Event {
        self.updates.clear();
        Event::default().event("error").data(failure.openai().to_string())
    }
}

/// Seconds of Unix time.
fn now() -> i64 {
    Timestamp::now().as_millis() / 1_000
}
