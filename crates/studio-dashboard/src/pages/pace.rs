//! How fast a batch goes, by what has ended lately.

use studio_protocol::Timestamp;

/// Ends that a pace is measured by: enough to level out long and short jobs, few enough to follow a fleet that grows.
pub const MEASURED: usize = 50;

/// How long it takes until one more job ends, whatever the number of workers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Milliseconds.
    pub ms_per_job: f64,
}

impl Pace {
    /// From when jobs ended, in any order. The time since the last of them counts too, so that a fleet that has
    /// stopped is not believed to go on. `begun` is when the first job started; without two ends it takes the
    /// place of the first.
    pub fn measure(ends: &[Timestamp], begun: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        let mut ends: Vec<i64> = ends.iter().copied().map(Timestamp::as_millis).collect();
        ends.sort_unstable();
        ends.drain(..ends.len().saturating_sub(MEASURED));
        let (from, ended) = match (ends.first(), begun) {
            (None, _) => return None,
            (Some(_), Some(begun)) if ends.len() < MEASURED => (begun.as_millis(), ends.len()),
            (Some(first), _) => (*first, ends.len() - 1),
        };
        let last = ends.last().copied().unwrap_or(from);
        if ended == 0 || last <= from {
            return None;
        }
        let usual = (last - from) as f64 / ended as f64;
        let silent = (now.as_millis() - last) as f64;
        // Within the usual gap nothing is late.
        let span = if silent > 2.0 * usual { now.as_millis() - from } else { last - from };
        Some(Self { ms_per_job: span as f64 / ended as f64 })
    }

    /// How long so many jobs take.
    pub fn ms_for(&self, jobs: u64) -> u64 {
        (self.ms_per_job * jobs as f64).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn measured(ends: &[i64], begun: Option<i64>, now: i64) -> Option<f64> {
        let ends: Vec<_> = ends.iter().copied().map(at).collect();
        Pace::measure(&ends, begun.map(at), at(now)).map(|pace| pace.ms_per_job / 1_000.0)
    }

    #[test]
    fn the_pace_is_what_was_measured() {
        assert_eq!(measured(&[], Some(0), 100), None);
        assert_eq!(measured(&[10], None, 12), None, "one end says nothing without a begin");
        assert_eq!(measured(&[10], Some(0), 12), Some(10.0));
        assert_eq!(measured(&[30, 10, 20], Some(0), 31), Some(10.0));
        assert_eq!(measured(&[10, 20, 30], None, 31), Some(10.0));
    }

    #[test]
    fn a_fleet_that_stands_still_is_not_believed() {
        assert_eq!(measured(&[10, 20, 30], Some(0), 90), Some(30.0));
    }

    #[test]
    fn only_the_latest_ends_count() {
        let slow = (0..100).map(|n| n * 100);
        let quick = (0..50).map(|n| 10_000 + n);
        let ends: Vec<i64> = slow.chain(quick).collect();
        assert_eq!(measured(&ends, Some(0), 10_050), Some(1.0));
        assert_eq!(Pace { ms_per_job: 1_000.0 }.ms_for(90), 90_000);
    }
}
