//! Reads what a refused request still sends: who sent it then sees the answer where it would else see a reset
//! connection, at once or with the next request on it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// How much is read and thrown away: most pictures and songs; more is cut off with the connection.
const MAX_DISCARDED_BYTES: usize = 128 * 1024 * 1024;
/// And for how long: who sends slowly is not worth a wait.
const DISCARD_LIMIT: Duration = Duration::from_secs(5);

/// Middleware around a handler that may answer before it has read the body.
pub async fn discard(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let asks_first = asks_first(&parts.headers);
    let rest = Rest::of(body);
    let request = Request::from_parts(parts, Body::from_stream(rest.clone()));
    let mut response = next.run(request).await;
    if !rest.read_to_end(asks_first).await {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A client that sends nothing before it is told to go on.
fn asks_first(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A body, shared by the handler and by who reads what the handler left.
#[derive(Clone)]
struct Rest(Arc<Mutex<State>>);

struct State {
    body: BodyDataStream,
    is_touched: bool,
    is_at_end: bool,
}

impl Rest {
    fn of(body: Body) -> Self {
        let state = State { body: body.into_data_stream(), is_touched: false, is_at_end: false };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Whether the end was reached, so that the connection can serve another request.
    async fn read_to_end(mut self, asks_first: bool) -> bool {
        let (is_touched, is_at_end) = {
            let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            (state.is_touched, state.is_at_end)
        };
        if is_at_end || (asks_first && !is_touched) {
            return is_at_end;
        }
        let reading = async {
            let mut discarded = 0;
            while let Some(Ok(chunk)) = self.next().await {
                discarded += chunk.len();
                if discarded > MAX_DISCARDED_BYTES {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(DISCARD_LIMIT, reading).await.unwrap_or(false)
    }
}

impl Stream for Rest {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_touched = true;
        let polled = state.body.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            state.is_at_end = true;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_handler_left_is_read() {
        let chunks = [b"read", b"left", b"over"].map(|chunk| Ok::<_, axum::Error>(Bytes::from_static(chunk)));
        let mut rest = Rest::of(Body::from_stream(futures_util::stream::iter(chunks)));
        assert_eq!(rest.next().await.unwrap().unwrap(), "read");
        let left = rest.clone();
        drop(rest);
        assert!(left.read_to_end(false).await);
    }

    #[tokio::test]
    async fn a_client_that_asks_first_is_not_made_to_send() {
        let mut rest = Rest::of(Body::from("much"));
        assert!(!rest.clone().read_to_end(true).await);
        assert_eq!(rest.next().await.unwrap().unwrap(), "much", "it was not touched");
    }

    #[tokio::test]
    async fn what_never_ends_is_given_up() {
        let chunk = Bytes::from(vec![0; 1024 * 1024]);
        let endless = futures_util::stream::repeat_with(move || Ok::<_, axum::Error>(chunk.clone()));
        assert!(!Rest::of(Body::from_stream(endless)).read_to_end(false).await);
    }
}
