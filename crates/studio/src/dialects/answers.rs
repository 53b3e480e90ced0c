//! Answers of `/v1`: whole, with bytes of artefacts in them, and as events.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use studio_dialects::Failure;
use studio_dialects::openai::images::Piece;
use studio_store::Artefact;

use crate::state::AppState;

/// Names what a request stated and nobody looks at.
const IGNORED: HeaderName = HeaderName::from_static("x-studio-ignored");

/// Bytes of an answer, as they come.
pub(super) type Chunks = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// Names in a header what was ignored.
pub(super) fn with_ignored(mut response: Response, ignored: &[String]) -> Response {
    if !ignored.is_empty()
        && let Ok(names) = HeaderValue::from_str(&ignored.join(", "))
    {
        response.headers_mut().insert(IGNORED, names);
    }
    response
}

/// A text, whole.
pub(super) fn text(content_type: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], text).into_response()
}

/// Events, while they come.
pub(super) fn events(chunks: Chunks) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        // Some proxies collect what they pass on unless they are told.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

/// One event; its data has no line breaks, being JSON.
pub(super) fn event(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// A failure after the answer has begun.
pub(super) fn broken_off(failure: &Failure) -> Bytes {
    event("error", &failure.openai().to_string())
}

/// What clients skip and proxies take as a sign of life.
pub(super) fn comment(text: &str) -> Bytes {
    format!(": {text}\n\n").into()
}

/// Pieces of JSON with the bytes of artefacts between them, read while they are sent.
pub(super) fn pieces(state: &AppState, pieces: Vec<Piece>, artefacts: Vec<Artefact>) -> Chunks {
    let state = state.clone();
    let parts = stream::iter(pieces).then(move |piece| {
        let (state, artefact) = (state.clone(), key_of(&piece, &artefacts));
        async move {
            match (piece, artefact) {
                (Piece::Text(text), _) => once(Bytes::from(text)),
                (Piece::Base64(_), None) => broken("a picture has no bytes"),
                (Piece::Base64(_), Some(key)) => match state.artefacts.get(&key, None).await {
                    Ok(bytes) => base64(bytes.map(|chunk| chunk.map_err(std::io::Error::other)).boxed()),
                    Err(error) => broken(&error.to_string()),
                },
            }
        }
    });
    parts.flatten().boxed()
}

/// The length of what [`pieces`] gives.
pub(super) fn length(pieces: &[Piece], artefacts: &[Artefact]) -> u64 {
    let length = |piece: &Piece| match piece {
        Piece::Text(text) => text.len() as u64,
        Piece::Base64(at) => artefacts.get(*at).map_or(0, |artefact| artefact.bytes.div_ceil(3) * 4),
    };
    pieces.iter().map(length).sum()
}

fn key_of(piece: &Piece, artefacts: &[Artefact]) -> Option<String> {
    match piece {
        Piece::Text(_) => None,
        Piece::Base64(at) => artefacts.get(*at).map(|artefact| artefact.key.clone()),
    }
}

/// One chunk and no more.
pub(super) fn once(bytes: Bytes) -> Chunks {
    stream::iter([Ok(bytes)]).boxed()
}

/// The client sees a connection that breaks: the answer's head has left already.
fn broken(why: &str) -> Chunks {
    tracing::error!("an answer ends early: {why}");
    stream::iter([Err(std::io::Error::other("the artefact cannot be read"))]).boxed()
}

/// Base64 of a stream: three bytes at a time become four characters, whatever the chunks.
fn base64(bytes: Chunks) -> Chunks {
    // A last, empty chunk brings out what is left.
    let bytes = bytes.map(|chunk| chunk.map(Some)).chain(stream::iter([Ok(None)]));
    bytes
        .scan(Vec::new(), |rest: &mut Vec<u8>, chunk| {
            let encoded = chunk.map(|chunk| match chunk {
                None => STANDARD.encode(std::mem::take(rest)),
                Some(chunk) => {
                    rest.extend_from_slice(&chunk);
                    let whole = rest.len() / 3 * 3;
                    let text = STANDARD.encode(&rest[..whole]);
                    rest.drain(..whole);
                    text
                }
            });
            std::future::ready(Some(encoded.map(Bytes::from)))
        })
        .boxed()
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn base64_does_not_depend_on_chunks() {
        let whole: Vec<u8> = (0..=200).collect();
        for size in [1, 2, 3, 4, 7, 100, 500] {
            let chunks: Vec<_> = whole.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
            let parts: Vec<Bytes> = base64(stream::iter(chunks).boxed()).try_collect().await.unwrap();
            assert_eq!(parts.concat(), STANDARD.encode(&whole).as_bytes(), "{size}");
        }
        let nothing: Vec<Bytes> = base64(stream::iter([]).boxed()).try_collect().await.unwrap();
        assert!(nothing.concat().is_empty());
    }
}
