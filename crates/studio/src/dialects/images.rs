//! `/v1/images`: generations, edits, variations.

mod events;

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use studio_dialects::media::Sort;
use studio_dialects::openai::images::{ImagesRequest, Made, ResponseFormat};
use studio_dialects::{Failure, Kind};
use studio_protocol::{TaskKind, Timestamp};
use studio_store::Artefact;

use super::answers::{self, with_ignored};
use super::body::ClientJson;
use super::form;
use super::group::{Group, artefacts};
use super::refused::Refused;
use super::run::RunOptions;
use crate::api::auth::Caller;
use crate::links::artefact_url;
use crate::model_files::base;
use crate::state::AppState;

/// How long an address in an answer is good: as long as OpenAI's.
const URL_TTL: Duration = Duration::from_hours(1);
/// Pictures inside of an answer, together: ten of 2048x2048 as PNG.
const MAX_INLINE_BYTES: u64 = 128 * 1024 * 1024;

pub(super) async fn generations(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ClientJson(body): ClientJson,
) -> Result<Response, Refused> {
    make(&state, &caller, &headers, ImagesRequest::generation(&body, rand::random())?).await
}

pub(super) async fn edits(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refused> {
    let form = form::read(&state, &caller, request, Sort::Picture, true).await?;
    make(&state, &caller, &headers, ImagesRequest::edit(form, rand::random())?).await
}

pub(super) async fn variations(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refused> {
    let form = form::read(&state, &caller, request, Sort::Picture, false).await?;
    make(&state, &caller, &headers, ImagesRequest::variation(form, rand::random())?).await
}

async fn make(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    asked: ImagesRequest,
) -> Result<Response, Refused> {
    let options = RunOptions { previews: asked.stream && asked.partial_images > 0, ..RunOptions::default() };
    let (kind, tasks) = (TaskKind::Image, asked.tasks.clone());
    let group = Group::submit(state, caller, kind, &asked.model, tasks, &options).await?;
    let (names, ignored) = (group.names(), asked.ignored.clone());
    let response = if asked.stream {
        answers::events(events::of(state.clone(), group, asked))
    } else {
        let made = artefacts(state, &group.end().await?).await?;
        match asked.response_format {
            ResponseFormat::Url => with_urls(state, headers, &asked, made),
            ResponseFormat::Base64 => inline(state, &asked, made)?,
        }
    };
    Ok(names.on(with_ignored(response, &ignored)))
}

fn with_urls(state: &AppState, headers: &HeaderMap, asked: &ImagesRequest, made: Vec<Artefact>) -> Response {
    let base = base(&state.settings, headers);
    let url =
        |artefact: &Artefact| artefact_url(state, &base, artefact.id.as_str(), &artefact.ext, URL_TTL).url;
    let pictures: Vec<Made> = made.iter().map(|artefact| Made { url: Some(url(artefact)) }).collect();
    send(state, asked, &pictures, made)
}

fn inline(state: &AppState, asked: &ImagesRequest, made: Vec<Artefact>) -> Result<Response, Failure> {
    let bytes: u64 = made.iter().map(|artefact| artefact.bytes).sum();
    if bytes > MAX_INLINE_BYTES {
        let why = format!(
            "the pictures have {bytes} bytes, at most {MAX_INLINE_BYTES} are sent inside of an answer: use \
             `response_format` url"
        );
        return Err(Failure {
            param: Some("response_format".to_owned()),
            ..Failure::new(Kind::TooLarge, why)
        });
    }
    let pictures = vec![Made { url: None }; made.len()];
    Ok(send(state, asked, &pictures, made))
}

fn send(state: &AppState, asked: &ImagesRequest, pictures: &[Made], made: Vec<Artefact>) -> Response {
    let pieces = asked.answer(now(), pictures);
    let length = answers::length(&pieces, &made);
    let mut response = Body::from_stream(answers::pieces(state, pieces, made)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// Seconds of Unix time.
fn now() -> i64 {
    Timestamp::now().as_millis() / 1_000
}
