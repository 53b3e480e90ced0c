//! Errors as `application/problem+json` (RFC 9457), one place for status, title and type.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use studio_store::StoreError;

use crate::artefacts::ArtefactError;

/// Characters of an id that an error quotes: every id of ours fits.
const MAX_QUOTED_ID_CHARS: usize = 80;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[error("{detail}")]
pub struct Problem {
    /// A word for programs, stable over versions.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and what to do.
    pub detail: String,
    /// The path of the field, parameter or header that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:studio:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
        }
    }

    /// 400: a field has a value that cannot be.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut problem =
            Self::new(StatusCode::BAD_REQUEST, "invalid-request", "The request is not valid", detail);
        problem.field = Some(field.into()).filter(|field| !field.is_empty());
        problem
    }

    /// 401: no key, or one that is unknown or revoked; which of them is not said.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "An API key is needed",
            "send a valid API key as `Authorization: Bearer <key>`",
        )
    }

    /// 401 for a worker: a token or secret that is missing, rotated, or another's; which of them is not said.
    pub fn unauthorized_worker() -> Self {
        let detail = "send the worker's own token or secret as `Authorization: Bearer <token>`; a worker whose token \
                      was replaced joins again with `studio-worker register --reset`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "The worker's token is needed", detail)
    }

    /// 403: the key may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The API key may not do this", detail)
    }

    /// 404: nothing by this id, or nothing that the caller may see.
    pub fn not_found(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(MAX_QUOTED_ID_CHARS).collect();
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", format!("there is no {what} `{id}`"))
    }

    /// 404: no route.
    pub fn no_route(path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not found",
            format!("`{path}` is no address of this API"),
        )
    }

    /// 405: the address is right.
    pub fn method(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
            format!("`{path}` does not take {method}"),
        )
    }

    /// 409: the state of the thing forbids it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "The state forbids it", detail)
    }

    /// 413: the body is larger than this route takes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The body is too large",
            format!("the body is larger than {limit} bytes, the limit of this address: send less at once"),
        )
    }

    /// 413: more jobs than one transaction should hold.
    pub fn too_many_jobs(jobs: usize, limit: usize) -> Self {
        let detail = format!("{jobs} jobs, at most {limit} are taken at once: send several submissions");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too many jobs at once", detail).at("jobs")
    }

    /// 415: the body is not JSON by its own word.
    pub fn media_type(found: Option<&str>) -> Self {
        let found = found.map_or_else(|| "no content type".to_owned(), |found| format!("`{found}`"));
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body must be JSON",
            format!("the body came with {found}: send `Content-Type: application/json`"),
        )
    }

    /// 416: no byte is in the range.
    pub fn range(length: u64) -> Self {
        let mut problem = Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "range-not-satisfiable",
            "The range lies outside",
            format!("there are {length} bytes"),
        );
        problem.field = Some("Range".to_owned());
        problem
    }

    /// 408: the body stopped coming.
    pub fn timeout(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The body stopped coming", detail)
    }

    /// 429: wait.
    pub fn too_many_requests(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests", detail)
    }

    /// 503: nothing is wrong with the request, it may be sent again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The studio cannot do this now", detail)
    }

    /// 507: the studio's disk.
    pub fn storage_full() -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "storage-full",
            "The studio's disk is full",
            "nothing was changed: free space in the studio's data directory, then send the request again",
        )
    }

    /// 500: a fault of the studio; the cause is in its log and not told to callers.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed by a fault of the studio");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The studio failed",
            "the studio's log says why; `studio doctor` checks its data",
        )
    }

    /// The same problem at another field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::storage_full(),
            StoreError::Busy => Self::unavailable("the database is busy: send the request again"),
            StoreError::Closed => {
                Self::unavailable("the studio is shutting down: send the request again later")
            }
            StoreError::NotFound { what, id } => Self::not_found(what, &id),
            StoreError::Conflict { .. } => Self::conflict(error.to_string()),
            StoreError::Invalid { field, problem } => Self::invalid(field, format!("{field}: {problem}")),
            StoreError::Corrupt { .. }
            | StoreError::BadRow { .. }
            | StoreError::Panicked
            | StoreError::Backup(_)
            | StoreError::Sqlite(_) => Self::internal(&Chain(&error)),
        }
    }
}

impl From<ArtefactError> for Problem {
    fn from(error: ArtefactError) -> Self {
        match error {
            ArtefactError::Full => Self::storage_full(),
            // The database says that it is there: the disk has lost it.
            ArtefactError::NotFound(_)
            | ArtefactError::TooLarge(_)
            | ArtefactError::Sender(_)
            | ArtefactError::Store(_) => Self::internal(&Chain(&error)),
        }
    }
}

/// An error with its causes, for the log.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(this) = cause {
            write!(f, ": {this}")?;
            cause = this.source();
        }
        Ok(())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"studio\""));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
