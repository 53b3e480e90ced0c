//! Around every request: an id that its answer and the log share, numbers, and a line in the log.

use std::time::{Duration, Instant, SystemTime};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use studio_protocol::TraceParent;
use studio_runtime::{Span, Traces, Work};

use crate::metrics::Metrics;

tokio::task_local! {
    static CURRENT: Current;
}

/// The request that is being answered.
#[derive(Debug, Clone)]
pub struct Current {
    /// The pattern of its route.
    pub route: String,
    /// When it came.
    pub began: Instant,
    trace: Option<TraceParent>,
}

/// The request that is being answered.
pub fn current() -> Option<Current> {
    CURRENT.try_with(Clone::clone).ok()
}

/// The header that says which trace a request belongs to.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Where numbers and spans of requests go.
#[derive(Debug, Clone)]
pub struct Observed {
    pub metrics: Metrics,
    pub traces: Traces,
}

/// The span of the request that is being answered.
pub fn current_trace() -> Option<TraceParent> {
    CURRENT.try_with(|current| current.trace).unwrap_or_default()
}

/// Says which request an answer and a line of the log belong to.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of an id that is taken over from a client or a proxy: a UUID, with room.
const MAX_REQUEST_ID: usize = 64;
/// An answer that begins later than this is worth a line for everybody.
const SLOW: Duration = Duration::from_secs(1);

/// Middleware around all routes.
pub async fn observe(State(observed): State<Observed>, request: Request, next: Next) -> Response {
    let (began, began_at) = (Instant::now(), SystemTime::now());
    let id = id_of(request.headers());
    let method = method_of(request.method());
    // The pattern, because a path has as many values as there are ids.
    let route = request.extensions().get::<MatchedPath>().cloned();
    // Without its query, which may hold a signature.
    let path = request.uri().path().to_owned();
    let (parent, span) = span_of(request.headers(), &observed.traces);
    let route = route.as_ref().map_or("none", MatchedPath::as_str).to_owned();
    let current = Current { route: route.clone(), began, trace: span };
    let mut response = CURRENT.scope(current, next.run(request)).await;
    // A dialect has told its client already what this request is called.
    let id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).map_or(id, str::to_owned);
    let took = began.elapsed();
    let status = response.status().as_u16();
    observed.metrics.answered(&route, method, status, took);
    // Reading is most of what there is: a trace of it is kept when the client has one.
    if let Some(span) = span.filter(|span| span.sampled && (method != "GET" || parent.is_some())) {
        observed.traces.record(request_span(span, parent, began_at, method, &route, status));
    }
    let trace = span.map(TraceParent::trace_id);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if took >= SLOW {
        tracing::info!(request = id, trace, method, path, status, ms, "slow request");
    } else {
        tracing::debug!(request = id, trace, method, path, status, ms, "request");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().entry(REQUEST_ID).or_insert(value);
    }
    response
}

/// The client's span, and ours below it.
fn span_of(headers: &HeaderMap, traces: &Traces) -> (Option<TraceParent>, Option<TraceParent>) {
    let parent: Option<TraceParent> =
        headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()?.parse().ok());
    let span = uuid::Uuid::new_v4().as_u64_pair().1.max(1);
    let own = match parent {
        Some(parent) => Some(TraceParent { span, ..parent }),
        None if traces.is_on() => {
            Some(TraceParent { trace: uuid::Uuid::new_v4().as_u128(), span, sampled: true })
        }
        None => None,
    };
    (parent, own)
}

fn request_span(
    span: TraceParent,
    parent: Option<TraceParent>,
    began: SystemTime,
    method: &'static str,
    route: &str,
    status: u16,
) -> Span {
    Span {
        name: "request",
        trace: span.trace,
        id: span.span,
        parent: parent.map_or(0, |parent| parent.span),
        work: Work::Answer,
        began,
        ended: SystemTime::now(),
        attributes: vec![
            ("http.request.method", method.to_owned()),
            ("http.route", route.to_owned()),
            ("http.response.status_code", status.to_string()),
        ],
        error: (status >= 500).then(|| format!("answered with {status}")),
    }
}

fn id_of(headers: &HeaderMap) -> String {
    let plain = |text: &&str| {
        !text.is_empty()
            && text.len() <= MAX_REQUEST_ID
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let stated = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain);
    stated.map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned)
}

/// One of few words: anybody may send a method of their own.
fn method_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_over_only_when_it_is_plain_and_short() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(text).unwrap());
            id_of(&headers)
        };
        assert_eq!(of("abc-1.2_3"), "abc-1.2_3");
        for wrong in ["", "a b", "a\"b", "\u{e4}", &"x".repeat(MAX_REQUEST_ID + 1)] {
            assert_ne!(of(wrong), wrong);
        }
        assert_ne!(id_of(&HeaderMap::new()), id_of(&HeaderMap::new()));
    }
}
