//! Deletes what has been kept long enough: artefacts, jobs, inputs, and the bytes that nobody names any more.
//!
//! Rows go first, a slice in each transaction, so that the writer is never kept from others for long; then the bytes
//! that they named. A studio that dies in between has bytes without a row, which its next start sweeps.

use std::time::{Duration, Instant};

use studio_protocol::{JobId, ProjectId, Timestamp};
use studio_store::{ArtefactId, Db, Project, StoreError};

use crate::events::{Area, StudioEvent};
use crate::inputs::INPUT_KEPT;
use crate::state::AppState;
use crate::thumbnails::{SIZES, key_of};

/// Jobs that are looked at in one read.
const LOOKED_AT: u32 = 1_000;
/// Artefacts of one transaction: a millisecond or two of the writer's time.
const ARTEFACTS_AT_ONCE: usize = 100;
/// Jobs of one transaction; each has rows in six tables.
const JOBS_AT_ONCE: usize = 50;
/// Inputs of one transaction.
const INPUTS_AT_ONCE: u32 = 100;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// What a clock may gain on the time that really passed: more is a jump.
const DRIFT: Duration = Duration::from_mins(5);

/// What one sweep came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Artefacts that went by themselves.
    pub artefacts: usize,
    /// Jobs that went with everything about them.
    pub jobs: usize,
    /// Inputs that no job wanted.
    pub inputs: usize,
}

/// Deletes what is too old at `now`, by the rules of each project.
pub async fn sweep(state: &AppState, now: Timestamp) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    for project in state.store.read(Db::projects).await? {
        let Project { id, keep_artefacts_days, keep_jobs_days, .. } = project;
        let before = |days: u32| now.plus_millis(-i64::from(days) * DAY_MS);
        // Jobs first: their artefacts go with them.
        if let Some(days) = keep_jobs_days {
            swept.jobs += sweep_jobs(state, &id, before(days)).await?;
        }
        if let Some(days) = keep_artefacts_days {
            swept.artefacts += sweep_artefacts(state, &id, before(days)).await?;
        }
    }
    swept.inputs = sweep_inputs(state, now).await?;
    for webhook in state.store.read(Db::webhooks).await? {
        state.store.write(move |db| db.trim_deliveries(&webhook.id)).await?;
    }
    if swept != Swept::default() {
        let Swept { artefacts, jobs, inputs } = swept;
        tracing::info!("kept long enough: {artefacts} artefacts, {jobs} jobs and {inputs} inputs deleted");
    }
    Ok(swept)
}

async fn sweep_artefacts(
    state: &AppState,
    project: &ProjectId,
    before: Timestamp,
) -> Result<usize, StoreError> {
    let (mut gone, mut after) = (0, 0);
    loop {
        let of = project.clone();
        let slice = state.store.read(move |db| db.expired_artefacts(&of, before, after, LOOKED_AT)).await?;
        for some in slice.expired.chunks(ARTEFACTS_AT_ONCE) {
            let ids: Vec<ArtefactId> = some.to_vec();
            gone += ids.len();
            let keys = state.store.write(move |db| db.delete_artefacts(&ids)).await?;
            state.events.publish(StudioEvent::Changed { what: Area::Artefacts });
            delete_bytes(state, &keys).await;
        }
        match slice.next {
            Some(next) => after = next,
            None => return Ok(gone),
        }
    }
}

async fn sweep_jobs(state: &AppState, project: &ProjectId, before: Timestamp) -> Result<usize, StoreError> {
    let (mut gone, mut after) = (0, 0);
    loop {
        let of = project.clone();
        let slice = state.store.read(move |db| db.expired_jobs(&of, before, after, LOOKED_AT)).await?;
        for some in slice.expired.chunks(JOBS_AT_ONCE) {
            let ids: Vec<JobId> = some.to_vec();
            let deleted = state.store.write(move |db| db.delete_jobs(&ids, before)).await?;
            gone += deleted.jobs.len();
            state.events.publish(StudioEvent::Changed { what: Area::Artefacts });
            delete_bytes(state, &deleted.keys).await;
        }
        match slice.next {
            Some(next) => after = next,
            None => return Ok(gone),
        }
    }
}

async fn sweep_inputs(state: &AppState, now: Timestamp) -> Result<usize, StoreError> {
    let before = now.plus_millis(-i64::try_from(INPUT_KEPT.as_millis()).unwrap_or(i64::MAX));
    let mut gone = 0;
    loop {
        let ids = state.store.read(move |db| db.unwanted_inputs(before, INPUTS_AT_ONCE)).await?;
        if ids.is_empty() {
            return Ok(gone);
        }
        gone += ids.len();
        let keys = state.store.write(move |db| db.delete_inputs(&ids, before)).await?;
        delete_bytes(state, &keys).await;
    }
}

/// Deletes bytes whose rows are gone, with their thumbnails; what cannot be deleted is swept at the next start.
pub async fn delete_bytes(state: &AppState, keys: &[String]) {
    for key in keys {
        let small = SIZES.iter().map(|size| key_of(key, *size));
        for key in small.chain([key.clone()]) {
            if let Err(error) = state.artefacts.delete(&key).await {
                tracing::warn!(key, %error, "deleted bytes are left for the sweep");
            }
        }
    }
}

/// Tells a clock that jumped from time that passed: nothing is deleted on the word of a clock that has just jumped.
#[derive(Debug, Default)]
pub struct Steadiness(Option<(Instant, Timestamp)>);

impl Steadiness {
    /// Whether the clock has gone on as time has since it was looked at last; the first look tells nothing yet.
    pub fn look(&mut self, instant: Instant, clock: Timestamp) -> bool {
        let before = self.0.replace((instant, clock));
        before.is_some_and(|(then, told)| {
            let passed = i64::try_from(instant.duration_since(then).as_millis()).unwrap_or(i64::MAX);
            let gained = clock.as_millis().saturating_sub(told.as_millis()).saturating_sub(passed);
            gained.unsigned_abs() <= DRIFT.as_millis() as u64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_is_believed_when_it_has_gone_on_from_there() {
        let (start, hour) = (Instant::now(), 3_600_000);
        let at = |hours: u64| start + Duration::from_hours(hours);
        let told = |hours: i64| Timestamp::from_millis(hours * hour);
        let mut steady = Steadiness::default();
        assert!(!steady.look(at(0), told(0)), "nothing to compare with");
        assert!(steady.look(at(1), told(1)));
        assert!(!steady.look(at(2), told(900)), "it jumped");
        assert!(!steady.look(at(3), told(3)), "and back");
        assert!(steady.look(at(4), told(4)));
        assert!(!steady.look(at(5), told(900)));
        assert!(steady.look(at(6), told(901)), "it is right there");
    }
}
