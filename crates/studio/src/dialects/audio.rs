//! `/v1/audio`: speech, transcriptions, translations.

use std::collections::VecDeque;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use studio_dialects::media::Sort;
use studio_dialects::openai::audio::{PCM_MIME, PcmStream, SpeechRequest, TranscriptRequest, TranscriptTalk};
use studio_dialects::{Event, Failure, Growth, Kind};
use studio_protocol::TaskKind;

use super::answers::{Chunks, broken_off, comment, event, events, text, with_ignored};
use super::body::ClientJson;
use super::form;
use super::group::{Group, Updates, artefacts, ended, result};
use super::refused::Refused;
use super::run::{Ending, RunOptions, Update};
use crate::api::auth::Caller;
use crate::api::problem::Problem;
use crate::state::AppState;

pub(super) async fn speech(
    State(state): State<AppState>,
    caller: Caller,
    ClientJson(body): ClientJson,
) -> Result<Response, Refused> {
    let SpeechRequest { model, task, raw, ignored } = SpeechRequest::read(&body)?;
    let (kind, options) = (TaskKind::AudioTts, RunOptions::default());
    let group = Group::submit(&state, &caller, kind, &model, vec![task], &options).await?;
    let names = group.names();
    let made = artefacts(&state, &group.end().await?).await?.pop();
    let made = made.ok_or_else(|| Failure::new(Kind::Internal, "nothing was said"))?;
    let bytes = state.artefacts.get(&made.key, None).await.map_err(Problem::from)?;
    let bytes = bytes.map(|chunk| chunk.map_err(std::io::Error::other)).boxed();
    let response = if raw {
        ([(header::CONTENT_TYPE, PCM_MIME)], Body::from_stream(pcm(bytes))).into_response()
    } else {
        let mut response = Body::from_stream(bytes).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(made.bytes));
        if let Ok(mime) = HeaderValue::from_str(&made.mime) {
            headers.insert(header::CONTENT_TYPE, mime);
        }
        response
    };
    Ok(names.on(with_ignored(response, &ignored)))
}

pub(super) async fn transcriptions(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Response, Refused> {
    hear(&state, &caller, request, false).await
}

pub(super) async fn translations(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Response, Refused> {
    hear(&state, &caller, request, true).await
}

/// The samples of a WAV, while it is read.
fn pcm(bytes: Chunks) -> Chunks {
    // A last, empty chunk brings out what was held back.
    let bytes = bytes.map(|chunk| chunk.map(Some)).chain(stream::iter([Ok(None)]));
    bytes
        .scan(Some(PcmStream::default()), |pcm, chunk| {
            let samples = chunk.and_then(|chunk| {
                let samples = match chunk {
                    Some(chunk) => pcm.as_mut().map(|pcm| pcm.feed(&chunk)),
                    None => pcm.take().map(PcmStream::finish),
                };
                samples.unwrap_or(Ok(Vec::new())).map_err(std::io::Error::other)
            });
            std::future::ready(Some(samples.map(Bytes::from)))
        })
        .boxed()
}

async fn hear(
    state: &AppState,
    caller: &Caller,
    request: Request,
    translate: bool,
) -> Result<Response, Refused> {
    let form = form::read(state, caller, request, Sort::Sound, false).await?;
    let mut asked = TranscriptRequest::read(form, translate)?;
    let (kind, options, tasks) = (TaskKind::AudioStt, RunOptions::default(), vec![asked.task.take()]);
    let group = Group::submit(state, caller, kind, &asked.model, tasks, &options).await?;
    let names = group.names();
    let response = if asked.stream {
        events(Telling::events(group.updates()))
    } else {
        let job = group.end().await?.pop();
        let body = asked.answer(&job.ok_or_else(unheard).and_then(result)?)?;
        text(body.content_type, body.text)
    };
    Ok(names.on(with_ignored(response, &asked.ignored)))
}

fn unheard() -> Failure {
    Failure::new(Kind::Internal, "nothing was heard")
}

/// A transcript as it is told to one client.
struct Telling {
    updates: Updates,
    talk: TranscriptTalk,
    ready: VecDeque<Bytes>,
}

impl Telling {
    /// Its events; a client that goes away drops them, and with them the job.
    fn events(updates: Updates) -> Chunks {
        let talk = Self { updates, talk: TranscriptTalk::default(), ready: VecDeque::new() };
        stream::unfold(talk, |mut talk| async move {
            loop {
                if let Some(bytes) = talk.ready.pop_front() {
                    return Some((Ok(bytes), talk));
                }
                let (_, update) = talk.updates.next().await?;
                if let Err(failure) = talk.hear(update) {
                    talk.updates.clear();
                    talk.ready.push_back(broken_off(&failure));
                }
            }
        })
        .boxed()
    }

    fn hear(&mut self, update: Update) -> Result<(), Failure> {
        match update {
            Update::Waiting { ahead } => self.ready.push_back(comment(&format!("waiting, {ahead} ahead"))),
            Update::Progress(at) => self.ready.push_back(comment(&format!("{} of {}", at.step, at.steps))),
            Update::Delta { text, reset, gap, .. } => {
                let growth = Growth { text: &text, reset, gap, ..Growth::default() };
                let event = self.talk.grow(growth)?;
                self.tell(event);
            }
            Update::Done(job) => {
                let events = self.talk.done(&result(*job)?)?;
                self.tell(events);
            }
            Update::Failed(ending) => return Err(ended(ending, 0, 1)),
            Update::Cancelled { reason } => return Err(ended(Ending::Cancelled(reason), 0, 1)),
            Update::Started | Update::Preview(_) => {}
        }
        Ok(())
    }

    fn tell(&mut self, events: impl IntoIterator<Item = Event>) {
        let said = events.into_iter().map(|said| event(said.name.unwrap_or_default(), &said.data));
        self.ready.extend(said);
    }
}
