//! Whether a request comes from the worker that it names.

use axum::http::{HeaderMap, header};
use studio_protocol::WorkerId;
use studio_store::WorkerRecord;
use subtle::ConstantTimeEq;

use crate::api::problem::Problem;
use crate::secrets;
use crate::state::AppState;

/// The bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
}

/// The worker called `id`: 404 when there is none, 401 when the token is not its own.
pub async fn worker(state: &AppState, id: &WorkerId, headers: &HeaderMap) -> Result<WorkerRecord, Problem> {
    let wanted = id.clone();
    let record = state.store.read(move |db| db.worker(&wanted)).await?;
    let record = record.ok_or_else(|| Problem::not_found("worker", id.as_str()))?;
    match bearer(headers) {
        Some(token) if is_token_of(&record, token) => Ok(record),
        _ => Err(Problem::unauthorized_worker()),
    }
}

/// Compares hashes, in constant time.
pub fn is_token_of(record: &WorkerRecord, token: &str) -> bool {
    let hash = secrets::hash(token);
    record
        .token_hash
        .as_ref()
        .is_some_and(|known| known.as_str().as_bytes().ct_eq(hash.as_str().as_bytes()).into())
}
