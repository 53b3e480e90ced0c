//! The studio's last day, a minute at a time: in memory for who looks, a row each in the store for the next start.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use studio_protocol::Timestamp;
use studio_store::{Db, Minute, Store, StoreError};

use crate::events::{Area, StudioEvent};
use crate::state::AppState;

const MINUTE_MS: i64 = 60_000;
/// What is shown: a day.
const MINUTES_SHOWN: usize = 24 * 60;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// What is kept in the store, for those who look into it: a month is what capacity is planned with.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// Minutes between two looks for rows that are too old.
const PURGE_EVERY: i64 = 60;

/// The minutes that are over, oldest first; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Minutes(Arc<Mutex<VecDeque<Minute>>>);

impl Minutes {
    /// Those that an earlier process has kept.
    pub(crate) async fn open(store: &Store) -> Result<Self, StoreError> {
        let since = Timestamp::now().as_millis() - DAY_MS;
        let kept = store.read(move |db| db.minutes(since)).await?;
        Ok(Self(Arc::new(Mutex::new(kept.into()))))
    }

    fn push(&self, minute: Minute) {
        let mut minutes = self.lock();
        if minutes.len() == MINUTES_SHOWN {
            minutes.pop_front();
        }
        minutes.push_back(minute);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Minute>> {
        // A deque is whole between two calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last day, with the minute that is under way.
pub async fn so_far(state: &AppState) -> Result<Vec<Minute>, StoreError> {
    let under_way = at_its_end(state, state.live.meter().look()).await?;
    let day_ago = under_way.at - DAY_MS;
    let mut minutes: Vec<Minute> = state.minutes.lock().iter().copied().collect();
    minutes.retain(|minute| day_ago < minute.at && minute.at < under_way.at);
    minutes.push(under_way);
    Ok(minutes)
}

/// Ends each minute on the minute, and the last one when the studio stops.
pub(crate) fn spawn(state: &AppState) {
    let (owned, soft) = (state.clone(), state.tasks.soft().clone());
    state.tasks.spawn(async move {
        loop {
            let passed = Timestamp::now().as_millis().rem_euclid(MINUTE_MS);
            let left = Duration::from_millis((MINUTE_MS - passed).unsigned_abs());
            let stops = tokio::select! {
                () = soft.cancelled() => true,
                () = tokio::time::sleep(left) => false,
            };
            if let Err(error) = end(&owned, stops).await {
                tracing::warn!("a minute of the overview could not be kept: {error}");
            }
            if stops {
                return;
            }
        }
    });
}

async fn end(state: &AppState, stops: bool) -> Result<(), StoreError> {
    let mut minute = at_its_end(state, state.live.meter().take()).await?;
    if !stops {
        // It is over: the clock shows the next one.
        minute.at -= if Timestamp::now().as_millis() - minute.at < MINUTE_MS / 2 { MINUTE_MS } else { 0 };
    }
    state.minutes.push(minute);
    let purge = (minute.at / MINUTE_MS) % PURGE_EVERY == 0;
    let before = minute.at - KEPT.as_millis() as i64;
    state
        .store
        .write(move |db| {
            db.add_minute(&minute)?;
            if purge { db.purge_minutes(before).map(drop) } else { Ok(()) }
        })
        .await?;
    state.events.publish(StudioEvent::Changed { what: Area::Overview });
    Ok(())
}

/// What was counted, with how things stand now.
async fn at_its_end(state: &AppState, counted: Minute) -> Result<Minute, StoreError> {
    let counts = state.store.read(Db::counts).await?;
    let now = Timestamp::now().as_millis();
    Ok(Minute {
        at: now - now.rem_euclid(MINUTE_MS),
        queued: counts.queued,
        running: counts.offered + counts.running,
        online: state.live.online() as u64,
        ..counted
    })
}
