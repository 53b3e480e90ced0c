//! One rate for all downloads together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// What may be taken at once after a pause: short enough that nobody notices, long enough for one read.
const BURST: Duration = Duration::from_millis(100);

/// A token bucket: bytes are taken when they have come, and whoever took them waits until the rate allows it.
#[derive(Debug, Default)]
pub(crate) struct Bandwidth {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    rate: Option<u64>,
    /// When all that was taken is paid.
    paid_at: Option<Instant>,
}

impl Bandwidth {
    pub(crate) fn new(rate: Option<u64>) -> Self {
        let bandwidth = Self::default();
        bandwidth.set(rate);
        bandwidth
    }

    /// Bytes a second; whoever waits under the old rate goes on at once.
    pub(crate) fn set(&self, rate: Option<u64>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State { rate: rate.map(|rate| rate.max(1)), paid_at: None };
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until `bytes` more fit into the rate.
    pub(crate) async fn take(&self, bytes: usize) {
        let changed = self.changed.notified();
        let Some(until) = self.book(bytes) else { return };
        tokio::select! {
            () = sleep_until(until) => {}
            () = changed => {}
        }
    }

    /// When the bytes are paid, if that is later than now.
    fn book(&self, bytes: usize) -> Option<Instant> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = state.rate?;
        let now = Instant::now();
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let start = state.paid_at.map_or(earliest, |paid| paid.max(earliest));
        let paid = start + Duration::from_secs_f64(bytes as f64 / rate as f64);
        state.paid_at = Some(paid);
        (paid > now).then_some(paid)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MEGA: usize = 1_000_000;

    #[tokio::test(start_paused = true)]
    async fn several_downloads_share_the_rate() {
        let bandwidth = Bandwidth::new(Some(MEGA as u64));
        let started = Instant::now();
        let one = async {
            for _ in 0..250 {
                bandwidth.take(8_000).await;
            }
        };
        let other = async {
            for _ in 0..100 {
                bandwidth.take(30_000).await;
            }
        };
        futures_util::join!(one, other);
        let took = started.elapsed().as_secs_f64();
        assert!((4.8..=5.05).contains(&took), "5 MB at 1 MB/s took {took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_saves_up_no_more_than_the_burst() {
        let bandwidth = Bandwidth::new(Some(MEGA as u64));
        bandwidth.take(MEGA).await;
        tokio::time::advance(Duration::from_mins(1)).await;
        let started = Instant::now();
        bandwidth.take(MEGA).await;
        assert!(started.elapsed() >= Duration::from_millis(890), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_rate_counts_at_once() {
        let bandwidth = Arc::new(Bandwidth::new(Some(1)));
        let started = Instant::now();
        let waiting = bandwidth.take(MEGA);
        let change = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            bandwidth.set(None);
        };
        futures_util::join!(waiting, change);
        assert!(started.elapsed() < Duration::from_secs(3));
        bandwidth.take(MEGA).await;
    }
}
