//! `/api/v1/artefacts`: the bytes that jobs made.
//!
//! They come from workers, so a browser must not run them as a page of ours: nothing but plain pictures,
//! sound and video is shown in place, and nothing is sniffed.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use studio_protocol::artefact_filename;
use studio_store::{Artefact, ArtefactFilter, ArtefactId, BatchId, StoreError};

use super::auth::Caller;
use super::jobs::{no_result, visible};
use super::problem::Problem;
use super::query::{ApiQuery, Id, PageQuery, kind};
use super::range::{Wanted, wanted};
use super::{batches, convert, types};
use crate::state::AppState;

/// What a browser may show in place; formats that can hold scripts (SVG, PDF, HTML) are not among them.
const SHOWN_IN_PLACE: [&str; 10] = [
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "audio/wav",
    "audio/mpeg",
    "audio/ogg",
    "audio/flac",
    "video/mp4",
    "video/webm",
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    pub batch: Option<String>,
    pub project: Option<String>,
    pub model: Option<String>,
    pub kind: Option<String>,
    pub limit: Option<String>,
    pub cursor: Option<String>,
}

pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<types::Items<types::Artefact>>, Problem> {
    let (cursor, limit) = PageQuery::new(query.limit, query.cursor).read()?;
    let filter = ArtefactFilter {
        batch: query.batch.map(BatchId::from),
        project: caller.narrow(query.project)?,
        model: query.model,
        kind: kind(query.kind.as_deref())?,
    };
    let page = state
        .store
        .read(move |db| {
            if let Some(batch) = &filter.batch {
                batches::visible(db, &caller, batch)?;
            }
            db.artefacts_of(&filter, cursor, limit)
        })
        .await?;
    Ok(Json(types::Items {
        items: page.items.into_iter().map(convert::artefact).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

pub async fn bytes(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let artefact = state
        .store
        .read(move |db| {
            let artefact = db.artefact(&ArtefactId::from(id.as_str()))?;
            if caller.sees(&artefact.project) {
                return Ok(artefact);
            }
            Err(StoreError::not_found("artefact", id))
        })
        .await?;
    serve(&state, &artefact, &method, &headers).await
}

/// `/api/v1/jobs/{id}/artefact`
pub async fn of_job(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = visible(&state, caller, id).await?.job;
    let id = job.id.clone();
    match state.store.read(move |db| db.artefact_of_job(&id)).await? {
        Some(artefact) => serve(&state, &artefact, &method, &headers).await,
        None => Err(no_result(&job)),
    }
}

async fn serve(
    state: &AppState,
    artefact: &Artefact,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let etag = format!("\"{}\"", artefact.sha256);
    let (status, range) = match wanted(headers, &etag, artefact.bytes) {
        Wanted::All => (StatusCode::OK, None),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
        Wanted::Nothing => (StatusCode::NOT_MODIFIED, None),
        Wanted::Outside => {
            let mut response = Problem::range(artefact.bytes).into_response();
            let content_range = format!("bytes */{}", artefact.bytes);
            put(response.headers_mut(), header::CONTENT_RANGE, &content_range);
            return Ok(response);
        }
    };
    let length = range.as_ref().map_or(artefact.bytes, |range| range.end - range.start);
    let content_range = range.as_ref().map(|r| format!("bytes {}-{}/{}", r.start, r.end - 1, artefact.bytes));
    let silent = method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let body = if silent {
        Body::empty()
    } else {
        Body::from_stream(state.artefacts.get(&artefact.key, range).await?)
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    put(headers, header::ETAG, &etag);
    put(headers, header::ACCEPT_RANGES, "bytes");
    // The bytes behind an id never change, but who may see them does: ask each time, cheaply by the ETag.
    put(headers, header::CACHE_CONTROL, "private, no-cache");
    if status != StatusCode::NOT_MODIFIED {
        put(headers, header::CONTENT_LENGTH, &length.to_string());
        describe(headers, artefact);
    }
    if let Some(content_range) = content_range {
        put(headers, header::CONTENT_RANGE, &content_range);
    }
    Ok(response)
}

fn describe(headers: &mut HeaderMap, artefact: &Artefact) {
    let place = if SHOWN_IN_PLACE.contains(&artefact.mime.as_str()) { "inline" } else { "attachment" };
    let plain_ext = artefact.ext.bytes().all(|b| b.is_ascii_alphanumeric());
    let ext = if plain_ext { artefact.ext.as_str() } else { "bin" };
    let name = artefact_filename(&artefact.job, ext);
    put(headers, header::CONTENT_DISPOSITION, &format!("{place}; filename=\"{name}\""));
    put(headers, header::CONTENT_TYPE, &artefact.mime);
}

/// Leaves out what cannot stand in a header.
fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
