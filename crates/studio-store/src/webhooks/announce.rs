//! Records what webhooks are to be told, in the transaction of the change.

use rusqlite::params;
use serde::Serialize;
use studio_protocol::{ProjectId, RequestId, Timestamp, WorkerId};

use crate::db::Db;
use crate::jobs::job_of;
use crate::{Batch, Delivery, DeliveryState, Result, StoreError, WebhookEvent, WebhookId};

/// Payloads are what happened and what it happened to.
#[derive(Serialize)]
struct Payload<'a, T> {
    r#type: WebhookEvent,
    timestamp: Timestamp,
    data: &'a T,
}

/// To what it happened, where that is not a job.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Subject<'a> {
    id: &'a str,
}

struct Subscriber {
    seq: i64,
    id: WebhookId,
}

impl Db {
    /// A job ended, and perhaps its batch with it.
    pub(crate) fn announce_end(&self, seq: i64, event: WebhookEvent, now: Timestamp) -> Result<()> {
        if !self.may_have_webhooks()? {
            return Ok(());
        }
        let job = job_of(self, seq)?;
        self.announce(event, Some(&job.project), &job, now)?;
        let Some(batch) = &job.batch else { return Ok(()) };
        let batch: Batch = self.batch(batch)?;
        if batch.finished_at.is_some() {
            self.announce(WebhookEvent::BatchFinished, Some(&batch.project), &batch, now)?;
        }
        Ok(())
    }

    /// A machine asks to join.
    pub(crate) fn announce_registration(&self, request: &RequestId, now: Timestamp) -> Result<()> {
        self.announce(WebhookEvent::RegistrationPending, None, &Subject { id: request.as_str() }, now)
    }

    /// A worker came or went; sessions are not in the database, so whoever has them says so.
    pub fn announce_worker(&mut self, worker: &WorkerId, online: bool, now: Timestamp) -> Result<()> {
        let event = if online { WebhookEvent::WorkerOnline } else { WebhookEvent::WorkerOffline };
        self.atomically(|db| db.announce(event, None, &Subject { id: worker.as_str() }, now))
    }

    /// Records a delivery that says nothing but that it came.
    pub fn test_webhook(&mut self, id: &WebhookId, now: Timestamp) -> Result<Delivery> {
        self.atomically(|db| {
            let webhook = db.webhook(id)?;
            if webhook.disabled {
                return Err(StoreError::conflict("webhook", id.as_str(), "is disabled: enable it first"));
            }
            let seq: i64 = db
                .statement("SELECT seq FROM webhooks WHERE id = ?1")?
                .query_row([id.as_str()], |row| row.get(0))?;
            let subscriber = Subscriber { seq, id: webhook.id };
            let payload = text(WebhookEvent::Test, &Subject { id: id.as_str() }, now)?;
            let delivery = db.record(&subscriber, WebhookEvent::Test, &payload, now)?;
            Ok(Delivery {
                id: delivery,
                event: WebhookEvent::Test,
                state: DeliveryState::Waiting,
                attempts: 0,
                status: None,
                error: None,
                created_at: now,
                next_at: Some(now),
            })
        })
    }

    fn announce<T: Serialize>(
        &self,
        event: WebhookEvent,
        project: Option<&ProjectId>,
        data: &T,
        now: Timestamp,
    ) -> Result<()> {
        if !self.may_have_webhooks()? {
            return Ok(());
        }
        let subscribers = self.subscribers(event, project)?;
        if subscribers.is_empty() {
            return Ok(());
        }
        let payload = text(event, data, now)?;
        for subscriber in &subscribers {
            self.record(subscriber, event, &payload, now)?;
        }
        Ok(())
    }

    fn subscribers(&self, event: WebhookEvent, project: Option<&ProjectId>) -> Result<Vec<Subscriber>> {
        const SQL: &str = "\
            SELECT seq, id FROM webhooks \
            WHERE NOT disabled AND (project IS NULL OR project = ?1) AND ' ' || events || ' ' LIKE ?2 ORDER BY seq";
        let mut select = self.statement(SQL)?;
        let pattern = format!("% {event} %");
        let found = select.query_map(params![project.map(ProjectId::as_str), pattern], |row| {
            Ok(Subscriber { seq: row.get(0)?, id: WebhookId::from(row.get::<_, String>(1)?) })
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    fn record(&self, to: &Subscriber, event: WebhookEvent, payload: &str, now: Timestamp) -> Result<String> {
        const NEXT: &str = "SELECT coalesce(max(seq), 0) + 1 FROM deliveries";
        const SQL: &str = "\
            INSERT INTO deliveries (seq, id, webhook, event, payload, state, created_at, next_at) \
            VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6, ?6)";
        let seq: i64 = self.statement(NEXT)?.query_row([], |row| row.get(0))?;
        // With the time in it: a database that was put back does not give the same name to another thing.
        let own = to.id.as_str().rsplit('-').next().unwrap_or_default();
        let id = format!("msg-{own}-{:x}-{seq:x}", now.as_millis());
        self.statement(SQL)?.execute(params![seq, id, to.seq, event.as_str(), payload, now.as_millis()])?;
        Ok(id)
    }

    /// Whether a look for webhooks is worth its time; a wrong yes costs no more than the look.
    fn may_have_webhooks(&self) -> Result<bool> {
        if let Some(known) = self.webhooks_expected() {
            return Ok(known);
        }
        let some = self.statement("SELECT 1 FROM webhooks")?.exists([])?;
        self.learn_webhooks(some);
        Ok(some)
    }
}

fn text<T: Serialize>(event: WebhookEvent, data: &T, now: Timestamp) -> Result<String> {
    serde_json::to_string(&Payload { r#type: event, timestamp: now, data })
        .map_err(|error| StoreError::invalid("payload", error.to_string()))
}
