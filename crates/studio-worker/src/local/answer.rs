//! What is answered when something cannot be done.

use axum::Json;
use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use worker_local::{ConfigProblem, Problem};

use super::openai;

/// Seconds after which somebody who found no room may try again.
const RETRY_SECONDS: u32 = 1;
/// RFC 9457.
const PROBLEM_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error, in words for people and a code for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    detail: String,
    problems: Vec<ConfigProblem>,
    retry_after: Option<u32>,
    /// Whoever is not let in gets no second request on the same connection.
    closes: bool,
}

impl Refusal {
    /// `detail` is one sentence without a final period: what, with which value, and what to do.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), problems: Vec::new(), retry_after: None, closes: false }
    }

    /// 400: the request makes no sense.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    /// 404.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", detail)
    }

    /// 409: not as things stand.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 503 with `Retry-After`: there is no room for it now.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(RETRY_SECONDS),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
        }
    }

    /// 503: nothing is done any more.
    pub(crate) fn ending() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ending", "the worker is about to end")
    }

    /// And the connection is closed after it.
    pub(crate) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// In the words that the clients of an address expect.
    pub(super) fn at(self, path: &str) -> Response {
        if !openai::is_dialect(path) {
            return self.into_response();
        }
        let mut response = openai::refused(self.status, &self.detail);
        self.add_headers(&mut response);
        response
    }

    fn add_headers(&self, response: &mut Response) {
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if self.closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }

    /// With every setting that was refused.
    pub(crate) fn with_problems(mut self, problems: Vec<ConfigProblem>) -> Self {
        self.problems = problems;
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = Problem {
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail.clone(),
            problems: self.problems.clone(),
        };
        let mut response = (self.status, Json(problem)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_TYPE);
        self.add_headers(&mut response);
        response
    }
}
