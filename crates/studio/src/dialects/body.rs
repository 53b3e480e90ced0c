//! Bodies of requests.

use axum::extract::{FromRequest, Request};
use serde_json::Value;
use studio_dialects::read_json;
use studio_protocol::MAX_FRAME_BYTES;

use super::refused::Refused;
use crate::api::Problem;
use crate::api::body::json_bytes;

/// What a task and the rest of its offer need beside the request: names, the model's files.
const OFFER_BYTES: usize = 256 * 1024;
/// The largest request: with its pictures it must fit the frame in which a worker is offered it.
pub const MAX_REQUEST_BYTES: usize = MAX_FRAME_BYTES - OFFER_BYTES;
/// Bodies above this are parsed off the threads that serve sockets.
const PARSED_IN_PLACE_BYTES: usize = 64 * 1024;

/// A JSON body.
pub(super) struct ClientJson(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for ClientJson {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let bytes = json_bytes(&parts.headers, body, MAX_REQUEST_BYTES).await?;
        let value = if bytes.len() <= PARSED_IN_PLACE_BYTES {
            read_json(&bytes)?
        } else {
            let parsed = tokio::task::spawn_blocking(move || read_json(&bytes)).await;
            parsed.map_err(|error| Problem::internal(&error))??
        };
        Ok(Self(value))
    }
}
