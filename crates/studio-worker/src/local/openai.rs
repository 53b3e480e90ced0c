//! `/v1`: the OpenAI shape, so that local programs use this worker's engines without a studio.
//!
//! How requests and answers look is the business of the crate `studio-dialects`; here a request becomes local jobs of the
//! daemon, which are called off when their client goes away. Errors have OpenAI's shape, those of the guard too.

mod audio;
mod embeddings;
mod files;
mod form;
mod images;
mod models;
mod pieces;
mod refused;
mod run;
mod text;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{any, get, post};
use model_store::ModelStore;
use serde_json::Value;
use studio_dialects::{Failure, Kind, read_json};
use uuid::Uuid;

use super::Local;
use refused::Refused;
pub(super) use refused::{is_dialect, refused};

/// Under this a client names a request, as OpenAI's do.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Names what a request stated and nobody looks at.
const IGNORED: HeaderName = HeaderName::from_static("x-studio-ignored");
/// Bodies above this are parsed off the thread that serves everybody.
const PARSED_IN_PLACE_BYTES: usize = 64 * 1024;
/// Characters of an address that an error repeats.
const MAX_QUOTED_PATH_CHARS: usize = 100;

/// What these routes need of the daemon beside its task.
#[derive(Clone)]
pub(crate) struct Place {
    /// The models of this machine.
    pub(crate) store: ModelStore,
    /// Where files of requests are kept while they are worked on.
    pub(crate) work: PathBuf,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("work", &self.work).finish_non_exhaustive()
    }
}

/// Every address, and the words for those that are none.
pub(super) fn routes() -> Router<Arc<Local>> {
    Router::new()
        .route("/v1/audio/speech", post(audio::speech))
        .route("/v1/audio/transcriptions", post(audio::transcriptions))
        .route("/v1/audio/translations", post(audio::translations))
        .route("/v1/chat/completions", post(text::chat))
        .route("/v1/completions", post(text::completions))
        .route("/v1/embeddings", post(embeddings::create))
        .route("/v1/images/edits", post(images::edits))
        .route("/v1/images/generations", post(images::generations))
        .route("/v1/images/variations", post(images::variations))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*model}", get(models::show))
        .route("/v1/responses", post(text::responses))
        .method_not_allowed_fallback(wrong_method)
        .route("/v1", any(no_route))
        .route("/v1/{*rest}", any(no_route))
        // The guard has read the body and counted its bytes.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(named))
}

async fn named(mut request: Request, next: Next) -> Response {
    let id = RequestId(format!("req_{}", Uuid::new_v4().simple()));
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The request's id.
#[derive(Debug, Clone)]
struct RequestId(String);

async fn no_route(uri: Uri) -> Refused {
    let path: String = uri.path().chars().take(MAX_QUOTED_PATH_CHARS).collect();
    Failure::new(Kind::NotFound, format!("`{path}` is no address of this worker's API")).into()
}

async fn wrong_method(method: Method, uri: Uri) -> Refused {
    Failure::new(Kind::Method, format!("`{}` does not take {method}", uri.path())).into()
}

/// A JSON body.
struct ClientJson(Value);

impl<S: Send + Sync> FromRequest<S> for ClientJson {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" && !kind.ends_with("+json") {
            let why = "send the body as JSON, with the header `Content-Type: application/json`";
            return Err(Failure::new(Kind::MediaType, why).into());
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Failure::new(Kind::Invalid, format!("the body did not come: {error}")))?;
        if bytes.len() <= PARSED_IN_PLACE_BYTES {
            return Ok(Self(read_json(&bytes)?));
        }
        Ok(Self(aside(move || read_json(&bytes)).await??))
    }
}

/// Work that takes long enough to keep others waiting.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::new(Kind::Internal, error.to_string()))
}

/// Names in a header what was ignored.
fn with_ignored(mut response: Response, ignored: &[String]) -> Response {
    if !ignored.is_empty()
        && let Ok(names) = HeaderValue::from_str(&ignored.join(", "))
    {
        response.headers_mut().insert(IGNORED, names);
    }
    response
}
