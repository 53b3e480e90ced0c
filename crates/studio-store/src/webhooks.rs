//! Webhooks: who is told of what.
//!
//! What they are told is recorded in the transaction of the change itself ([`announce`]), and sent by whoever asks for
//! what is due ([`deliveries`]).

mod announce;
mod deliveries;

use rusqlite::{Row, params};
use studio_protocol::{ProjectId, Timestamp};

use crate::db::Db;
use crate::row::{id, optional_id, time};
use crate::{NewWebhook, Result, StoreError, Webhook, WebhookChange, WebhookEvent, WebhookId};

/// Every change looks at all of them.
const MAX_WEBHOOKS: i64 = 100;
const WEBHOOK: &str =
    "SELECT id, seq, url, events, project, disabled, secret_version, created_at FROM webhooks";

impl Db {
    /// Stores a webhook; what happens from now on is recorded for it.
    pub fn create_webhook(&mut self, new: &NewWebhook, now: Timestamp) -> Result<Webhook> {
        const SQL: &str =
            "INSERT INTO webhooks (id, url, events, project, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.atomically(|db| {
            let many: i64 = db.statement("SELECT count(*) FROM webhooks")?.query_row([], |row| row.get(0))?;
            if many >= MAX_WEBHOOKS {
                let problem =
                    format!("there are {MAX_WEBHOOKS} webhooks, the most that there may be: remove one");
                return Err(StoreError::invalid("url", problem));
            }
            db.statement(SQL)?.execute(params![
                new.id.as_str(),
                new.url,
                words(&new.events),
                new.project.as_ref().map(ProjectId::as_str),
                now.as_millis(),
            ])?;
            db.expect_webhooks();
            db.webhook(&new.id)
        })
    }

    /// Every webhook, oldest first.
    pub fn webhooks(&self) -> Result<Vec<Webhook>> {
        let mut select = self.statement(&format!("{WEBHOOK} ORDER BY seq"))?;
        select.query_and_then([], webhook)?.collect()
    }

    /// A webhook by its id.
    pub fn webhook(&self, id: &WebhookId) -> Result<Webhook> {
        let mut select = self.statement(&format!("{WEBHOOK} WHERE id = ?1"))?;
        let mut rows = select.query([id.as_str()])?;
        rows.next()?.map_or_else(|| Err(StoreError::not_found("webhook", id.as_str())), webhook)
    }

    /// Changes a webhook.
    pub fn change_webhook(&mut self, id: &WebhookId, change: &WebhookChange) -> Result<Webhook> {
        const SQL: &str = "\
            UPDATE webhooks SET url = coalesce(?2, url), events = coalesce(?3, events), \
                disabled = coalesce(?4, disabled), secret_version = secret_version + ?5 \
            WHERE id = ?1";
        self.atomically(|db| {
            db.statement(SQL)?.execute(params![
                id.as_str(),
                change.url,
                change.events.as_deref().map(words),
                change.disabled,
                change.rotate,
            ])?;
            db.webhook(id)
        })
    }

    /// Forgets a webhook, with what it was and was to be told.
    pub fn delete_webhook(&mut self, id: &WebhookId) -> Result<()> {
        match self.statement("DELETE FROM webhooks WHERE id = ?1")?.execute([id.as_str()])? {
            0 => Err(StoreError::not_found("webhook", id.as_str())),
            _ => Ok(()),
        }
    }
}

fn words(events: &[WebhookEvent]) -> String {
    events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(" ")
}

fn webhook(row: &Row<'_>) -> Result<Webhook> {
    let events: String = row.get(3)?;
    Ok(Webhook {
        id: id(row, 0)?,
        url: row.get(2)?,
        // A word of a newer version is left out: this one does not announce it.
        events: events.split(' ').filter_map(|word| word.parse().ok()).collect(),
        project: optional_id(row, 4)?,
        disabled: row.get(5)?,
        secret_version: row.get(6)?,
        created_at: time(row, 7)?,
    })
}
