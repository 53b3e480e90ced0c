//! `/api/v1/registrations` and `/api/v1/join-codes`: who becomes a worker.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use studio_protocol::{RequestId, Timestamp};

use super::auth::WholeStudio;
use super::body::OptionalJson;
use super::commit::commit;
use super::convert;
use super::problem::Problem;
use super::query::{ApiQuery, Id, word};
use super::text::{MAX_NAME_CHARS, MAX_REASON_CHARS, checked_optional};
use super::types::{Approve, Items, JoinCode, NewJoinCode, Reason, Registration, Worker};
use crate::events::StudioEvent;
use crate::state::AppState;
use crate::{ids, secrets};

/// How long a join code is good for unless it says otherwise: time to walk to the other machine.
const DEFAULT_JOIN_SECONDS: u64 = 900;
/// The longest life of a join code: a day of setting up machines.
const MAX_JOIN_SECONDS: u64 = 24 * 60 * 60;
/// Workers that one code may let in: a room of them.
const MAX_JOIN_USES: u32 = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    status: Option<String>,
}

pub async fn list(
    State(state): State<AppState>,
    _: WholeStudio,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<Items<Registration>>, Problem> {
    let status = word("status", query.status.as_deref())?;
    let records = state.store.read(move |db| db.registrations(status)).await?;
    Ok(Json(Items { items: records.into_iter().map(convert::registration).collect(), next_cursor: None }))
}

pub async fn approve(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
    OptionalJson(body): OptionalJson<Approve>,
) -> Result<Json<Worker>, Problem> {
    let name = checked_optional("name", body.name, MAX_NAME_CHARS)?;
    let id = RequestId::from(id);
    let told = id.clone();
    let worker = ids::worker();
    let now = Timestamp::now();
    let record = commit(
        &state,
        move |db| db.approve(&id, &worker, name.as_deref(), now),
        move |state, _| state.events.publish(StudioEvent::Registration { id: told }),
    )
    .await?;
    Ok(Json(convert::worker(record, &state.live, None)))
}

pub async fn reject(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
    OptionalJson(body): OptionalJson<Reason>,
) -> Result<Json<Registration>, Problem> {
    let reason = checked_optional("reason", body.reason, MAX_REASON_CHARS)?.unwrap_or_default();
    let id = RequestId::from(id);
    let told = id.clone();
    let now = Timestamp::now();
    let record = commit(
        &state,
        move |db| db.reject(&id, &reason, now),
        move |state, _| state.events.publish(StudioEvent::Registration { id: told }),
    )
    .await?;
    Ok(Json(convert::registration(record)))
}

pub async fn join_code(
    State(state): State<AppState>,
    _: WholeStudio,
    OptionalJson(body): OptionalJson<NewJoinCode>,
) -> Result<Response, Problem> {
    let seconds = body.ttl_seconds.unwrap_or(DEFAULT_JOIN_SECONDS);
    if !(1..=MAX_JOIN_SECONDS).contains(&seconds) {
        let detail = format!("{seconds} is not within 1 to {MAX_JOIN_SECONDS} seconds");
        return Err(Problem::invalid("ttlSeconds", detail));
    }
    let uses = body.uses.unwrap_or(1);
    if !(1..=MAX_JOIN_USES).contains(&uses) {
        return Err(Problem::invalid("uses", format!("{uses} is not within 1 to {MAX_JOIN_USES}")));
    }
    let now = Timestamp::now();
    let expires_at = now.plus_millis(i64::try_from(seconds * 1_000).unwrap_or(i64::MAX));
    let code = secrets::join_code();
    let hash = secrets::join_code_hash(&code);
    state.store.write(move |db| db.create_join_code(&hash, expires_at, uses, now)).await?;
    Ok((StatusCode::CREATED, Json(JoinCode { code, expires_at, uses })).into_response())
}
