//! How often one address, or one name, may ask for something.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys that are remembered at a time: a flood from more of them empties the memory instead of filling it.
const MAX_KEYS: usize = 10_000;

/// A sliding window for each key.
#[derive(Debug)]
pub struct RateLimit<K> {
    most: usize,
    window: Duration,
    seen: Mutex<HashMap<K, VecDeque<Instant>>>,
}

impl<K: Eq + Hash> RateLimit<K> {
    /// Lets `most` in within `window`.
    pub fn new(most: usize, window: Duration) -> Self {
        Self { most, window, seen: Mutex::default() }
    }

    /// Counts a request at `now`; an error says after how long the next one is let in.
    pub fn admit(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_KEYS && !seen.contains_key(&key) {
            seen.retain(|_, times| times.back().is_some_and(|last| now.duration_since(*last) < self.window));
            if seen.len() >= MAX_KEYS {
                seen.clear();
            }
        }
        let times = seen.entry(key).or_default();
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

    /// Takes the latest request of `key` back: it was none of those that are limited.
    pub fn forgive(&self, key: &K) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = seen.get_mut(key) {
            times.pop_back();
            if times.is_empty() {
                seen.remove(key);
            }
        }
    }
}

/// The part of an address that one customer of a network has: IPv6 hands out whole /64 networks.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
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
    fn what_is_forgiven_does_not_count() {
        let limit = RateLimit::new(1, Duration::from_mins(1));
        let now = Instant::now();
        for _ in 0..5 {
            assert_eq!(limit.admit("ann", now), Ok(()));
            limit.forgive(&"ann");
        }
        assert_eq!(limit.admit("ann", now), Ok(()));
        assert!(limit.admit("ann", now).is_err());
        limit.forgive(&"nobody");
    }

    #[test]
    fn a_network_of_one_customer_is_one() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn memory_is_bounded() {
        let limit = RateLimit::new(1, Duration::from_mins(1));
        let now = Instant::now();
        for n in 0..3 * MAX_KEYS as u32 {
            let _ = limit.admit(IpAddr::from(n.to_be_bytes()), now);
        }
        assert!(limit.seen.lock().unwrap().len() <= MAX_KEYS);
    }
}
