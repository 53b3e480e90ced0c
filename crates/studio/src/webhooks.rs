//! Webhooks: sends what the store has recorded for them, until it is taken or given up.
//!
//! A delivery is recorded in the transaction of what it tells ([`studio_store`]), sent at least once, and signed as
//! <https://www.standardwebhooks.com> says. Order is not promised: a try that failed comes later than what followed it.

mod send;
mod sign;

pub use sign::secret;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use model_store::Callers;
use studio_protocol::Timestamp;
use studio_store::{DueDelivery, Tried};
use tokio::sync::Notify;

use crate::events::{Area, StudioEvent};
use crate::state::AppState;

/// A receiver that has not answered by then has failed; it should take a delivery in and work on it later.
const TRY_LIMIT: Duration = Duration::from_secs(10);
/// Deliveries under way to all webhooks.
const AT_ONCE: usize = 32;
/// Deliveries under way to one webhook: one that is slow leaves room for the others.
const AT_ONCE_EACH: u32 = 4;
/// How often is looked for what has become due; what is recorded is sent within this.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Waits between tries: eight of them, over a day.
pub const DELAYS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(8),
    Duration::from_hours(10),
];

/// The sender's ear; clones share it.
#[derive(Debug, Clone)]
pub struct Webhooks {
    callers: Callers,
    wake: Arc<Notify>,
}

impl Webhooks {
    /// Nothing is sent before the studio serves.
    pub fn new(allow_private: bool) -> anyhow::Result<Self> {
        let user_agent = concat!("studio/", env!("CARGO_PKG_VERSION"));
        let callers =
            Callers::new(user_agent, allow_private, TRY_LIMIT).context("could not set up webhooks")?;
        Ok(Self { callers, wake: Arc::default() })
    }

    /// Something is due now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Says why webhooks may not be posted to an address.
    pub fn check(&self, url: &str) -> Result<(), String> {
        self.callers.check(url).map(drop)
    }
}

/// Sends until the studio stops; what is under way then is sent again by the next start.
pub fn spawn(state: &AppState) {
    let sending = state.clone();
    state.tasks.spawn(async move {
        let soft = sending.tasks.soft().clone();
        tokio::select! {
            () = soft.cancelled() => {}
            () = run(&sending) => {}
        }
    });
}

async fn run(state: &AppState) {
    let mut under_way = FuturesUnordered::new();
    let mut ids: HashSet<String> = HashSet::new();
    loop {
        let now = Timestamp::now();
        match state.store.read(move |db| db.due_deliveries(now, AT_ONCE_EACH)).await {
            Ok(due) => {
                for delivery in due {
                    if ids.len() < AT_ONCE && ids.insert(delivery.id.clone()) {
                        under_way.push(deliver(state, delivery));
                    }
                }
            }
            Err(error) => tracing::warn!("could not look for webhook deliveries: {error}"),
        }
        tokio::select! {
            Some(id) = under_way.next(), if !under_way.is_empty() => {
                ids.remove(&id);
            }
            () = state.webhooks.wake.notified() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
    }
}

/// One try and its record.
async fn deliver(state: &AppState, delivery: DueDelivery) -> String {
    let secret = sign::key(&state.signer, &delivery.webhook, delivery.secret_version);
    let outcome = send::send(&state.webhooks.callers, &secret, &delivery, Timestamp::now()).await;
    let delays = &state.settings.webhook_delays;
    let tried = send::judge(outcome, delivery.attempts, delays, Timestamp::now());
    record(state, &delivery, tried).await;
    delivery.id
}

async fn record(state: &AppState, delivery: &DueDelivery, tried: Tried) {
    if let Some(error) = &tried.error {
        let (webhook, id) = (&delivery.webhook, &delivery.id);
        let again = if tried.next_at.is_some() { "comes again" } else { "is given up" };
        tracing::info!(%webhook, delivery = id, "a webhook delivery failed and {again}: {error}");
    }
    if tried.disable {
        tracing::warn!(webhook = %delivery.webhook, "its receiver wants no more: the webhook is disabled");
    }
    state.metrics.delivery(match (&tried.error, tried.next_at) {
        (None, _) => "delivered",
        (Some(_), Some(_)) => "retried",
        (Some(_), None) => "failed",
    });
    let (id, disabled, events) = (delivery.id.clone(), tried.disable, state.events.clone());
    let (answer, answered) = tokio::sync::oneshot::channel();
    state.store.write_then(
        move |db| db.delivery_tried(&id, &tried),
        move |outcome| {
            match outcome {
                Ok(()) => {
                    events.publish(StudioEvent::Changed { what: Area::Deliveries });
                    if disabled {
                        events.publish(StudioEvent::Changed { what: Area::Webhooks });
                    }
                }
                Err(error) => tracing::warn!("could not note a webhook delivery, it comes again: {error}"),
            }
            let _ = answer.send(());
        },
    );
    // Not looked for again before its row says what became of it.
    let _ = answered.await;
}
