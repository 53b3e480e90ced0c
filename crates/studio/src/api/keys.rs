//! `/api/v1/keys`: who may call this API.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use studio_protocol::Timestamp;
use studio_store::{ApiKey, Db, KeyId, NewApiKey};

use super::auth::Caller;
use super::body::ApiJson;
use super::commit::commit;
use super::convert;
use super::problem::Problem;
use super::query::Id;
use super::text::{MAX_NAME_CHARS, MAX_PROJECT_CHARS, checked_optional, checked_text};
use super::types::{CreatedKey, Items, Key, NewKey};
use crate::access::audit;
use crate::events::{Area, StudioEvent};
use crate::state::AppState;
use crate::{ids, secrets};

/// The longest life of a key that ends: who needs more makes one that does not end.
const MAX_TTL_DAYS: u32 = 3_650;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Items<Key>>, Problem> {
    let keys = state.store.read(Db::keys).await?.into_iter().filter(|key| is_shown(&caller, key));
    Ok(Json(Items { items: keys.map(convert::key).collect(), next_cursor: None }))
}

/// An admin of one project knows of that project's keys only.
fn is_shown(caller: &Caller, key: &ApiKey) -> bool {
    caller.bound_to().is_none_or(|own| key.project.as_ref() == Some(own))
}

pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(body): ApiJson<NewKey>,
) -> Result<Response, Problem> {
    let secret = secrets::api_key();
    let now = Timestamp::now();
    let project = checked_optional("project", body.project, MAX_PROJECT_CHARS)?;
    let new = NewApiKey {
        id: ids::key(),
        name: checked_text("name", body.name, MAX_NAME_CHARS)?,
        role: body.role,
        hash: secrets::hash(&secret),
        project: caller.narrow(project)?,
        expires_at: expiry(body.expires_at, body.ttl_days, now)?,
    };
    let key = commit(&state, move |db| db.create_key(&new, now), |state, _| changed(state)).await?;
    let id = key.id.to_string();
    let answer = CreatedKey { key: convert::key(key), secret };
    Ok(audit::made((StatusCode::CREATED, Json(answer)).into_response(), &id))
}

fn expiry(at: Option<Timestamp>, days: Option<u32>, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    match (at, days) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(Problem::invalid("ttlDays", "`ttlDays` and `expiresAt` say the same thing: give one of them"))
        }
        (Some(at), None) if at > now => Ok(Some(at)),
        (Some(at), None) => Err(Problem::invalid("expiresAt", format!("{at} is over: name a time to come"))),
        (None, Some(days)) if (1..=MAX_TTL_DAYS).contains(&days) => {
            Ok(Some(now.plus_millis(i64::from(days) * DAY_MS)))
        }
        (None, Some(days)) => Err(Problem::invalid(
            "ttlDays",
            format!("{days} is not a number of days from 1 to {MAX_TTL_DAYS}"),
        )),
    }
}

pub async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let id = KeyId::from(id);
    let wanted = id.clone();
    let key = state.store.read(move |db| db.key(&wanted)).await?;
    if !is_shown(&caller, &key) {
        return Err(Problem::not_found("key", id.as_str()));
    }
    commit(&state, move |db| db.revoke_key(&id), |state, ()| changed(state)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn changed(state: &AppState) {
    state.keys.forget();
    state.events.publish(StudioEvent::Changed { what: Area::Keys });
}
