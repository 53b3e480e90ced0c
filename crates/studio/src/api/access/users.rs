//! Accounts, as admins see and change them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use studio_protocol::Timestamp;
use studio_store::{Db, NewUser, UserChange, UserId};

use super::super::auth::WholeStudio;
use super::super::body::ApiJson;
use super::super::commit::commit;
use super::super::convert;
use super::super::problem::Problem;
use super::super::query::Id;
use super::super::text::checked_name;
use super::super::types::{self, CreatedUser, Items, SetUpLink, User, UserPatch};
use crate::access::{self, audit};
use crate::state::AppState;
use crate::{ids, secrets};

pub async fn list(State(state): State<AppState>, _: WholeStudio) -> Result<Json<Items<User>>, Problem> {
    let users = state.store.read(Db::users).await?;
    Ok(Json(Items { items: users.into_iter().map(convert::user).collect(), next_cursor: None }))
}

pub async fn create(
    State(state): State<AppState>,
    _: WholeStudio,
    ApiJson(body): ApiJson<types::NewUser>,
) -> Result<Response, Problem> {
    let name = checked_name(body.name)?;
    let (password, drawn) = if let Some(password) = body.password {
        access::check_password("password", &name, &password)?;
        (password, None)
    } else {
        let drawn = secrets::password();
        (drawn.clone(), Some(drawn))
    };
    let password = state.people.passwords.hash(password).await?;
    let (new, now) = (NewUser { id: ids::user(), name, role: body.role, password }, Timestamp::now());
    let user = commit(&state, move |db| db.create_user(&new, now), |state, _| changed(state)).await?;
    let id = user.id.to_string();
    let answer = CreatedUser { user: convert::user(user), password: drawn };
    Ok(audit::made((StatusCode::CREATED, Json(answer)).into_response(), &id))
}

pub async fn patch(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
    ApiJson(body): ApiJson<UserPatch>,
) -> Result<Json<User>, Problem> {
    let id = UserId::from(id);
    let password = match body.password {
        Some(password) => {
            let wanted = id.clone();
            let user = state.store.read(move |db| db.user(&wanted)).await?;
            access::check_password("password", &user.name, &password)?;
            Some(state.people.passwords.hash(password).await?)
        }
        None => None,
    };
    let change = UserChange { role: body.role, disabled: body.disabled, password };
    let user = commit(&state, move |db| db.change_user(&id, &change), |state, _| changed(state)).await?;
    Ok(Json(convert::user(user)))
}

pub async fn remove(
    State(state): State<AppState>,
    _: WholeStudio,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    commit(&state, move |db| db.remove_user(&UserId::from(id)), |state, _| changed(state)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another link for the first account: the one that the studio told when it started may be lost in a log.
pub async fn set_up_link(
    State(state): State<AppState>,
    _: WholeStudio,
) -> Result<(StatusCode, Json<SetUpLink>), Problem> {
    if state.store.read(Db::has_users).await? {
        return Err(Problem::conflict(
            "somebody has an account already: make others with `studio users add` or in the settings",
        ));
    }
    let good_for = access::SET_UP_GOOD_FOR.as_millis() as i64;
    let link =
        SetUpLink { path: state.people.set_up.issue(), expires_at: Timestamp::now().plus_millis(good_for) };
    Ok((StatusCode::CREATED, Json(link)))
}

fn changed(state: &AppState) {
    access::sessions_changed(state);
}
