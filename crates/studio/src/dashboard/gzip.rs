//! Pages and scripts travel compressed; event streams and artefacts are not among them.

use std::io::Write;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::{Compression, GzBuilder};

use crate::api::Problem;

/// Below it the headers are most of the answer.
const MIN_BYTES: usize = 1_024;
/// Pages are made in memory, so this only ends what is a mistake.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// A page holds a secret (its CSRF token) and words of the address: how long it is must not tell how well the two
/// compress together, so each answer gets a padding of up to this many bytes.
const MAX_PADDING: usize = 64;

/// Compresses the answer when the client takes it.
pub async fn compress(request: Request, next: Next) -> Response {
    let wanted = accepts(request.headers());
    let response = next.run(request).await;
    let is_text = response.headers().get(header::CONTENT_TYPE).is_some_and(is_text);
    if !wanted || !is_text || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match to_bytes(body, MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    parts.headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, cookie"));
    if bytes.len() < MIN_BYTES {
        return Response::from_parts(parts, Body::from(bytes));
    }
    let padding = rand::random_range(0..=MAX_PADDING);
    let packed = tokio::task::spawn_blocking(move || pack(&bytes, padding)).await;
    match packed.map_err(std::io::Error::other).flatten() {
        Ok(packed) => {
            parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(packed))
        }
        Err(error) => Problem::internal(&error).into_response(),
    }
}

fn pack(bytes: &Bytes, padding: usize) -> std::io::Result<Vec<u8>> {
    let mut gzip = GzBuilder::new().comment("-".repeat(padding)).write(Vec::new(), Compression::fast());
    gzip.write_all(bytes)?;
    gzip.finish()
}

fn accepts(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused =
            weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn is_text(mime: &HeaderValue) -> bool {
    let mime = mime.to_str().unwrap_or_default();
    mime.starts_with("text/html") || mime.starts_with("text/css") || mime.starts_with("text/javascript")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn clients_that_refuse_it_are_left_alone() {
        let of = |text: &'static str| {
            accepts(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(text))]))
        };
        assert!(of("gzip") && of("br, GZIP;q=0.5") && of("deflate,gzip"));
        assert!(!of("br") && !of("gzip;q=0") && !of("identity") && !accepts(&HeaderMap::new()));
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let page = Bytes::from("a page ".repeat(1_000));
        let packed = pack(&page, 7).unwrap();
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut text).unwrap();
        assert_eq!(text, page);
        assert_eq!(packed.len(), pack(&page, 0).unwrap().len() + 7, "the padding hides the length");
    }
}
