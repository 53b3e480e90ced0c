//! Whatever keeps a client from its answer, as a failure that its dialect can say.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use studio_dialects::{Failure, Kind};

use super::run::{Ending, Refusal};
use crate::api::Problem;

/// When to ask again while the studio is stopping: it is back by then, if it comes back.
const STOPPING_RETRY: Duration = Duration::from_secs(5);

/// An answer that is a failure; [`speak`](super::frame::speak) puts it into words.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Failure);

impl<T: Into<Failure>> From<T> for Refused {
    fn from(failure: T) -> Self {
        Self(failure.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoModel { reason } => {
                Self { param: Some("model".to_owned()), ..Self::new(Kind::NoModel, reason) }
            }
            Refusal::Invalid { field, reason } => {
                let param = field.map(|field| field.trim_start_matches("task.").to_owned());
                Self { param, ..Self::new(Kind::Invalid, reason) }
            }
            Refusal::Forbidden { reason } => Self::new(Kind::Forbidden, reason),
            Refusal::Unavailable { reason, retry_after } => {
                Self::new(Kind::Unavailable, reason).after(retry_after)
            }
            Refusal::Busy { reason, retry_after } => Self::new(Kind::Busy, reason).after(retry_after),
            Refusal::Internal { reason } => Self::new(Kind::Internal, reason),
        }
    }
}

impl From<Ending> for Failure {
    fn from(ending: Ending) -> Self {
        let message = ending.to_string();
        match ending {
            Ending::Failed { is_final: true, .. } | Ending::Cancelled(_) => {
                Self::new(Kind::Unprocessable, message)
            }
            Ending::Failed { is_final: false, .. } | Ending::Quarantined(_) | Ending::Lost(_) => {
                Self::new(Kind::Internal, message)
            }
            Ending::TimedOut(_) => Self::new(Kind::TimedOut, message),
            Ending::Stopping => Self::new(Kind::Unavailable, message).after(STOPPING_RETRY),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let Problem { status, detail, field, .. } = problem;
        let kind = match StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR) {
            StatusCode::UNAUTHORIZED => Kind::Unauthorized,
            StatusCode::FORBIDDEN => Kind::Forbidden,
            StatusCode::NOT_FOUND => Kind::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::MediaType,
            StatusCode::TOO_MANY_REQUESTS => Kind::Busy,
            StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
            status if status.is_client_error() => Kind::Invalid,
            _ => Kind::Internal,
        };
        let retry_after = matches!(kind, Kind::Busy | Kind::Unavailable).then_some(STOPPING_RETRY);
        Self { kind, message: detail, param: field, retry_after }
    }
}
