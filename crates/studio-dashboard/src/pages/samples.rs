//! Data for the pages about work, in every state they can be in.

use serde_json::{Value, json};
use studio_api::{Artefact, ArtefactSummary, Attempt, Batch, Counts, JobDetail, JobLog, Model, QueueState};
use studio_protocol::{CliDefaults, LogLevel, ModelSource, TaskKind};
use studio_store::{AttemptOutcome, JobState};

use super::pace::Pace;
use super::playground::Standing;
use super::{batch, batches, gallery, job, jobs, playground};
use crate::samples::before;

fn names() -> Vec<(String, String)> {
    vec![("w-1".to_owned(), "attic".to_owned()), ("w-2".to_owned(), "cellar".to_owned())]
}

/// A file's facts.
pub fn summary(ext: &str, mime: &str) -> ArtefactSummary {
    ArtefactSummary {
        id: format!("art-{ext}"),
        bytes: 150_000,
        ext: ext.to_owned(),
        mime: mime.to_owned(),
        sha256: "ab".repeat(32),
    }
}

/// What a task of this kind looks like.
pub fn task(kind: TaskKind) -> Value {
    match kind {
        TaskKind::Image => json!({
            "kind": "image", "prompt": "A red square on a <table>", "width": 512, "height": 512, "steps": 20, "seed": 7,
        }),
        TaskKind::Llm => json!({ "kind": "llm", "messages": [{ "role": "user", "content": "Hello?" }] }),
        TaskKind::AudioStt => json!({ "kind": "audio_stt", "inputUrl": "https://example.org/talk.wav" }),
        TaskKind::AudioTts => json!({ "kind": "audio_tts", "text": "Good morning", "voice": "ada" }),
        TaskKind::Video => json!({ "kind": "video", "prompt": "Rain on a window", "seconds": 2.0 }),
        TaskKind::Mesh => json!({ "kind": "mesh", "imageUrl": "https://example.org/chair.png" }),
    }
}

fn made_of(kind: TaskKind) -> Option<ArtefactSummary> {
    let (ext, mime) = match kind {
        TaskKind::Image => ("webp", "image/webp"),
        TaskKind::AudioTts => ("wav", "audio/wav"),
        TaskKind::Video => ("mp4", "video/mp4"),
        TaskKind::Mesh => ("glb", "model/gltf-binary"),
        TaskKind::Llm | TaskKind::AudioStt => return None,
    };
    Some(summary(ext, mime))
}

/// A job of this kind in `state`, with its task and its tries.
pub fn detail(kind: TaskKind, state: JobState) -> JobDetail {
    let mut job = crate::samples::job("job-1", state);
    let done = state == JobState::Done;
    job.kind = kind;
    job.batch = Some("batch-1".to_owned());
    job.artefact = made_of(kind).filter(|_| done);
    let result = match kind {
        TaskKind::Llm => Some(json!({ "choices": [{ "message": { "content": "**Hello**" } }] })),
        TaskKind::AudioStt => Some(json!({ "text": "Good morning" })),
        TaskKind::Image | TaskKind::AudioTts | TaskKind::Video | TaskKind::Mesh => None,
    };
    let tried = |number: u32, outcome: Option<AttemptOutcome>, error: Option<&str>| Attempt {
        number,
        worker: "w-1".to_owned(),
        started_at: before(30),
        ended_at: outcome.map(|_| before(20)),
        outcome,
        error: error.map(str::to_owned),
    };
    let mut history = Vec::new();
    if state != JobState::Queued {
        history.push(tried(1, Some(AttemptOutcome::Failed), Some("the engine ended with code 1")));
    }
    if state.is_held() {
        history.push(tried(2, None, None));
    }
    JobDetail { job, task: task(kind), history, result: result.filter(|_| done) }
}

/// The page of such a job.
pub fn job(kind: TaskKind, state: JobState) -> job::Data {
    let line = JobLog {
        ts: studio_protocol::Timestamp::from_millis(crate::samples::NOW_MS + 1_500),
        level: LogLevel::Warn,
        category: "engine".to_owned(),
        message: "<b>short of memory</b>".to_owned(),
    };
    let log = if state == JobState::Queued { Vec::new() } else { vec![line] };
    job::Data { detail: detail(kind, state), log, workers: names() }
}

fn counts(of: &[(JobState, u64)]) -> Counts {
    let mut counts: Counts = JobState::ALL.iter().map(|state| (*state, 0)).collect();
    counts.extend(of.iter().copied());
    counts
}

/// The list of jobs: empty, nothing found, in every state with a held queue, and the first page of very many.
pub fn jobs() -> Vec<jobs::Data> {
    let none = jobs::Data {
        jobs: Vec::new(),
        filter: jobs::Filter::default(),
        limit: jobs::PAGE_SIZE,
        counts: Some(counts(&[])),
        queue: Some(QueueState { paused: false, paused_at: None }),
        models: vec!["starter-shapes".to_owned()],
        projects: vec!["default".to_owned()],
        workers: names(),
        later: false,
        older: None,
        problem: None,
    };
    let filter = jobs::Filter { q: Some("fox".to_owned()), ..jobs::Filter::default() };
    let problem = Some("kind: `statue` is not one of image, llm".to_owned());
    let not_found = jobs::Data { filter, counts: None, problem, ..none.clone() };
    let of_states = JobState::ALL.iter().map(|state| crate::samples::job(&format!("job-{state}"), *state));
    let held = QueueState { paused: true, paused_at: Some(before(600)) };
    let every = jobs::Data { jobs: of_states.collect(), queue: Some(held), ..none.clone() };
    let many = jobs::Data {
        jobs: (0..100)
            .map(|number| crate::samples::job(&format!("job-{number}"), JobState::Queued))
            .collect(),
        counts: Some(counts(&[(JobState::Queued, 50_000), (JobState::Done, 7)])),
        older: Some("c9".to_owned()),
        queue: None,
        ..none.clone()
    };
    vec![none, not_found, every, many]
}

