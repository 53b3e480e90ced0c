//! `GET /api/v1/artefacts/{id}/thumbnail`: a picture, small.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::serve::{NOTHING_RUNS, put};
use super::visible_artefact;
use crate::api::auth::Caller;
use crate::api::problem::Problem;
use crate::api::query::{ApiQuery, Id};
use crate::api::range::{Wanted, wanted};
use crate::state::AppState;
use crate::thumbnails::{SIZES, ThumbnailError};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sized {
    size: Option<String>,
}

pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    ApiQuery(query): ApiQuery<Sized>,
    mut headers: HeaderMap,
) -> Result<Response, Problem> {
    let size = match query.size.as_deref() {
        None => SIZES[0],
        Some(text) => text.parse().ok().filter(|size| SIZES.contains(size)).ok_or_else(|| {
            Problem::invalid("size", format!("`{text}` is not one of {}, {}", SIZES[0], SIZES[1]))
        })?,
    };
    let artefact = visible_artefact(&state, caller, id).await?;
    let etag = format!("\"{}-{size}\"", artefact.sha256);
    // Ranges of a thumbnail are nobody's need.
    headers.remove(header::RANGE);
    let mut response = if wanted(&headers, &etag, 1) == Wanted::Nothing {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let made = state.thumbnails.get(&state.artefacts, &artefact, size).await;
        let thumbnail = made.map_err(|error| match error {
            ThumbnailError::NoPicture(why) => Problem::no_picture(artefact.id.as_str(), &why),
            ThumbnailError::Artefact(error) => error.into(),
            ThumbnailError::Failed(_) => Problem::internal(&error),
        })?;
        let mut response = thumbnail.bytes.into_response();
        put(response.headers_mut(), header::CONTENT_TYPE, thumbnail.mime);
        put(response.headers_mut(), header::CONTENT_DISPOSITION, "inline");
        response
    };
    let headers = response.headers_mut();
    put(headers, header::ETAG, &etag);
    // It never changes, and only who may see the artefact has asked.
    put(headers, header::CACHE_CONTROL, "private, max-age=31536000, immutable");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, NOTHING_RUNS);
    Ok(response)
}
