//! Data for tests and screenshots: pages are rendered with it in every state.

use std::collections::BTreeMap;

use studio_api::{
    Job, JobProgress, Minute, Model, ModelDetail, ModelFileState, ModelWorkers, Overview, QueueState,
    Registration, Status, Worker, WorkerLimits,
};
use studio_protocol::{
    Capabilities, CliDefaults, Feature, FeatureSet, FileRole, ModelFile, ModelSource, Stage, TaskKind,
    Timestamp,
};
use studio_store::{JobState, RegistrationState};

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

/// A machine with one GPU.
pub fn capabilities(machine: &str) -> Capabilities {
    Capabilities {
        machine_name: machine.to_owned(),
        username: "ada".to_owned(),
        agent_version: "0.1.0".to_owned(),
        vram_total_gb: 24.0,
        vram_threshold_gb: 20.0,
        auto_enabled: true,
        supported_models: vec!["sd-cpp:*".to_owned()],
        task_kinds: vec!["image".to_owned(), "llm".to_owned()],
        model_engines: vec!["sd-cpp".to_owned(), "llama-cpp".to_owned()],
        features: FeatureSet::of(&[Feature::Control, Feature::Progress]),
        slots: BTreeMap::from([("image".to_owned(), 1)]),
        loaded_models: vec!["starter-shapes".to_owned()],
        present_models: vec!["starter-shapes".to_owned(), "qwen3-4b".to_owned()],
        model_speeds: BTreeMap::from([("starter-shapes".to_owned(), 12.5)]),
        ..Capabilities::default()
    }
}

/// A worker that is there.
pub fn worker(id: &str, name: &str) -> Worker {
    Worker {
        id: id.to_owned(),
        name: name.to_owned(),
        paused: false,
        draining: false,
        outdated: false,
        limits: WorkerLimits::default(),
        online: true,
        created_at: before(86_400),
        last_seen_at: Some(before(2)),
        connected_at: Some(before(3_600)),
        jobs: None,
        current_jobs: Vec::new(),
        capabilities: capabilities(name),
    }
}

/// Somebody who wants to join.
pub fn registration(id: &str) -> Registration {
    Registration {
        id: id.to_owned(),
        status: RegistrationState::Pending,
        install_id: "5f0c".repeat(8),
        machine_name: "attic-pc".to_owned(),
        user_agent: "studio-worker/0.1.0".to_owned(),
        source_addr: "192.168.1.20".to_owned(),
        created_at: before(120),
        decided_at: None,
        worker: None,
        reason: None,
        capabilities: capabilities("attic-pc"),
    }
}

/// Numbers of a studio with `queued` jobs in its queue.
pub fn status(queued: u64) -> Status {
    let of = |state: &JobState| match state {
        JobState::Queued => queued,
        JobState::Running => queued.min(2),
        JobState::Done => queued * 10,
        JobState::Failed => queued.min(1),
        JobState::Offered | JobState::Cancelled | JobState::Quarantined => 0,
    };
    Status {
        version: "0.1.0".to_owned(),
        time: before(0),
        jobs: JobState::ALL.iter().map(|state| (*state, of(state))).collect(),
        workers_online: queued.min(2),
        workers: queued.min(3),
        registrations_pending: 0,
    }
}

/// The last `minutes`, with a wave of work.
pub fn overview(minutes: u64) -> Overview {
    let of = |minute: u64| Minute {
        at: NOW_MS - 60_000 * (minutes - minute).cast_signed(),
        submitted: minute % 7,
        done: minute % 5,
        failed: u64::from(minute.is_multiple_of(11)),
        cancelled: 0,
        queued: (minute * 3) % 40,
        running: 2,
        online: 2,
        wait_p50_ms: minute % 9 * 400,
        wait_p95_ms: minute % 9 * 1_500,
    };
    Overview {
        minutes: (0..minutes).map(of).collect(),
        queue: QueueState { paused: false, paused_at: None },
        disk_free_bytes: 200_000_000_000,
        disk_total_bytes: 500_000_000_000,
    }
}

/// An entry of the registry.
pub fn model(id: &str) -> Model {
    Model {
        id: id.to_owned(),
        kind: TaskKind::Image,
        vram_gb: 0.6,
        enabled: true,
        source: ModelSource {
            engine: "sd-cpp".to_owned(),
            files: vec![ModelFile {
                role: FileRole::Model,
                url: format!("https://huggingface.co/owner/{id}/resolve/main/{id}.gguf"),
                mirrors: Vec::new(),
                filename: format!("{id}.gguf"),
                approx_bytes: Some(19_000_000),
                sha256: Some("ab".repeat(32)),
            }],
            cli_defaults: CliDefaults {
                cfg_scale: 1.0,
                steps: 20,
                width: 512,
                height: 512,
                more: serde_json::Map::new(),
            },
        },
    }
}

/// The same with where its files are.
pub fn model_detail(id: &str) -> ModelDetail {
    let model = model(id);
    ModelDetail {
        files: vec![ModelFileState {
            filename: model.source.files[0].filename.clone(),
            pinned: true,
            present: true,
            bytes: Some(19_000_000),
            sha256: model.source.files[0].sha256.clone(),
        }],
        workers: ModelWorkers { present: 2, loaded: 1 },
        fetch: None,
        model,
    }
}
