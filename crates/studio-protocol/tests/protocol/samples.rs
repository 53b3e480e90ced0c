//! What the golden files say, as values.

use std::path::PathBuf;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use studio_protocol::*;

pub mod claim;

/// The text of one golden file.
pub fn text(name: &str) -> String {
    let path = root().join(format!("{name}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One golden file as a JSON tree.
pub fn tree(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

/// The names of the golden files in one folder, without `.json`.
pub fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|file| format!("{folder}/{}", file.strip_suffix(".json").expect("only JSON lies here")))
        .collect();
    names.sort();
    names
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The capabilities of a base worker.
pub fn base_capabilities() -> Capabilities {
    Capabilities {
        machine_name: "attic".into(),
        username: "ada".into(),
        agent_version: "0.1.0".into(),
        engine: "multi".into(),
        vram_total_gb: 24.0,
        vram_threshold_gb: 20.5,
        auto_enabled: true,
        supported_models: words(&["llama-cpp:*", "synthetic"]),
        task_kinds: words(&["image", "llm"]),
        supported_models_per_kind: [
            ("image".to_owned(), words(&["synthetic"])),
            ("llm".to_owned(), words(&["llama-cpp:*", "synthetic"])),
        ]
        .into(),
        model_engines: words(&["llama-cpp", "synthetic"]),
        ..Capabilities::default()
    }
}

/// The same with every optional key and every extension.
pub fn all_capabilities() -> Capabilities {
    Capabilities {
        auto_start: true,
        auto_update: true,
        start_minimised: true,
        only_when_idle: true,
        user_presence: Some(UserPresence::Idle),
        features: FeatureSet::of(&Feature::ALL),
        slots: [("image".to_owned(), 1), ("llm".to_owned(), 8)].into(),
        loaded_models: vec!["z-image-turbo".into()],
        present_models: vec!["qwen3-4b".into(), "z-image-turbo".into()],
        model_speeds: [("z-image-turbo".to_owned(), 2.5)].into(),
        resources: Some(Resources {
            disk_free_gb: Some(120.5),
            disk_total_gb: Some(480.0),
            vram_used_gb: Some(6.25),
            ram_used_gb: Some(11.5),
            ram_total_gb: Some(32.0),
            gpu: Some("A fast one".into()),
        }),
        accept: Some(AcceptRules { projects: vec!["my-game".into()], max_pixels: Some(1_048_576) }),
        ..base_capabilities()
    }
}

/// Every golden frame of a worker, with its value.
pub fn worker_frames() -> Vec<(&'static str, WorkerFrame)> {
    let job = || JobId::from("job-1");
    let hello = |capabilities| WorkerFrame::Hello(Box::new(Hello { auth_token: "tok".into(), capabilities }));
    let heartbeat = |capabilities, current: Option<&str>, held: Option<Vec<JobId>>| {
        WorkerFrame::Heartbeat(Box::new(Heartbeat {
            capabilities,
            current_job_id: current.map(JobId::from),
            held_jobs: held,
        }))
    };
    let reject = |reason: &str, code, attempt| {
        WorkerFrame::Reject(Reject { job_id: "job-2".into(), reason: reason.into(), code, attempt })
    };
    let fail = |error: &str, attempt| {
        WorkerFrame::Fail(Fail { job_id: job(), error: error.into(), retryable: false, attempt })
    };
    let release = |attempt| {
        WorkerFrame::Release(Release { job_id: job(), reason: "the worker shuts down".into(), attempt })
    };
    let progress = Progress {
        job_id: job(),
        step: 3,
        steps: 20,
        eta_ms: None,
        stage: None,
        bytes: None,
        total_bytes: None,
        attempt: None,
    };
    let delta = |index, text: &str, reasoning: Option<&str>, attempt| {
        WorkerFrame::Delta(Delta {
            job_id: job(),
            index,
            text: text.into(),
            reasoning: reasoning.map(str::to_owned),
            attempt,
        })
    };
    vec![
        ("worker/hello", hello(base_capabilities())),
        ("worker/hello.extended", hello(all_capabilities())),
        ("worker/heartbeat", heartbeat(base_capabilities(), None, None)),
        ("worker/heartbeat.busy", heartbeat(base_capabilities(), Some("job-9"), None)),
        (
            "worker/heartbeat.extended",
            heartbeat(all_capabilities(), Some("job-9"), Some(vec!["job-9".into(), "job-8".into()])),
        ),
        ("worker/accept", WorkerFrame::Accept(Accept { job_id: job(), attempt: None })),
        ("worker/accept.extended", WorkerFrame::Accept(Accept { job_id: job(), attempt: Some(2) })),
        ("worker/reject", reject("no room left on this worker", None, None)),
        ("worker/reject.busy", reject("worker already has an in-flight job", Some(RejectCode::Busy), None)),
        ("worker/reject.paused", reject("paused by its owner", Some(RejectCode::Paused), None)),
        (
            "worker/reject.extended",
            reject("needs 24.0 GiB, 9.5 GiB are free", Some(RejectCode::InsufficientMemory), Some(3)),
        ),
        (
            "worker/completeJson",
            WorkerFrame::CompleteJson(CompleteJson {
                job_id: job(),
                result: raw(&json!({"object": "chat.completion", "choices": []})),
                prompt: None,
                attempt: None,
            }),
        ),
        (
            "worker/completeJson.extended",
            WorkerFrame::CompleteJson(CompleteJson {
                job_id: job(),
                result: raw(&json!({"text": "hello", "segments": [{"start": 0, "end": 1.5}]})),
                prompt: Some("https://h/a.wav".into()),
                attempt: Some(1),
            }),
        ),
        ("worker/fail", fail("engine `torch` is not part of this build", None)),
        ("worker/fail.extended", fail("cancelled", Some(4))),
        ("worker/logBatch", WorkerFrame::LogBatch(LogBatch { entries: log_entries() })),
        ("worker/readyForMore", WorkerFrame::ReadyForMore),
        ("worker/progress", WorkerFrame::Progress(progress.clone())),
        (
            "worker/progress.extended",
            WorkerFrame::Progress(Progress {
                eta_ms: Some(4200),
                stage: Some(Stage::Downloading),
                bytes: Some(1_048_576),
                total_bytes: Some(6_442_450_944),
                attempt: Some(1),
                ..progress
            }),
        ),
        (
            "worker/preview",
            WorkerFrame::Preview(Preview {
                job_id: job(),
                mime: "image/webp".into(),
                data: "UklGRg==".into(),
            }),
        ),
        ("worker/delta", delta(0, "Hel", None, None)),
        ("worker/delta.extended", delta(1, "lo", Some("A greeting, then."), Some(2))),
        ("worker/release", release(None)),
        ("worker/release.extended", release(Some(2))),
        ("worker/goodbye", WorkerFrame::Goodbye(Goodbye { reason: "restart for an update".into() })),
    ]
}

fn log_entries() -> Vec<LogEntry> {
    let entry = |ts: &str, level, category: &str, message: &str, job: Option<&str>| LogEntry {
        ts: time(ts),
        level,
        category: category.into(),
        message: message.into(),
        job_id: job.map(JobId::from),
    };
    vec![
        entry("2026-05-25T12:00:00.000Z", LogLevel::Info, "session", "connected", None),
        entry("2026-05-25T12:00:00.250Z", LogLevel::Warn, "spool", "the studio is away", None),
        entry("2026-05-25T12:00:01.999Z", LogLevel::Error, "engine", "exit status: 139", Some("job-1")),
    ]
}

/// Every golden frame of a studio, with its value.
pub fn studio_frames() -> Vec<(&'static str, StudioFrame)> {
    let welcome = |features: &[Feature]| {
        StudioFrame::Welcome(Welcome {
            worker_id: "w-1".into(),
            server_time: time("2026-05-25T12:00:00.000Z"),
            features: FeatureSet::of(features),
        })
    };
    let ack = |stale| JobAck { job_id: "job-1".into(), stale };
    let error = |code, message: &str| StudioFrame::Error(ErrorFrame { code, message: message.into() });
    let model = || ModelCommand { model: "synthetic".into(), model_source: None, vram_gb_estimate: None };
    let sourced = ModelCommand {
        model_source: Some(claim::stable_diffusion()),
        vram_gb_estimate: Some(6.5),
        ..model()
    };
    let used = [
        Feature::Progress,
        Feature::Cancel,
        Feature::Lease,
        Feature::Resume,
        Feature::Release,
        Feature::Goodbye,
    ];
    let mut frames = vec![
        ("studio/welcome", welcome(&[])),
        ("studio/welcome.extended", welcome(&used)),
        ("studio/heartbeatAck", StudioFrame::HeartbeatAck),
        ("studio/completeAck", StudioFrame::CompleteAck(ack(false))),
        ("studio/completeAck.extended", StudioFrame::CompleteAck(ack(true))),
        ("studio/failAck", StudioFrame::FailAck(ack(false))),
        ("studio/failAck.extended", StudioFrame::FailAck(ack(true))),
        ("studio/error.auth_failed", error(ErrorCode::AuthFailed, "the token is not this worker's")),
        ("studio/error.protocol_violation", error(ErrorCode::ProtocolViolation, "accept before hello")),
        ("studio/error.duplicate_worker", error(ErrorCode::DuplicateWorker, "another worker holds this id")),
        ("studio/error.worker_deleted", error(ErrorCode::WorkerDeleted, "removed by an operator")),
        ("studio/error.internal_error", error(ErrorCode::InternalError, "the studio restarts")),
        (
            "studio/cancel",
            StudioFrame::Cancel(Cancel { job_id: "job-1".into(), reason: "cancelled by an operator".into() }),
        ),
        ("studio/pause", StudioFrame::Pause),
        ("studio/resume", StudioFrame::Resume),
        ("studio/drain", StudioFrame::Drain),
        ("studio/updateNow", StudioFrame::UpdateNow),
        ("studio/loadModel", StudioFrame::LoadModel(model())),
        ("studio/loadModel.extended", StudioFrame::LoadModel(sourced)),
        ("studio/unloadModel", StudioFrame::UnloadModel(model())),
    ];
    frames.extend(claim::offers().into_iter().map(|(name, claim)| (name, offer(claim))));
    frames
}

/// The frame that offers `claim`.
pub fn offer(claim: OfferClaim) -> StudioFrame {
    StudioFrame::Offer(Box::new(Offer { claim }))
}
