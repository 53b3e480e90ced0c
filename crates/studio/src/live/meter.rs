//! What happens within the minute that is under way: a few additions for each job.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use studio_protocol::{JobId, Timestamp};
use studio_store::{JobState, Minute};

use crate::ids;

/// Buckets of waits for each power of two: percentiles are right within an eighth.
const BUCKETS_PER_OCTAVE: u32 = 8;
/// Waits up to 2^40 ms, which is 35 years.
const OCTAVES: u32 = 40;

/// Counts what becomes of jobs, and how long those waited that start.
#[derive(Debug, Default)]
pub struct Meter {
    submitted: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
    waits: Mutex<Waits>,
}

impl Meter {
    /// Jobs came.
    pub(crate) fn submitted(&self, jobs: usize) {
        self.submitted.fetch_add(jobs as u64, Ordering::Relaxed);
    }

    /// A job is in another state.
    pub(super) fn job_changed(&self, job: &JobId, state: JobState, now: Timestamp) {
        let counter = match state {
            JobState::Done => &self.done,
            JobState::Failed | JobState::Quarantined => &self.failed,
            JobState::Cancelled => &self.cancelled,
            JobState::Running => return self.started(job, now),
            JobState::Queued | JobState::Offered => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn started(&self, job: &JobId, now: Timestamp) {
        if let Some(at) = ids::submitted_at(job) {
            // A clock that was set back makes nobody wait for less than nothing.
            self.waits().note(u64::try_from(now.as_millis() - at).unwrap_or(0));
        }
    }

    /// The minute so far.
    pub(crate) fn look(&self) -> Minute {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let waits = self.waits();
        Minute {
            submitted: read(&self.submitted),
            done: read(&self.done),
            failed: read(&self.failed),
            cancelled: read(&self.cancelled),
            wait_p50_ms: waits.percentile(50),
            wait_p95_ms: waits.percentile(95),
            ..Minute::default()
        }
    }

    /// The same; the next minute begins.
    pub(crate) fn take(&self) -> Minute {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let waits = std::mem::take(&mut *self.waits());
        Minute {
            submitted: take(&self.submitted),
            done: take(&self.done),
            failed: take(&self.failed),
            cancelled: take(&self.cancelled),
            wait_p50_ms: waits.percentile(50),
            wait_p95_ms: waits.percentile(95),
            ..Minute::default()
        }
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        // Counters are whole at any time.
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many jobs waited for how long.
#[derive(Debug, Default)]
struct Waits {
    buckets: Vec<u32>,
    jobs: u64,
}

impl Waits {
    fn note(&mut self, millis: u64) {
        let bucket = bucket_of(millis);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] = self.buckets[bucket].saturating_add(1);
        self.jobs += 1;
    }

    /// The wait that this many of a hundred jobs did not exceed; 0 without jobs.
    fn percentile(&self, percent: u64) -> u64 {
        let wanted = (self.jobs * percent).div_ceil(100);
        let mut seen = 0;
        for (bucket, jobs) in self.buckets.iter().enumerate() {
            seen += u64::from(*jobs);
            if seen >= wanted && seen > 0 {
                return wait_of(bucket);
            }
        }
        0
    }
}

/// Waits below eight milliseconds have buckets of their own.
fn bucket_of(millis: u64) -> usize {
    let Some(octave) = millis.checked_ilog2().filter(|octave| *octave >= 3) else { return millis as usize };
    if octave >= OCTAVES {
        return (OCTAVES * BUCKETS_PER_OCTAVE) as usize;
    }
    let within = (millis >> (octave - 3)) as u32 % BUCKETS_PER_OCTAVE;
    ((octave - 2) * BUCKETS_PER_OCTAVE + within) as usize
}

/// The least wait of a bucket.
fn wait_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let per_octave = u64::from(BUCKETS_PER_OCTAVE);
    if bucket < per_octave { bucket } else { (per_octave + bucket % per_octave) << (bucket / per_octave - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_within_an_eighth() {
        let mut waits = Waits::default();
        assert_eq!((waits.percentile(50), waits.percentile(95)), (0, 0));
        (1..=10_000).for_each(|millis| waits.note(millis));
        for (percent, exact) in [(50, 5_000.0), (95, 9_500.0)] {
            let told = waits.percentile(percent) as f64;
            assert!((told - exact).abs() <= exact / 8.0, "{percent}: {told}");
        }
        let mut one = Waits::default();
        one.note(3);
        assert_eq!((one.percentile(50), one.percentile(95)), (3, 3));
        one.note(u64::MAX);
        assert!(one.percentile(95) > 1 << 39);
    }

    #[test]
    fn every_wait_lies_in_its_bucket() {
        for millis in (0..100_000).chain([1 << 20, (1 << 30) + 12_345, (1 << 39) + 1]) {
            let bucket = bucket_of(millis);
            assert!(wait_of(bucket) <= millis && millis < wait_of(bucket + 1), "{millis}: bucket {bucket}");
        }
    }

    #[test]
    fn a_minute_is_taken_once() {
        let meter = Meter::default();
        let (job, now) = (ids::job(), Timestamp::now());
        meter.submitted(3);
        for state in [JobState::Running, JobState::Done, JobState::Quarantined, JobState::Cancelled] {
            meter.job_changed(&job, state, now.plus_millis(40));
        }
        let minute = meter.take();
        assert_eq!((minute.submitted, minute.done, minute.failed, minute.cancelled), (3, 1, 1, 1));
        assert!((36..1_000).contains(&minute.wait_p50_ms), "{minute:?}");
        assert_eq!(meter.look(), Minute::default());
    }
}
