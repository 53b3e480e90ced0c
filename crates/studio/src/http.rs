//! Around every request: an id that its answer and the log share, numbers, and a line in the log.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use crate::metrics::Metrics;

/// Says which request an answer and a line of the log belong to.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of an id that is taken over from a client or a proxy: a UUID, with room.
const MAX_REQUEST_ID: usize = 64;
/// An answer that begins later than this is worth a line for everybody.
const SLOW: Duration = Duration::from_secs(1);

/// Middleware around all routes.
pub async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = id_of(request.headers());
    let method = method_of(request.method());
    // The pattern, because a path has as many values as there are ids.
    let route = request.extensions().get::<MatchedPath>().cloned();
    // Without its query, which may hold a signature.
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let took = began.elapsed();
    let status = response.status().as_u16();
    metrics.answered(route.as_ref().map_or("none", MatchedPath::as_str), method, status, took);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if took >= SLOW {
        tracing::info!(request = id, method, path, status, ms, "slow request");
    } else {
        tracing::debug!(request = id, method, path, status, ms, "request");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
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
