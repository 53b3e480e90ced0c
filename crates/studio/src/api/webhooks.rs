//! `/api/v1/webhooks`: who is told what happens, and what became of it.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use studio_protocol::{ProjectId, Timestamp};
use studio_store::{Db, NewWebhook, Role, StoreError, Webhook, WebhookChange, WebhookEvent, WebhookId};

use super::auth::Caller;
use super::body::{ApiJson, OptionalJson};
use super::commit::commit;
use super::problem::Problem;
use super::query::{ApiQuery, Id, PageQuery};
use super::text::{MAX_PROJECT_CHARS, checked_optional};
use super::{Access, Route, convert, route, types};
use crate::events::{Area, StudioEvent};
use crate::ids;
use crate::state::AppState;
use crate::webhooks::secret;

/// Characters of an address: some receivers put a token into it.
const MAX_URL_CHARS: usize = 2_000;

/// The routes about webhooks.
pub(super) fn routes() -> Vec<Route> {
    const OPERATOR: Access = Access::AtLeast(Role::Operator);
    const ADMIN: Access = Access::AtLeast(Role::Admin);
    const RETRY: &str = "/api/v1/webhooks/{id}/deliveries/{delivery}/retry";
    vec![
        route(Method::GET, "/api/v1/webhooks", OPERATOR, list),
        route(Method::POST, "/api/v1/webhooks", OPERATOR, create),
        route(Method::GET, "/api/v1/webhooks/{id}", OPERATOR, show),
        route(Method::PATCH, "/api/v1/webhooks/{id}", OPERATOR, patch),
        route(Method::DELETE, "/api/v1/webhooks/{id}", OPERATOR, remove),
        route(Method::POST, "/api/v1/webhooks/{id}/secret", ADMIN, show_secret),
        route(Method::POST, "/api/v1/webhooks/{id}/test", OPERATOR, test),
        route(Method::GET, "/api/v1/webhooks/{id}/deliveries", OPERATOR, deliveries),
        route(Method::POST, RETRY, OPERATOR, retry),
    ]
}

pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<types::Items<types::Webhook>>, Problem> {
    let webhooks = state.store.read(Db::webhooks).await?;
    let own = webhooks.into_iter().filter(|webhook| is_of(&caller, webhook));
    Ok(Json(types::Items { items: own.map(convert::webhook).collect(), next_cursor: None }))
}

