//! `/api/v1/keys`: who may call this API.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use studio_protocol::{ProjectId, Timestamp};
use studio_store::{Db, KeyId, NewApiKey};

use super::auth::Caller;
use super::body::ApiJson;
use super::commit::commit;
use super::convert;
use super::problem::Problem;
use super::query::Id;
use super::text::{MAX_NAME_CHARS, MAX_PROJECT_CHARS, checked_optional, checked_text};
use super::types::{CreatedKey, Items, Key, NewKey};
use crate::state::AppState;
use crate::{ids, secrets};

pub async fn list(State(state): State<AppState>, _: Caller) -> Result<Json<Items<Key>>, Problem> {
    let keys = state.store.read(Db::keys).await?;
    Ok(Json(Items { items: keys.into_iter().map(convert::key).collect(), next_cursor: None }))
}

pub async fn create(
    State(state): State<AppState>,
    _: Caller,
    ApiJson(body): ApiJson<NewKey>,
) -> Result<Response, Problem> {
    let secret = secrets::api_key();
    let new = NewApiKey {
        id: ids::key(),
        name: checked_text("name", body.name, MAX_NAME_CHARS)?,
        role: body.role,
        hash: secrets::hash(&secret),
        project: checked_optional("project", body.project, MAX_PROJECT_CHARS)?.map(ProjectId::from),
    };
    let now = Timestamp::now();
    let key = state.store.write(move |db| db.create_key(&new, now)).await?;
    Ok((StatusCode::CREATED, Json(CreatedKey { key: convert::key(key), secret })).into_response())
}

pub async fn revoke(State(state): State<AppState>, _: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    commit(&state, move |db| db.revoke_key(&KeyId::from(id)), |state, ()| state.keys.forget()).await?;
    Ok(StatusCode::NO_CONTENT)
}
