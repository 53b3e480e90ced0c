//! Whatever keeps a client from its answer, in OpenAI's words.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use studio_dialects::{Failure, Kind};

/// An answer that is a failure.
#[derive(Debug)]
pub(super) struct Refused(Failure);

impl<T: Into<Failure>> From<T> for Refused {
    fn from(failure: T) -> Self {
        Self(failure.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0.openai())).into_response();
        if let Some(time) = self.0.retry_after {
            let seconds = HeaderValue::from(time.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// Whether clients of an address expect OpenAI's words.
pub(in crate::local) fn is_dialect(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// The body of a refusal that has a status already.
pub(in crate::local) fn refused(status: StatusCode, detail: &str) -> Response {
    let kind = match status {
        StatusCode::UNAUTHORIZED => Kind::Unauthorized,
        StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
        status if status.is_client_error() => Kind::Invalid,
        _ => Kind::Internal,
    };
    (status, Json(Failure::new(kind, detail).openai())).into_response()
}
