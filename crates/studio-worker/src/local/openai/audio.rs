//! `/v1/audio`: speech, transcriptions, translations.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, BoxStream, StreamExt};
use studio_dialects::media::Sort;
use studio_dialects::openai::audio::{PCM_MIME, PcmStream, SpeechRequest, TranscriptRequest, TranscriptTalk};
use studio_dialects::{Failure, Growth, Kind};
use studio_protocol::{TaskKind, mime_of_ext};
use tokio_util::io::ReaderStream;

use super::super::Local;
use super::files::Files;
use super::pieces::{Said, Tell, event, tell};
use super::refused::Refused;
use super::run::{Jobs, Wish, file, json};
use super::{ClientJson, form, models, with_ignored};
use crate::daemon::{Folder, Update};

type Chunks = BoxStream<'static, io::Result<Bytes>>;

pub(super) async fn speech(
    State(local): State<Arc<Local>>,
    ClientJson(body): ClientJson,
) -> Result<Response, Refused> {
    let SpeechRequest { model, task, raw, ignored } = SpeechRequest::read(&body)?;
    let kind = TaskKind::AudioTts;
    let model = models::find(&local, &model, kind).await?;
    let jobs = Jobs::submit(&local, kind, &model, vec![task], Files::default(), Wish::default()).await?;
    let names = jobs.names();
    let made = jobs.end().await?.pop().ok_or_else(|| Failure::new(Kind::Internal, "nothing was said"))?;
    let (path, ext, folder) = file(made)?;
    let sound = tokio::fs::File::open(&path).await.map_err(|error| lost(&error))?;
    let length = sound.metadata().await.map_err(|error| lost(&error))?.len();
    let bytes = kept(ReaderStream::new(sound).boxed(), folder);
    let response = if raw {
        ([(header::CONTENT_TYPE, PCM_MIME)], Body::from_stream(pcm(bytes))).into_response()
    } else {
        let headers = [
            (header::CONTENT_TYPE, mime_of_ext(&ext).to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
        ];
        (headers, Body::from_stream(bytes)).into_response()
    };
    Ok(names.on(with_ignored(response, &ignored)))
}

/// The folder stays until the last byte is sent, or nobody wants it.
fn kept(bytes: Chunks, folder: Folder) -> Chunks {
    bytes
        .map(move |chunk| {
            let _ = folder.path();
            chunk
        })
        .boxed()
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
                samples.unwrap_or(Ok(Vec::new())).map_err(io::Error::other)
            });
            std::future::ready(Some(samples.map(Bytes::from)))
        })
        .boxed()
}

fn lost(error: &io::Error) -> Failure {
    Failure::new(Kind::Internal, format!("what the engine made cannot be read: {error}"))
}

pub(super) async fn transcriptions(
    State(local): State<Arc<Local>>,
    request: Request,
) -> Result<Response, Refused> {
    hear(&local, request, false).await
}

pub(super) async fn translations(
    State(local): State<Arc<Local>>,
    request: Request,
) -> Result<Response, Refused> {
    hear(&local, request, true).await
}

async fn hear(local: &Local, request: Request, translate: bool) -> Result<Response, Refused> {
    let (form, files) = form::read(&local.place.work, request, Sort::Sound, false).await?;
    let mut asked = TranscriptRequest::read(form, translate)?;
    let kind = TaskKind::AudioStt;
    let model = models::find(local, &asked.model, kind).await?;
    let wish = Wish { stream: asked.stream, ..Wish::default() };
    let jobs = Jobs::submit(local, kind, &model, vec![asked.task.take()], files, wish).await?;
    let names = jobs.names();
    let response = if asked.stream {
        tell(jobs, TranscriptTalk::default()).await?
    } else {
        let made =
            jobs.end().await?.pop().ok_or_else(|| Failure::new(Kind::Internal, "nothing was heard"))?;
        let body = asked.answer(json(&made)?)?;
        ([(header::CONTENT_TYPE, body.content_type)], body.text).into_response()
    };
    Ok(names.on(with_ignored(response, &asked.ignored)))
}

impl Tell for TranscriptTalk {
    async fn hear(&mut self, _: usize, update: Update) -> Said {
        let outcome = match update {
            Update::Delta { text, .. } => {
                let growth = Growth { text: &text, ..Growth::default() };
                self.grow(growth).map(|grown| grown.into_iter().collect())
            }
            Update::Ended(Ok(made)) => json(&made).and_then(|result| self.done(result)),
            Update::Ended(Err(failure)) => Err(failure),
            Update::Started | Update::Progress { .. } | Update::Preview(_) => Ok(Vec::new()),
        };
        match outcome {
            Ok(events) => Said::events(events.into_iter().map(event).collect()),
            Err(failure) => Said::failure(&failure),
        }
    }
}
