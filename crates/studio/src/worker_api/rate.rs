//! How often one address may ask to register.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered at a time: a flood from more of them empties the memory instead of filling it.
const MAX_ADDRESSES: usize = 10_000;

/// A sliding window for each address.
#[derive(Debug)]
pub struct RateLimit {
    most: usize,
    window: Duration,
    seen: Mutex<HashMap<IpAddr, VecDeque<Instant>>>,
}

impl RateLimit {
    pub fn new(most: usize, window: Duration) -> Self {
        Self { most, window, seen: Mutex::default() }
    }

    /// Counts a request at `now`; an error says after how long the next one is let in.
    pub fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_ADDRESSES && !seen.contains_key(&address) {
            seen.retain(|_, times| times.back().is_some_and(|last| now.duration_since(*last) < self.window));
            if seen.len() >= MAX_ADDRESSES {
                seen.clear();
            }
        }
        let times = seen.entry(address).or_default();
        while times.front().is_some_and(|first| now.duration_since(*first) >= self.window) {
            times.pop_front();
        }
        match times.front() {
            Some(first) if times.len() >= self.most => {
                Err(self.window.saturating_sub(now.duration_since(*first)))
            }
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_in_a_minute_and_not_one_more() {
        let limit = RateLimit::new(10, Duration::from_mins(1));
        let (me, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let start = Instant::now();
        for second in 0..10 {
            assert_eq!(limit.admit(me, start + Duration::from_secs(second)), Ok(()));
        }
        assert_eq!(limit.admit(me, start + Duration::from_secs(30)), Err(Duration::from_secs(30)));
        assert_eq!(limit.admit(other, start + Duration::from_secs(30)), Ok(()));
        assert_eq!(limit.admit(me, start + Duration::from_mins(1)), Ok(()));
        assert!(limit.admit(me, start + Duration::from_mins(1)).is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let limit = RateLimit::new(1, Duration::from_mins(1));
        let now = Instant::now();
        for n in 0..3 * MAX_ADDRESSES as u32 {
            let _ = limit.admit(IpAddr::from(n.to_be_bytes()), now);
        }
        assert!(limit.seen.lock().unwrap().len() <= MAX_ADDRESSES);
    }
}
