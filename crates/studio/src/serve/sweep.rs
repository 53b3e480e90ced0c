//! Deletes what uploads that did not end have left behind, answers that nobody will ask for again, and what has been
//! kept long enough.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use studio_protocol::Timestamp;
use studio_store::Db;

use crate::access;
use crate::retention::{self, Steadiness};
use crate::state::AppState;
use crate::thumbnails::origin_of;

/// How long an `Idempotency-Key` is remembered: longer than any client retries, also when the clock jumps by a day.
const IDEMPOTENCY_KEPT: Duration = Duration::from_hours(72);
/// How often what is old is removed.
const PURGE_INTERVAL: Duration = Duration::from_hours(1);

/// Looks for left-overs of the former run, then keeps house.
///
/// The list of keys is taken before the first upload of this run can come.
pub async fn spawn(state: &AppState) -> anyhow::Result<()> {
    let unfinished = state.artefacts.remove_unfinished().await?;
    if unfinished > 0 {
        tracing::info!("{unfinished} half-written artefacts of the former run deleted");
    }
    let kept: Vec<String> = state.artefacts.keys().await?;
    let (sweeping, purging) = (state.clone(), state.clone());
    state.tasks.spawn(async move {
        if let Err(error) = sweep(&sweeping, kept).await {
            tracing::warn!("could not sweep the artefact store: {error}");
        }
    });
    let soft = state.tasks.soft().clone();
    state.tasks.spawn(async move {
        // What is half swept is swept to its end an hour after the next start.
        tokio::select! {
            () = soft.cancelled() => {}
            () = purge(&purging) => {}
        }
    });
    Ok(())
}

async fn purge(state: &AppState) {
    let mut tick = tokio::time::interval(PURGE_INTERVAL);
    let mut clock = Steadiness::default();
    loop {
        tick.tick().await;
        let now = Timestamp::now();
        let before = now.plus_millis(-(IDEMPOTENCY_KEPT.as_millis() as i64));
        if let Err(error) = state.store.write(move |db| db.purge_idempotency(before)).await {
            tracing::warn!("could not remove old idempotency keys: {error}");
        }
        if let Err(error) = access::purge(&state.store, now).await {
            tracing::warn!("could not remove old sessions and lines of the audit log: {error}");
        }
        if clock.look(Instant::now(), now)
            && let Err(error) = retention::sweep(state, now).await
        {
            tracing::warn!("could not delete what has been kept long enough: {error}");
        }
    }
}

async fn sweep(state: &AppState, kept: Vec<String>) -> anyhow::Result<()> {
    let named: HashSet<String> = state.store.read(Db::artefact_keys).await?.into_iter().collect();
    let orphans: Vec<&String> =
        kept.iter().filter(|key| !named.contains(origin_of(key).unwrap_or(key))).collect();
    for key in &orphans {
        state.artefacts.delete(key).await?;
    }
    if !orphans.is_empty() {
        tracing::info!("{} unfinished uploads of the former run deleted", orphans.len());
    }
    Ok(())
}
