//! What webhooks were told, are being told and are to be told.

use rusqlite::{Row, params};
use studio_protocol::Timestamp;

use crate::db::Db;
use crate::page::{clamped, page};
use crate::row::{At, optional_time, time, word};
use crate::{Cursor, Delivery, DueDelivery, Page, Result, StoreError, Tried, WebhookId};

const DELIVERY: &str = "\
    SELECT d.id, d.seq, d.event, d.state, d.attempts, d.status, d.error, d.created_at, d.next_at \
    FROM deliveries d";
/// Deliveries to one webhook that are over and still shown: what somebody looks through who searches a fault.
const KEPT_ENDED: i64 = 1_000;
/// Deliveries that may wait for one webhook: a receiver that is away for a day misses no more than the oldest.
const MAX_WAITING: i64 = 100_000;

impl Db {
    /// One page of what a webhook was told, newest first.
    pub fn deliveries(
        &self,
        webhook: &WebhookId,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Delivery>> {
        self.webhook(webhook)?;
        let limit = clamped(limit);
        let before = cursor.map_or(i64::MAX, |Cursor(seq)| seq);
        let sql = format!(
            "{DELIVERY} WHERE d.webhook = (SELECT seq FROM webhooks WHERE id = ?1) AND d.seq < ?2 \
             ORDER BY d.seq DESC LIMIT ?3"
        );
        let mut select = self.statement(&sql)?;
        let rows = select.query_and_then((webhook.as_str(), before, i64::from(limit) + 1), |row| {
            Ok((delivery(row)?, row.get::<_, i64>(1)?))
        })?;
        page(rows, limit)
    }

    /// What is to be sent at `now`, at most `each` to one webhook, the oldest first.
    pub fn due_deliveries(&self, now: Timestamp, each: u32) -> Result<Vec<DueDelivery>> {
        const SQL: &str = "\
            SELECT id, payload, attempts FROM deliveries \
            WHERE webhook = (SELECT seq FROM webhooks WHERE id = ?1) AND state = 'waiting' AND next_at <= ?2 \
            ORDER BY next_at, seq LIMIT ?3";
        let mut due = Vec::new();
        for webhook in self.webhooks()?.into_iter().filter(|webhook| !webhook.disabled) {
            let mut select = self.statement(SQL)?;
            let found = select.query_map(params![webhook.id.as_str(), now.as_millis(), each], |row| {
                Ok(DueDelivery {
                    id: row.get(0)?,
                    webhook: webhook.id.clone(),
                    url: webhook.url.clone(),
                    secret_version: webhook.secret_version,
                    payload: row.get(1)?,
                    attempts: row.get(2)?,
                })
            })?;
            due.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        Ok(due)
    }

    /// Notes what became of a try; of a delivery that is gone, or is over, nothing.
    pub fn delivery_tried(&mut self, id: &str, tried: &Tried) -> Result<()> {
        const SQL: &str = "\
            UPDATE deliveries SET state = ?2, attempts = attempts + 1, status = ?3, error = ?4, next_at = ?5 \
            WHERE id = ?1 AND state = 'waiting'";
        const DISABLE: &str = "\
            UPDATE webhooks SET disabled = 1 WHERE seq = (SELECT webhook FROM deliveries WHERE id = ?1)";
        let state = match (&tried.error, tried.next_at) {
            (None, _) => "delivered",
            (Some(_), Some(_)) => "waiting",
            (Some(_), None) => "failed",
        };
        let next = tried.next_at.filter(|_| tried.error.is_some()).map(Timestamp::as_millis);
        self.atomically(|db| {
            db.statement(SQL)?.execute(params![id, state, tried.status, tried.error, next])?;
            if tried.disable {
                db.statement(DISABLE)?.execute([id])?;
            }
            Ok(())
        })
    }

    /// Lets a delivery be tried once more, at once.
    pub fn retry_delivery(&mut self, webhook: &WebhookId, id: &str, now: Timestamp) -> Result<Delivery> {
        const SQL: &str = "\
            UPDATE deliveries SET state = 'waiting', next_at = ?3 \
            WHERE id = ?1 AND webhook = (SELECT seq FROM webhooks WHERE id = ?2)";
        self.atomically(|db| {
            if db.webhook(webhook)?.disabled {
                let problem = "is disabled: enable it first";
                return Err(StoreError::conflict("webhook", webhook.as_str(), problem));
            }
            let changed = db.statement(SQL)?.execute(params![id, webhook.as_str(), now.as_millis()])?;
            if changed == 0 {
                return Err(StoreError::not_found("delivery", id));
            }
            let mut select = db.statement(&format!("{DELIVERY} WHERE d.id = ?1"))?;
            let mut rows = select.query([id])?;
            rows.next()?.map_or_else(|| Err(StoreError::not_found("delivery", id)), delivery)
        })
    }

    /// Forgets old deliveries, and gives up the oldest of those that wait in too long a line.
    pub fn trim_deliveries(&mut self, webhook: &WebhookId) -> Result<usize> {
        const OLD: &str = "\
            DELETE FROM deliveries WHERE webhook = ?1 AND state <> 'waiting' AND seq < ( \
                SELECT min(seq) FROM (SELECT seq FROM deliveries WHERE webhook = ?1 AND state <> 'waiting' \
                    ORDER BY seq DESC LIMIT ?2))";
        const LONG: &str = "\
            UPDATE deliveries SET state = 'failed', next_at = NULL, error = ?3 \
            WHERE webhook = ?1 AND state = 'waiting' AND seq < ( \
                SELECT min(seq) FROM (SELECT seq FROM deliveries WHERE webhook = ?1 AND state = 'waiting' \
                    ORDER BY seq DESC LIMIT ?2))";
        self.atomically(|db| {
            let mut select = db.statement("SELECT seq FROM webhooks WHERE id = ?1")?;
            let mut rows = select.query([webhook.as_str()])?;
            let Some(row) = rows.next()? else { return Ok(0) };
            let seq: i64 = row.get(0)?;
            let why = format!("more than {MAX_WAITING} wait for this webhook: the oldest are given up");
            db.statement(LONG)?.execute(params![seq, MAX_WAITING, why])?;
            Ok(db.statement(OLD)?.execute(params![seq, KEPT_ENDED])?)
        })
    }
}

fn delivery(row: &Row<'_>) -> Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        event: word(row, 2, At("deliveries", "event"))?,
        state: word(row, 3, At("deliveries", "state"))?,
        attempts: row.get(4)?,
        status: row.get(5)?,
        error: row.get(6)?,
        created_at: time(row, 7)?,
        next_at: optional_time(row, 8)?,
    })
}
