//! How slowly a body may come, and how much of a form is kept before it makes sense.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout};

/// A network that stalls recovers within this; who is silent for longer is gone, or holds a connection on purpose.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Slower than this for longer than [`PATIENCE`] is nobody who wants an answer.
const MIN_BYTES_PER_SECOND: u64 = 4 * 1024;
/// Of a form, before its reader has a whole head of a part: a head has some hundred bytes, the rest is what a
/// connection may have brought at once.
const MAX_HELD_BYTES: usize = 8 * 1024 * 1024;

/// Why a body is not read on.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Its sender is too slow.
    #[error("the body comes too slowly: less than {MIN_BYTES_PER_SECOND} bytes a second for a minute")]
    Slow,
    /// A form whose parts do not begin.
    #[error("a part of the form has a head of more than {MAX_HELD_BYTES} bytes")]
    Shapeless,
    /// The connection broke.
    #[error("the body ended early: {0}")]
    Broken(#[from] axum::Error),
}

/// The pieces of a body, as long as they come fast enough.
pub fn paced(body: Body) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + Unpin {
    let pieces = stream::try_unfold((body.into_data_stream(), PATIENCE), |(mut body, credit)| async move {
        let began = Instant::now();
        match timeout(credit, body.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(piece))) => {
                let earned = Duration::from_secs_f64(piece.len() as f64 / MIN_BYTES_PER_SECOND as f64);
                // What came fast is no leave to be slow for hours.
                let credit = (credit.saturating_sub(began.elapsed()) + earned).min(PATIENCE);
                Ok(Some((piece, (body, credit))))
            }
            Ok(Some(Err(error))) => Err(error.into()),
            Err(_) => Err(BodyError::Slow),
        }
    });
    pieces.boxed()
}

/// What came of a form since its reader got on; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<AtomicUsize>);

impl Held {
    /// The body for a reader of forms: it ends when the reader keeps all of it and makes nothing of it.
    pub fn guard(&self, body: Body) -> Body {
        let held = self.0.clone();
        Body::from_stream(paced(body).map(move |piece| {
            let piece = piece?;
            if held.fetch_add(piece.len(), Ordering::Relaxed) + piece.len() > MAX_HELD_BYTES {
                return Err(BodyError::Shapeless);
            }
            Ok(piece)
        }))
    }

    /// The reader has a part, or a piece of one.
    pub fn got_on(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A piece of so many bytes each second, for ever.
    fn drip(bytes: usize) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::io::Error>(vec![b' '; bytes]), ()))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_a_second_is_given_up_and_a_slow_line_is_not() {
        let began = Instant::now();
        let pieces: Vec<_> = paced(drip(1)).collect().await;
        assert!(matches!(pieces.last(), Some(Err(BodyError::Slow))));
        assert!(began.elapsed() < 2 * PATIENCE, "{:?}", began.elapsed());
        let slow = paced(drip(5_000)).take(1_000).all(|piece| std::future::ready(piece.is_ok()));
        assert!(slow.await, "a slow line is waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_fast_earns_no_hours() {
        let fast = stream::iter([Ok::<_, std::io::Error>(vec![0; 64 * 1024 * 1024])]);
        let body = Body::from_stream(
            fast.chain(
                drip(1)
                    .into_data_stream()
                    .map(|piece| piece.map(|piece| piece.to_vec()).map_err(std::io::Error::other)),
            ),
        );
        let began = Instant::now();
        let pieces: Vec<_> = paced(body).collect().await;
        assert!(matches!(pieces.last(), Some(Err(BodyError::Slow))));
        assert!(began.elapsed() < 2 * PATIENCE, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_form_without_shape_is_not_kept() {
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'a'; 64 * 1024]));
        let held = Held::default();
        let pieces: Vec<_> = held
            .guard(Body::from_stream(endless))
            .into_data_stream()
            .take_while(|p| std::future::ready(p.is_ok()))
            .collect()
            .await;
        assert_eq!(pieces.len(), MAX_HELD_BYTES / (64 * 1024));
    }
}
