//! Signed addresses of artefacts: whoever has one may fetch one artefact until it expires.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde::Deserialize;
use studio_protocol::Timestamp;
use studio_store::ArtefactId;

use super::{Stored, visible_artefact};
use crate::api::auth::Caller;
use crate::api::body::OptionalJson;
use crate::api::problem::Problem;
use crate::api::query::{ApiQuery, Id};
use crate::api::types::{ArtefactLink, NewArtefactLink};
use crate::links::{Link, LinkError, MAX_LINK_TTL, artefact_url, check};
use crate::model_files::base;
use crate::state::AppState;

/// How long a link is good when nothing is said: as long as a client takes to fetch what it asked for.
const USUAL_TTL: Duration = Duration::from_hours(1);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Seconds since the Unix epoch.
    pub expires: Option<String>,
    /// Hex.
    pub signature: Option<String>,
}

/// `POST /api/v1/artefacts/{id}/link`
pub async fn make(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    OptionalJson(asked): OptionalJson<NewArtefactLink>,
) -> Result<Json<ArtefactLink>, Problem> {
    let ttl = asked.ttl_seconds.map_or(USUAL_TTL, Duration::from_secs);
    if ttl.is_zero() || ttl > MAX_LINK_TTL {
        let detail = format!("{} is not within 1 to {} seconds", ttl.as_secs(), MAX_LINK_TTL.as_secs());
        return Err(Problem::invalid("ttlSeconds", detail));
    }
    let artefact = visible_artefact(&state, caller, id).await?;
    let base = base(&state.settings, &headers);
    Ok(Json(artefact_url(&state, &base, artefact.id.as_str(), &artefact.ext, ttl)))
}

/// `GET /files/{artefact}.{ext}`: the signature is all that is asked for.
pub async fn open(
    State(state): State<AppState>,
    Id(file): Id,
    ApiQuery(query): ApiQuery<Signed>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (expires, signature) = (query.expires.unwrap_or_default(), query.signature.unwrap_or_default());
    // Before anything is looked up: who has no signature learns nothing of what is there.
    check(&state.signer, Link::Artefact, &file, &expires, &signature, Timestamp::now())
        .map_err(not_signed)?;
    let id = file.split('.').next().unwrap_or_default().to_owned();
    let artefact = state.store.read(move |db| db.artefact(&ArtefactId::from(id)));
    Stored::from(artefact.await?).serve(&state, &method, &headers).await
}

/// Which of the two it is.
pub fn not_signed(error: LinkError) -> Problem {
    match error {
        LinkError::Expired => Problem::link_expired(),
        LinkError::Forged => Problem::link_forged(),
    }
}
