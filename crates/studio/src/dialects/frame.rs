//! Around every request below `/v1`: an id for it, and errors in the words of its dialect.

use axum::Json;
use axum::extract::{Extension, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use studio_dialects::{Failure, Kind};
use uuid::Uuid;

use super::refused::Refused;

/// Under this a client may ask about a request; OpenAI's name, and Anthropic's.
const REQUEST_ID: [HeaderName; 2] =
    [HeaderName::from_static("x-request-id"), HeaderName::from_static("request-id")];
/// Characters of an address that an error repeats.
const MAX_QUOTED_PATH_CHARS: usize = 100;

/// What an address that is not here would need.
const ABSENT: [(&str, &str); 5] = [
    (
        "/v1/messages/count_tokens",
        "tokens are not counted here: only the engine that runs a model can, see `usage` of an answer",
    ),
    ("/v1/messages/batches", "batches are not taken here: submit them to /api/v1/batches"),
    ("/v1/batches", "batches are not taken here: submit them to /api/v1/batches"),
    ("/v1/responses/", "responses are not kept: send the whole conversation with each request"),
    ("/v1/chat/completions/", "answers are not kept"),
];

/// The request's id.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

/// Whose words an address speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    OpenAi,
    Anthropic,
}

impl Dialect {
    fn of(path: &str, headers: &HeaderMap) -> Self {
        let is_theirs = path == "/v1/messages" || path.starts_with("/v1/messages/");
        if is_theirs || headers.contains_key("anthropic-version") { Self::Anthropic } else { Self::OpenAi }
    }
}

/// Names the request, and says what went wrong in its dialect.
pub(super) async fn speak(mut request: Request, next: Next) -> Response {
    let dialect = Dialect::of(request.uri().path(), request.headers());
    let id = format!("req_{}", Uuid::new_v4().simple());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = told(&failure, dialect, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        for name in REQUEST_ID {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn told(failure: &Failure, dialect: Dialect, id: &str) -> Response {
    let body = match dialect {
        Dialect::OpenAi => failure.openai(),
        Dialect::Anthropic => failure.anthropic(id),
    };
    let status = StatusCode::from_u16(failure.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    if let Some(time) = failure.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(time.as_secs().max(1)));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"studio\""));
    }
    response
}

/// An address that nobody has.
pub(super) async fn no_route(uri: Uri) -> Refused {
    let path: String = uri.path().chars().take(MAX_QUOTED_PATH_CHARS).collect();
    let absent = ABSENT.iter().find(|(start, _)| path.starts_with(start));
    let message = match absent {
        Some((_, why)) => format!("`{path}`: {why}"),
        None => format!("`{path}` is no address of this API"),
    };
    Failure::new(Kind::NotFound, message).into()
}

/// An address that takes other methods.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Refused {
    Failure::new(Kind::Method, format!("`{}` does not take {method}", uri.path())).into()
}

/// The id of the request that a handler answers.
pub(super) type Id = Extension<RequestId>;
