//! Files that come with a request, as inputs of its jobs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use studio_dialects::{Failure, Kind};
use studio_protocol::MAX_INPUT_BYTES;

use super::media::Media;
use crate::api::auth::Caller;
use crate::state::AppState;

/// Stores a file for the jobs of a request; the address under which workers find it.
pub async fn store(
    _state: &AppState,
    _caller: &Caller,
    name: &str,
    media: Media,
    bytes: impl Stream<Item = Result<Bytes, String>> + Send,
) -> Result<String, Failure> {
    let mut bytes = std::pin::pin!(bytes);
    let mut taken = BytesMut::new();
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(|why| Failure::new(Kind::Invalid, why))?;
        if (taken.len() + chunk.len()) as u64 > MAX_INPUT_BYTES {
            return Err(too_large(name));
        }
        taken.extend_from_slice(&chunk);
    }
    Ok(format!("data:{};base64,{}", media.mime, STANDARD.encode(&taken)))
}

/// The file is more than a worker fetches.
pub fn too_large(name: &str) -> Failure {
    let why = format!("{name}: the file has more than {MAX_INPUT_BYTES} bytes: send a smaller one");
    Failure { param: Some(name.to_owned()), ..Failure::new(Kind::TooLarge, why) }
}