async fn create(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(body): ApiJson<types::NewWebhook>,
) -> Result<Response, Problem> {
    let project = checked_optional("project", body.project, MAX_PROJECT_CHARS)?;
    let new = NewWebhook {
        id: ids::webhook(),
        url: checked_url(&state, body.url)?,
        events: checked_events(&body.events)?,
        project: caller.narrow(project)?,
    };
    check_scope(new.project.as_ref(), &new.events)?;
    let now = Timestamp::now();
    let webhook = commit(&state, move |db| db.create_webhook(&new, now), changed).await?;
    let secret = secret(&state.signer, &webhook.id, webhook.secret_version);
    let told = types::CreatedWebhook { webhook: convert::webhook(webhook), secret };
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<types::Webhook>, Problem> {
    let webhook = state.store.read(move |db| visible(db, &caller, &WebhookId::from(id))).await?;
    Ok(Json(convert::webhook(webhook)))
}

async fn patch(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    ApiJson(body): ApiJson<types::WebhookPatch>,
) -> Result<Json<types::Webhook>, Problem> {
    let change = WebhookChange {
        url: body.url.map(|url| checked_url(&state, url)).transpose()?,
        events: body.events.as_deref().map(checked_events).transpose()?,
        disabled: body.disabled,
        rotate: false,
    };
    let id = WebhookId::from(id);
    if let Some(events) = &change.events {
        let (id, caller) = (id.clone(), caller.clone());
        let webhook = state.store.read(move |db| visible(db, &caller, &id)).await?;
        check_scope(webhook.project.as_ref(), events)?;
    }
    let changing = move |db: &mut Db| {
        visible(db, &caller, &id)?;
        db.change_webhook(&id, &change)
    };
    let webhook = commit(&state, changing, changed).await?;
    state.webhooks.wake();
    Ok(Json(convert::webhook(webhook)))
}

async fn remove(State(state): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    let id = WebhookId::from(id);
    let removing = move |db: &mut Db| {
        visible(db, &caller, &id)?;
        db.delete_webhook(&id)
    };
    commit(&state, removing, changed).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows what deliveries are signed with, or replaces it.
async fn show_secret(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    OptionalJson(body): OptionalJson<types::RotateSecret>,
) -> Result<Json<types::WebhookSecret>, Problem> {
    let id = WebhookId::from(id);
    let webhook = if body.rotate {
        let rotate = WebhookChange { rotate: true, ..WebhookChange::default() };
        let rotating = move |db: &mut Db| {
            visible(db, &caller, &id)?;
            db.change_webhook(&id, &rotate)
        };
        commit(&state, rotating, changed).await?
    } else {
        state.store.read(move |db| visible(db, &caller, &id)).await?
    };
    Ok(Json(types::WebhookSecret { secret: secret(&state.signer, &webhook.id, webhook.secret_version) }))
}

async fn test(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
) -> Result<(StatusCode, Json<types::Delivery>), Problem> {
    let (id, now) = (WebhookId::from(id), Timestamp::now());
    let testing = move |db: &mut Db| {
        visible(db, &caller, &id)?;
        db.test_webhook(&id, now)
    };
    let delivery = commit(&state, testing, due).await?;
    Ok((StatusCode::ACCEPTED, Json(convert::delivery(delivery))))
}

pub async fn deliveries(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<types::Items<types::Delivery>>, Problem> {
    let (cursor, limit) = query.read()?;
    let id = WebhookId::from(id);
    let page = state.store.read(move |db| {
        visible(db, &caller, &id)?;
        db.deliveries(&id, cursor, limit)
    });
    let page = page.await?;
    Ok(Json(types::Items {
        items: page.items.into_iter().map(convert::delivery).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(StatusCode, Json<types::Delivery>), Problem> {
    let Path((id, delivery)) = path.map_err(|error| Problem::invalid("id", error.body_text()))?;
    let (id, now) = (WebhookId::from(id), Timestamp::now());
    let retrying = move |db: &mut Db| {
        visible(db, &caller, &id)?;
        db.retry_delivery(&id, &delivery, now)
    };
    let delivery = commit(&state, retrying, due).await?;
    Ok((StatusCode::ACCEPTED, Json(convert::delivery(delivery))))
}

fn changed<T>(state: &AppState, _: &T) {
    state.events.publish(StudioEvent::Changed { what: Area::Webhooks });
}

fn due<T>(state: &AppState, _: &T) {
    state.events.publish(StudioEvent::Changed { what: Area::Deliveries });
    state.webhooks.wake();
}

/// A webhook that the caller may see; one of another project, or of all, does not exist for it.
fn visible(db: &Db, caller: &Caller, id: &WebhookId) -> Result<Webhook, StoreError> {
    let webhook = db.webhook(id)?;
    if is_of(caller, &webhook) { Ok(webhook) } else { Err(StoreError::not_found("webhook", id.as_str())) }
}

fn is_of(caller: &Caller, webhook: &Webhook) -> bool {
    caller.bound_to().is_none_or(|own| webhook.project.as_ref() == Some(own))
}

fn checked_url(state: &AppState, url: String) -> Result<String, Problem> {
    if url.chars().count() > MAX_URL_CHARS {
        return Err(Problem::invalid("url", format!("the address has more than {MAX_URL_CHARS} characters")));
    }
    match state.webhooks.check(&url) {
        Ok(()) => Ok(url),
        Err(why) => {
            let hint = "webhooks go to public https addresses; `studio serve --allow-private-webhooks` allows \
                        addresses of the local network";
            Err(Problem::invalid("url", format!("{why} ({hint})")))
        }
    }
}

fn checked_events(words: &[String]) -> Result<Vec<WebhookEvent>, Problem> {
    let known = || {
        let all = WebhookEvent::ALL.iter().filter(|event| **event != WebhookEvent::Test);
        all.map(|event| event.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut events = Vec::new();
    for (at, word) in words.iter().enumerate() {
        match word.parse() {
            Ok(WebhookEvent::Test) | Err(_) => {
                let detail = format!("`{word}` is not one of {}", known());
                return Err(Problem::invalid(format!("events[{at}]"), detail));
            }
            Ok(event) if events.contains(&event) => {}
            Ok(event) => events.push(event),
        }
    }
    if events.is_empty() {
        return Err(Problem::invalid("events", format!("name at least one of {}", known())));
    }
    Ok(events)
}

/// Machines belong to no project.
fn check_scope(project: Option<&ProjectId>, events: &[WebhookEvent]) -> Result<(), Problem> {
    use WebhookEvent::{RegistrationPending, WorkerOffline, WorkerOnline};
    let of_machines =
        events.iter().find(|event| matches!(event, WorkerOnline | WorkerOffline | RegistrationPending));
    match (project, of_machines) {
        (Some(project), Some(event)) => {
            let detail =
                format!("`{event}` is of no project, a webhook of `{project}` would never hear of it");
            Err(Problem::invalid("events", detail))
        }
        _ => Ok(()),
    }
}
