//! What comes in: JSON bodies and queries, refused in words.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::Refusal;

/// A JSON body; none at all reads as `null`, which is how a client says that there is nothing to say.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        // The guard has read it and counted its bytes.
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Refusal::invalid(format!("the body did not come: {error}")))?;
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|error| {
            let code =
                if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
            Refusal::new(code, "invalid", format!("the body is not what this address takes: {error}"))
        })
    }
}

/// A query.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Query(query) = Query::from_request_parts(parts, state)
            .await
            .map_err(|error| Refusal::invalid(format!("the query is wrong: {}", error.body_text())))?;
        Ok(Self(query))
    }
}
