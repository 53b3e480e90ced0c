//! Requests that wait for news.

use std::time::Duration;

use serde::Deserialize;
use worker_local::MAX_WAIT_MS;

/// `after` and `waitMs` of a query.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Wait {
    pub(super) after: Option<u64>,
    wait_ms: u64,
}

impl Wait {
    /// How long, at most.
    pub(super) fn limit(self) -> Duration {
        limit(self.wait_ms)
    }
}

/// Never longer than any client is promised.
pub(super) fn limit(wait_ms: u64) -> Duration {
    Duration::from_millis(wait_ms.min(MAX_WAIT_MS))
}
