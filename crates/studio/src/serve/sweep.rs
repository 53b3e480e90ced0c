//! Deletes what uploads that did not end have left behind, and answers that nobody will ask for again.

use std::collections::HashSet;
use std::time::Duration;

use studio_protocol::Timestamp;
use studio_store::Db;

use crate::access;
use crate::state::AppState;

/// How long an `Idempotency-Key` is remembered: longer than any client retries, also when the clock jumps by a day.
const IDEMPOTENCY_KEPT: Duration = Duration::from_hours(72);
/// How often the old ones are removed.
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
    let (sweeping, purging) = (state.clone(), state.store.clone());
    state.tasks.spawn(async move {
        if let Err(error) = sweep(&sweeping, kept).await {
            tracing::warn!("could not sweep the artefact store: {error}");
        }
    });
    let soft = state.tasks.soft().clone();
    state.tasks.spawn(async move {
        let mut tick = tokio::time::interval(PURGE_INTERVAL);
        loop {
            tokio::select! {
                () = soft.cancelled() => return,
                _ = tick.tick() => {}
            }
            let before = Timestamp::now().plus_millis(-(IDEMPOTENCY_KEPT.as_millis() as i64));
            if let Err(error) = purging.write(move |db| db.purge_idempotency(before)).await {
                tracing::warn!("could not remove old idempotency keys: {error}");
            }
            if let Err(error) = access::purge(&purging, Timestamp::now()).await {
                tracing::warn!("could not remove old sessions and lines of the audit log: {error}");
            }
        }
    });
    Ok(())
}

async fn sweep(state: &AppState, kept: Vec<String>) -> anyhow::Result<()> {
    let named: HashSet<String> = state.store.read(Db::artefact_keys).await?.into_iter().collect();
    let orphans: Vec<&String> = kept.iter().filter(|key| !named.contains(*key)).collect();
    for key in &orphans {
        state.artefacts.delete(key).await?;
    }
    if !orphans.is_empty() {
        tracing::info!("{} unfinished uploads of the former run deleted", orphans.len());
    }
    Ok(())
}
