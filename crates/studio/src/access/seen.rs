//! When keys and sessions were used last: exact in memory, noted in the store now and then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use studio_protocol::Timestamp;

/// A key that sends a thousand requests a second is written this often.
const INTERVAL: Duration = Duration::from_mins(5);
/// Keys and sessions that are remembered; beyond it all are noted once more.
const MAX_SEEN: usize = 10_000;

/// What was noted when; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<HashMap<String, Timestamp>>>);

impl Seen {
    /// Whether the use of `id` at `now` is to be noted; the store says `last`.
    pub fn is_due(&self, id: &str, last: Option<Timestamp>, now: Timestamp) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.get(id).copied().or(last);
        // Also when the clock went back: the difference is negative then, and a later one will do.
        let due = last.is_none_or(|last| now.as_millis() - last.as_millis() >= INTERVAL.as_millis() as i64);
        if due {
            if seen.len() >= MAX_SEEN {
                seen.clear();
            }
            seen.insert(id.to_owned(), now);
        }
        due
    }

    /// The later of what the store says and what was noted since.
    pub fn latest(&self, id: &str, stored: Timestamp) -> Timestamp {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(id).copied().map_or(stored, |noted| noted.max(stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_noted_every_few_minutes() {
        let seen = Seen::default();
        let at = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
        assert!(seen.is_due("key-1", None, at(0)));
        assert!(!seen.is_due("key-1", None, at(4)));
        assert!(seen.is_due("key-1", None, at(5)));
        assert!(!seen.is_due("key-2", Some(at(3)), at(5)));
        assert_eq!(seen.latest("key-1", at(1)), at(5));
        assert_eq!(seen.latest("key-2", at(3)), at(3));
    }
}
