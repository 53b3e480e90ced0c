//! Waiting for conditions, with a deadline.

use std::time::{Duration, Instant};

/// How often a condition is looked at: short beside what is waited for, long beside what a look costs.
pub const POLL: Duration = Duration::from_millis(10);

/// Waits until `condition` holds; panics with `what` when it does not within `limit`.
pub async fn wait_until(what: &str, limit: Duration, mut condition: impl AsyncFnMut() -> bool) {
    wait_for(what, limit, async || condition().await.then_some(())).await;
}

/// Waits until `look` finds something; panics with `what` when it does not within `limit`.
pub async fn wait_for<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain until {what}");
        tokio::time::sleep(POLL).await;
    }
}
