//! Answers with stored bytes: whole, in ranges, or that the client has them.
//!
//! They come from workers and clients, so a browser must not run them as a page of ours: nothing but plain pictures,
//! sound and video is shown in place, nothing is sniffed, and what is opened all the same runs in a sandbox.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use studio_protocol::artefact_filename;
use studio_store::Artefact;

use crate::api::problem::Problem;
use crate::api::range::{Wanted, wanted};
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
/// What is saved under its own type: no browser runs it. All else is saved as bytes.
const SAVED_AS_IT_IS: [&str; 4] = ["model/gltf-binary", "image/bmp", "audio/mp4", "audio/webm"];
const PLAIN_BYTES: &str = "application/octet-stream";
/// Nothing that is stored may load, run or be framed, whatever it turns out to be.
pub(super) const NOTHING_RUNS: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");

/// Bytes in the artefact store, and what is told of them.
pub struct Stored {
    /// Their place.
    pub key: String,
    /// Lowercase hex, the ETag.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
    /// As it was stored; only harmless ones are told.
    pub mime: String,
    /// What they are saved as.
    pub filename: String,
}

impl From<Artefact> for Stored {
    fn from(artefact: Artefact) -> Self {
        let is_plain = !artefact.ext.is_empty() && artefact.ext.bytes().all(|b| b.is_ascii_alphanumeric());
        let ext = if is_plain { artefact.ext.as_str() } else { "bin" };
        let filename = artefact_filename(&artefact.job, ext);
        let Artefact { key, sha256, bytes, mime, .. } = artefact;
        Self { key, sha256, bytes, mime, filename }
    }
}

impl Stored {
    /// Answers what `headers` ask for.
    pub async fn serve(
        self,
        state: &AppState,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let etag = format!("\"{}\"", self.sha256);
        let (status, range) = match wanted(headers, &etag, self.bytes) {
            Wanted::All => (StatusCode::OK, None),
            Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
            Wanted::Nothing => (StatusCode::NOT_MODIFIED, None),
            Wanted::Outside => {
                let mut response = Problem::range(self.bytes).into_response();
                let content_range = format!("bytes */{}", self.bytes);
                put(response.headers_mut(), header::CONTENT_RANGE, &content_range);
                return Ok(response);
            }
        };
        let length = range.as_ref().map_or(self.bytes, |range| range.end - range.start);
        let content_range = range.as_ref().map(|r| format!("bytes {}-{}/{}", r.start, r.end - 1, self.bytes));
        let silent = method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
        let body = if silent {
            Body::empty()
        } else {
            Body::from_stream(state.artefacts.get(&self.key, range).await?)
        };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        put(headers, header::ETAG, &etag);
        put(headers, header::ACCEPT_RANGES, "bytes");
        // The bytes behind an id never change, but who may see them does: ask each time, cheaply by the ETag.
        put(headers, header::CACHE_CONTROL, "private, no-cache");
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CONTENT_SECURITY_POLICY, NOTHING_RUNS);
        if status != StatusCode::NOT_MODIFIED {
            put(headers, header::CONTENT_LENGTH, &length.to_string());
            self.describe(headers);
        }
        if let Some(content_range) = content_range {
            put(headers, header::CONTENT_RANGE, &content_range);
        }
        Ok(response)
    }

    fn describe(&self, headers: &mut HeaderMap) {
        let mime = self.mime.as_str();
        let is_shown = SHOWN_IN_PLACE.contains(&mime);
        let place = if is_shown { "inline" } else { "attachment" };
        let told = if is_shown || SAVED_AS_IT_IS.contains(&mime) { mime } else { PLAIN_BYTES };
        put(headers, header::CONTENT_DISPOSITION, &format!("{place}; filename=\"{}\"", self.filename));
        put(headers, header::CONTENT_TYPE, told);
    }
}

/// Leaves out what cannot stand in a header.
pub(super) fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
