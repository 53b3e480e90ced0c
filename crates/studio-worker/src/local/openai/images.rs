//! `/v1/images`: generations, edits, variations. Pictures come inside of the answer: no address here opens them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use studio_dialects::media::Sort;
use studio_dialects::openai::images::{ImagesRequest, Made as Shown, Piece};
use studio_dialects::{Failure, Kind};
use studio_protocol::{TaskKind, Timestamp};

use super::super::Local;
use super::files::Files;
use super::pieces::{Said, Tell, tell};
use super::refused::Refused;
use super::run::{Jobs, Wish, file, numbered};
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
        let looks = vec![0; jobs.len()];
        tell(jobs, Show { asked, looks }).await?
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

/// What a client sees of its pictures.
struct Show {
    asked: ImagesRequest,
    /// Looks that were sent, for each picture.
    looks: Vec<u32>,
}

impl Tell for Show {
    async fn hear(&mut self, at: usize, update: Update) -> Said {
        match update {
            Update::Progress { step, steps } => {
                Said::events(vec![Event::default().comment(format!("picture {at}: {step} of {steps}"))])
            }
            Update::Preview(data) => Said::events(self.look(at, &data).into_iter().collect()),
            Update::Ended(Ok(made)) => match encoded(vec![made]).await {
                Ok(picture) => Said::events(vec![self.done(at, &picture)]),
                Err(failure) => Said::failure(&failure),
            },
            Update::Ended(Err(failure)) => Said::failure(&numbered(failure, at, self.looks.len())),
            Update::Started | Update::Delta { .. } => Said::default(),
        }
    }
}

impl Show {
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

    fn done(&self, at: usize, picture: &[String]) -> Event {
        let data = joined(self.asked.completed(now(), at), picture);
        Event::default().event(self.asked.completed_event()).data(data)
    }
}

/// Seconds of Unix time.
fn now() -> i64 {
    Timestamp::now().as_millis() / 1_000
}
