//! Files of models for workers: `GET /workers/{workerId}/models/{model}/files/{filename}`.

use std::io::SeekFrom;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use studio_protocol::WorkerId;
use studio_store::StoreError;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::auth;
use crate::api::problem::Problem;
use crate::api::range::{Wanted, wanted};
use crate::model_files::StoredFile;
use crate::state::AppState;

/// What is read from the disk at once: files are large, and few are read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

pub async fn bytes(
    State(state): State<AppState>,
    Path((worker, model, filename)): Path<(WorkerId, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::worker(&state, &worker, &headers).await?;
    let missing = || Problem::not_found("model file", &format!("{model}/{filename}"));
    // What is in the folder is not asked for by its name: only what the entry names is looked up, among names.
    let wanted_model = model.clone();
    let load = state.store.read(move |db| match db.model(&wanted_model) {
        Ok(model) => Ok(Some(model)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    });
    let entry = state.models.get(&model, load).await?.ok_or_else(missing)?;
    if !entry.source.files.iter().any(|file| file.filename == filename) {
        return Err(missing());
    }
    let stored = state.model_files.held(&model).get(&filename).cloned().ok_or_else(missing)?;
    let path = state.model_files.folder(&model).join(&filename);
    let file = File::open(&path).await.map_err(|error| {
        tracing::error!("could not open `{}`: {error}", path.display());
        missing()
    })?;
    if !file.metadata().await.is_ok_and(|meta| meta.len() == stored.bytes) {
        return Err(Problem::unavailable("the file is being replaced: ask again"));
    }
    serve(file, &stored, &method, &headers).await
}

async fn serve(
    mut file: File,
    stored: &StoredFile,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let etag = format!("\"{}\"", stored.sha256);
    let (status, range) = match wanted(headers, &etag, stored.bytes) {
        Wanted::All => (StatusCode::OK, 0..stored.bytes),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => (StatusCode::NOT_MODIFIED, 0..0),
        Wanted::Outside => {
            let mut response = Problem::range(stored.bytes).into_response();
            put(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", stored.bytes));
            return Ok(response);
        }
    };
    let length = range.end - range.start;
    let silent = method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let body = if silent {
        Body::empty()
    } else {
        file.seek(SeekFrom::Start(range.start)).await.map_err(|error| Problem::internal(&error))?;
        Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK_BYTES))
    };
    let mut response = (status, body).into_response();
    put(&mut response, header::ETAG, &etag);
    put(&mut response, header::ACCEPT_RANGES, "bytes");
    put(&mut response, header::CACHE_CONTROL, "private, no-cache");
    if status != StatusCode::NOT_MODIFIED {
        put(&mut response, header::CONTENT_LENGTH, &length.to_string());
        put(&mut response, header::CONTENT_TYPE, "application/octet-stream");
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, stored.bytes);
        put(&mut response, header::CONTENT_RANGE, &content_range);
    }
    Ok(response)
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
