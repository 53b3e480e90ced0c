//! The audit log, newest first.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use studio_store::AuditFilter;

use super::super::auth::WholeStudio;
use super::super::convert;
use super::super::problem::Problem;
use super::super::query::{ApiQuery, PageQuery};
use super::super::types::{AuditEntry, Items};
use crate::state::AppState;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    actor: Option<String>,
    action: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

pub async fn list(
    State(state): State<AppState>,
    _: WholeStudio,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<Json<Items<AuditEntry>>, Problem> {
    let (cursor, limit) = PageQuery::new(query.limit, query.cursor).read()?;
    let filter = AuditFilter { actor: query.actor, action: query.action };
    let page = state.store.read(move |db| db.audit(&filter, cursor, limit)).await?;
    Ok(Json(Items {
        items: page.items.into_iter().map(convert::audit).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}