/// A batch with so many jobs in these states.
pub fn batch(id: &str, of: &[(JobState, u64)]) -> Batch {
    let counts = counts(of);
    let open = counts.iter().any(|(state, number)| state.is_open() && *number > 0);
    Batch {
        id: id.to_owned(),
        name: Some("Icons".to_owned()),
        project: "default".to_owned(),
        created_at: before(60),
        total: counts.values().sum(),
        counts,
        finished_at: (!open).then(|| before(5)),
    }
}

/// The list of batches: empty, and one in each state.
pub fn batches() -> Vec<batches::Data> {
    let none = batches::Data {
        batches: Vec::new(),
        project: None,
        projects: vec!["default".to_owned()],
        later: false,
        older: None,
        problem: None,
    };
    let pace = Some(Pace { ms_per_job: 1_200.0 });
    let some = batches::Data {
        batches: vec![
            (batch("batch-1", &[(JobState::Queued, 32)]), None),
            (batch("batch-2", &[(JobState::Queued, 8), (JobState::Running, 2), (JobState::Done, 22)]), pace),
            (batch("batch-3", &[(JobState::Done, 32)]), None),
            (batch("batch-4", &[(JobState::Done, 30), (JobState::Failed, 2)]), None),
        ],
        project: Some("default".to_owned()),
        later: true,
        older: Some("c5".to_owned()),
        ..none.clone()
    };
    vec![none, some]
}

/// One batch: waiting, under way with failures, and ended.
pub fn batch_pages() -> Vec<batch::Data> {
    let waiting = batch::Data {
        batch: batch("batch-1", &[(JobState::Queued, 32)]),
        pace: None,
        failed: Vec::new(),
        running: Vec::new(),
        made: Vec::new(),
        workers: names(),
    };
    let under_way = batch::Data {
        batch: batch(
            "batch-1",
            &[(JobState::Queued, 5), (JobState::Running, 1), (JobState::Failed, 1), (JobState::Done, 1)],
        ),
        pace: Some(Pace { ms_per_job: 1_200.0 }),
        failed: vec![crate::samples::job("job-failed", JobState::Failed)],
        running: vec![crate::samples::job("job-running", JobState::Running)],
        made: vec![artefact("art-1", TaskKind::Image)],
        workers: names(),
    };
    let ended = batch::Data {
        batch: batch("batch-1", &[(JobState::Done, 2)]),
        made: vec![artefact("art-1", TaskKind::Image), artefact("art-2", TaskKind::AudioTts)],
        ..waiting.clone()
    };
    vec![waiting, under_way, ended]
}

fn artefact(id: &str, kind: TaskKind) -> Artefact {
    Artefact {
        summary: ArtefactSummary { id: id.to_owned(), ..made_of(kind).unwrap_or_else(|| summary("bin", "")) },
        job: "job-1".to_owned(),
        batch: Some("batch-1".to_owned()),
        project: "default".to_owned(),
        kind,
        asset_name: "A red square".to_owned(),
        created_at: before(5),
        meta: Some(json!({ "seed": 7, "backend": "synthetic" })),
    }
}

/// The gallery: empty, filtered to nothing, and with something of every kind.
pub fn gallery() -> Vec<gallery::Data> {
    let none = gallery::Data {
        shown: Vec::new(),
        filter: gallery::Filter::default(),
        models: vec!["starter-shapes".to_owned()],
        projects: vec!["default".to_owned()],
        later: false,
        older: None,
        problem: None,
    };
    let filter = gallery::Filter {
        kind: Some(TaskKind::Video),
        model: Some("gone".to_owned()),
        ..none.filter.clone()
    };
    let filtered =
        gallery::Data { filter, problem: Some("batch: there is no such batch".to_owned()), ..none.clone() };
    let kinds = [TaskKind::Image, TaskKind::AudioTts, TaskKind::Video, TaskKind::Mesh];
    let shown = kinds.iter().enumerate().map(|(number, kind)| gallery::Shown {
        artefact: artefact(&format!("art-{number}"), *kind),
        model: "starter-shapes".to_owned(),
        task: task(*kind),
    });
    let every =
        gallery::Data { shown: shown.collect(), later: true, older: Some("c4".to_owned()), ..none.clone() };
    vec![none, filtered, every]
}

/// The playground with a model for everything.
pub fn playground(tab: playground::Tab) -> playground::Data {
    let model = |kind: TaskKind| {
        let cli_defaults =
            CliDefaults { cfg_scale: 7.0, steps: 20, width: 512, height: 512, more: serde_json::Map::new() };
        let source = ModelSource { engine: "synthetic".to_owned(), files: Vec::new(), cli_defaults };
        let model = Model { id: format!("{kind}-model"), kind, vram_gb: 4.0, enabled: true, source };
        let standing = if kind == TaskKind::Image { Standing::Loaded } else { Standing::Nowhere };
        (model, standing)
    };
    playground::Data {
        tab,
        models: TaskKind::ALL.into_iter().map(model).collect(),
        prefill: playground::Prefill::default(),
        job: None,
        problem: None,
    }
}
