//! Data for tests and screenshots: pages are rendered with it in every state.

use studio_api::{Job, JobProgress};
use studio_protocol::{Stage, TaskKind, Timestamp};
use studio_store::JobState;

/// When the samples are: noon of a day in May.
pub const NOW_MS: i64 = 1_779_710_400_000;

/// `seconds` before the samples' now.
pub fn before(seconds: i64) -> Timestamp {
    Timestamp::from_millis(NOW_MS - seconds * 1_000)
}

/// A picture in `state`.
pub fn job(id: &str, state: JobState) -> Job {
    let started = state != JobState::Queued;
    Job {
        id: id.to_owned(),
        state,
        kind: TaskKind::Image,
        model: "starter-shapes".to_owned(),
        project: "default".to_owned(),
        asset_name: format!("A red square, {id}"),
        batch: None,
        priority: 0,
        attempts: u32::from(started),
        max_attempts: 3,
        worker: started.then(|| "w-1".to_owned()),
        error: (state == JobState::Failed).then(|| "the engine ended with code 1".to_owned()),
        created_at: before(60),
        started_at: started.then(|| before(30)),
        finished_at: (!state.is_open()).then(|| before(5)),
        progress: (state == JobState::Running).then_some(JobProgress {
            step: 5,
            steps: 20,
            eta_ms: Some(3_000),
            stage: Some(Stage::Running),
            bytes: None,
            total_bytes: None,
        }),
        artefact: None,
    }
}
