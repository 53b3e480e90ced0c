//! Errors as `application/problem+json` (RFC 9457), one place for status, title and type.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use studio_store::StoreError;

use crate::artefacts::ArtefactError;

/// Characters of an id that an error quotes: every id of ours fits.
const MAX_QUOTED_ID_CHARS: usize = 80;
/// Seconds until a submission beyond its quota is worth another try: some jobs are done by then.
const QUOTA_RETRY_AFTER: u32 = 10;

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
    /// Seconds after which the same request may do better: the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u32>,
    /// The numbers of a quota that is spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Box<Quota>>,
}

/// Jobs of a project against the most that may wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Quota {
    /// Whose.
    pub project: String,
    /// The most that may wait.
    pub limit: u64,
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs of the request.
    pub adding: u64,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:studio:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            retry_after: None,
            quota: None,
        }
    }

    /// 400: a field has a value that cannot be.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut problem =
            Self::new(StatusCode::BAD_REQUEST, "invalid-request", "The request is not valid", detail);
        problem.field = Some(field.into()).filter(|field| !field.is_empty());
        problem
    }

    /// 401: no key and no session, or one that is unknown, revoked or over; which of them is not said.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "An API key is needed",
            "send a valid API key as `Authorization: Bearer <key>`, or sign in",
        )
    }

    /// 401: two credentials, of which only one can count.
    pub fn two_credentials() -> Self {
        let detail = "the request shows more than one of `Authorization`, `X-API-Key` and a session's cookie: send one";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "One credential too many", detail)
    }

    /// 401: nobody has this name, or not this password, or they are kept out; which of them is not said.
    pub fn wrong_password() -> Self {
        let detail = "the name or the password is wrong, or the account is disabled";
        Self::new(StatusCode::UNAUTHORIZED, "wrong-password", "Not signed in", detail)
    }

    /// 403: a browser's request that no page of its session has sent.
    pub fn wrong_csrf() -> Self {
        let detail = "the header `X-CSRF-Token` is missing or from another session: reload the page";
        let mut problem =
            Self::new(StatusCode::FORBIDDEN, "wrong-csrf-token", "The page is of another session", detail);
        problem.field = Some("X-CSRF-Token".to_owned());
        problem
    }

    /// 401 for a worker: a token or secret that is missing, rotated, or another's; which of them is not said.
    pub fn unauthorized_worker() -> Self {
        let detail = "send the worker's own token or secret as `Authorization: Bearer <token>`; a worker whose token \
                      was replaced joins again with `studio-worker register --reset`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "The worker's token is needed", detail)
    }

    /// 403: the caller may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this", detail)
    }

    /// 403: a signed address that was good once.
    pub fn link_expired() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "link-expired",
            "The address has expired",
            "it was good for a while only: ask whoever gave it to you for a new one",
        )
        .at("expires")
    }

    /// 403: an address that the studio did not sign, or that was changed since.
    pub fn link_forged() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "link-forged",
            "The address is not one that this studio signed",
            "use the whole address as it was given, unchanged; `POST /api/v1/artefacts/{id}/link` makes one",
        )
        .at("signature")
    }

    /// 404: nothing by this id, or nothing that the caller may see.
    pub fn not_found(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(MAX_QUOTED_ID_CHARS).collect();
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", format!("there is no {what} `{id}`"))
    }

    /// 404: there is an artefact, and nothing of it to look at.
    pub fn no_picture(artefact: &str, why: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no-picture",
            "There is no picture",
            format!("the artefact `{artefact}` has no thumbnail: {why}"),
        )
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

    /// 404: no page.
    pub fn no_page(path: &str) -> Self {
        let path: String = path.chars().take(MAX_QUOTED_ID_CHARS).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not found",
            format!("`{path}` is no page of this studio"),
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

    /// 415: the body is of a type that is not taken here.
    pub fn wrong_media_type(what: &str, found: &str, taken: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body is of a type that is not taken here",
            format!("{what} of the type `{found}` is not taken: send one of {taken} as `Content-Type`"),
        )
        .at("Content-Type")
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

    /// 429: more jobs of a project would wait than may.
    pub fn quota(quota: Quota, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "quota",
            "The project has too many jobs waiting",
            detail,
        );
        problem.quota = Some(Box::new(quota));
        problem.retry_after = Some(QUOTA_RETRY_AFTER);
        problem
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

    /// The same problem, over after `seconds`.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        self
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
            StoreError::Quota { ref project, queued, adding, limit } => {
                Self::quota(Quota { project: project.to_string(), limit, queued, adding }, error.to_string())
            }
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
        let retry_after = self.retry_after.or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(1));
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"studio\""));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
