//! How fast a batch gets on, and when it will be done.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far back the rate looks: long enough to be calm, short enough to notice a worker that came or went.
const WINDOW: Duration = Duration::from_mins(1);

/// Counts over the last while.
#[derive(Debug, Default)]
pub struct Rate {
    samples: VecDeque<(Instant, u64)>,
}

impl Rate {
    /// Takes a count of what is finished.
    pub fn sample(&mut self, now: Instant, finished: u64) {
        // A retry makes fewer things finished: what was before tells nothing about what comes.
        if self.samples.back().is_some_and(|(_, last)| *last > finished) {
            self.samples.clear();
        }
        self.samples.push_back((now, finished));
        // One sample from before the window stays, so that the window is always covered.
        while self.samples.get(1).is_some_and(|(time, _)| now.duration_since(*time) >= WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Things a second; none while nothing was seen to finish.
    pub fn per_second(&self) -> Option<f64> {
        let (first, from) = self.samples.front()?;
        let (last, to) = self.samples.back()?;
        let seconds = last.duration_since(*first).as_secs_f64();
        (to > from && seconds > 0.0).then(|| (to - from) as f64 / seconds)
    }

    /// How long `open` more things will take at this rate.
    pub fn eta(&self, open: u64) -> Option<Duration> {
        Duration::try_from_secs_f64(open as f64 / self.per_second()?).ok()
    }
}

/// A rate as people read it: slow ones by the minute or the hour.
pub fn told(per_second: f64) -> String {
    if per_second >= 1.0 {
        format!("{per_second:.1}/s")
    } else if per_second * 60.0 >= 1.0 {
        format!("{:.1}/min", per_second * 60.0)
    } else {
        format!("{:.1}/h", per_second * 3_600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let start = Instant::now();
        let mut rate = Rate::default();
        rate.sample(start, 0);
        assert_eq!(rate.per_second(), None);
        for second in 1..=100_u32 {
            // Ten a second for a while, then one a second.
            let finished = if second <= 20 { u64::from(second) * 10 } else { 180 + u64::from(second) };
            rate.sample(start + SECOND * second, finished);
        }
        assert_eq!(rate.per_second(), Some(1.0));
        assert_eq!(rate.eta(30), Some(SECOND * 30));
    }

    #[test]
    fn a_retry_starts_again() {
        let start = Instant::now();
        let mut rate = Rate::default();
        rate.sample(start, 10);
        rate.sample(start + SECOND, 20);
        rate.sample(start + SECOND * 2, 5);
        assert_eq!(rate.per_second(), None);
        assert_eq!(rate.eta(1), None);
        rate.sample(start + SECOND * 4, 6);
        assert_eq!(rate.per_second(), Some(0.5));
    }

    #[test]
    fn slow_rates_are_told_by_the_hour() {
        assert_eq!((told(2.5), told(0.5), told(0.001)), ("2.5/s".into(), "30.0/min".into(), "3.6/h".into()));
    }
}
