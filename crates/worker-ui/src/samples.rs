//! Views of every state, for tests, pictures and benchmarks: the same at every run.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use studio_protocol::{Stage, TaskKind, Timestamp};
use worker_local::{
    ConfigView, DiskUse, Download, EngineView, Hold, JobDay, JobEnd, JobLine, JobRecord, LaneState, LaneView,
    LogLine, LogPage, LogSeverity, MachineView, MemoryView, ModelFile, ModelPlace, ModelView, Models, Origin,
    PauseView, Presence, RegistrationState, RegistrationView, RunningJob, SessionState, Setting, SettingKind,
    Status, UpdateState, UpdateView, WorkerState,
};

use crate::{Clock, Fetched, History, JobDetail, Link, LogBuffer, Picture, PictureKey, View};

/// Tuesday, 26 May 2026, 14:30 UTC.
const NOW: i64 = 1_779_805_800_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const GIB: u64 = 1 << 30;
const MODELS: [(TaskKind, &str); 5] = [
    (TaskKind::Image, "z-image-turbo"),
    (TaskKind::Llm, "qwen3-8b"),
    (TaskKind::AudioTts, "kokoro-82m"),
    (TaskKind::AudioStt, "whisper-small"),
    (TaskKind::Image, "flux-schnell"),
];
const NAMES: [(&str, &str); 6] = [
    ("meadow-at-dawn", "A meadow at dawn, mist between birches, soft light, 35 mm"),
    ("", "Summarise the minutes of the last meeting in five sentences"),
    ("welcome-line", "Welcome to the harbour, the next boat leaves at nine"),
    ("interview-04", ""),
    ("old-lighthouse", "An old lighthouse in a storm, oil painting, heavy brush strokes"),
    ("fox-in-the-snow", "A fox in the snow looking at the camera"),
];

/// The moment of every sample.
pub fn now() -> Timestamp {
    Timestamp::from_millis(NOW)
}

/// A view of a worker that is connected, with nothing done yet.
pub fn none() -> View {
    View {
        link: Link::Up,
        status: Some(Arc::new(status())),
        models: Fetched::here(Models { disk: disk(0), ..Models::default() }),
        config: Fetched::here(config()),
        clock: Clock { zone: TimeZone::UTC, now: now() },
        ..View::default()
    }
}

/// A view of a worker at work: two jobs run, some are done, models are here.
pub fn few() -> View {
    let mut status = busy();
    status.last_record = 24;
    View {
        status: Some(Arc::new(status)),
        history: Arc::new(history(24, false)),
        logs: Arc::new(logs(60)),
        models: Fetched::here(models()),
        pictures: Arc::new(pictures(24)),
        ..none()
    }
}

/// A view of a worker that has done much: 10,000 jobs, 10,000 log lines.
pub fn many() -> View {
    let mut status = busy();
    status.last_record = 10_000;
    View {
        status: Some(Arc::new(status)),
        history: Arc::new(history(10_000, false)),
        logs: Arc::new(logs(10_000)),
        pictures: Arc::new(pictures(64)),
        ..few()
    }
}

/// A view in which everything that can be asked for has no answer.
pub fn troubled() -> View {
    let words = || "The worker does not answer at http://127.0.0.1:4787: connection refused".to_owned();
    View {
        history: Arc::new(History { trouble: Some(words()), ..History::default() }),
        logs: Arc::new(LogBuffer::failed(words())),
        models: Fetched { value: None, trouble: Some(words()) },
        config: Fetched { value: None, trouble: Some(words()) },
        ..none()
    }
}

/// A view before the first answers.
pub fn starting() -> View {
    View { link: Link::Starting, status: None, ..blank() }
}

/// A view without a daemon.
pub fn unreachable() -> View {
    let words = "No worker runs for the config folder /home/ada/.config/studio-worker".to_owned();
    View { link: Link::Unreachable { words }, status: None, ..blank() }
}

/// A view of a daemon that this window does not know.
pub fn other_version() -> View {
    View { link: Link::OtherVersion { daemon: "0.9.3".to_owned() }, status: None, ..blank() }
}

/// A view with the status changed.
pub fn with(mut view: View, change: impl FnOnce(&mut Status)) -> View {
    if let Some(status) = &mut view.status {
        change(Arc::make_mut(status));
    }
    view
}

/// The owner has paused it until three.
pub fn paused() -> View {
    with(none(), |status| {
        status.state = WorkerState::Paused;
        status.pause = Some(PauseView { until: Some(now().plus_millis(30 * MINUTE)), until_idle: false });
    })
}

/// A rule of the owner keeps jobs away.
pub fn held() -> View {
    with(none(), |status| {
        status.state = WorkerState::Paused;
        status.holds =
            vec![Hold { rule: "pause_on_battery".into(), reason: "the machine runs on battery".into() }];
    })
}

/// Its studio has not decided yet.
pub fn pending() -> View {
    with(none(), |status| {
        status.state = WorkerState::Disconnected;
        status.session = SessionState::Off;
        status.registration = RegistrationView {
            state: RegistrationState::Pending,
            request_id: Some("req-7f3a91".into()),
            ..RegistrationView::default()
        };
    })
}

/// Its studio said no.
pub fn rejected() -> View {
    with(none(), |status| {
        status.state = WorkerState::Disconnected;
        status.session = SessionState::Off;
        status.registration = RegistrationView {
            state: RegistrationState::Rejected,
            reason: Some("this machine is not on the list".into()),
            ..RegistrationView::default()
        };
    })
}

/// Its studio does not answer.
pub fn disconnected() -> View {
    with(none(), |status| {
        status.state = WorkerState::Disconnected;
        status.session = SessionState::Waiting;
        status.last_trouble = Some("could not connect to https://studio.example: connection refused".into());
    })
}

/// With the details of the newest job open.
pub fn with_detail(mut view: View) -> View {
    if let Some(record) = view.history.rows.first() {
        view.job =
            Some(Arc::new(JobDetail { id: record.id.clone(), lines: job_lines(), ..JobDetail::default() }));
    }
    view
}

/// A worker with nothing to do.
pub fn status() -> Status {
    Status {
        generation: 7,
        version: env!("CARGO_PKG_VERSION").into(),
        pid: 4_211,
        started_at: now().plus_millis(-5 * HOUR),
        config_path: "/home/ada/.config/studio-worker/config.toml".into(),
        log_dir: "/home/ada/.config/studio-worker/logs".into(),
        api_base_url: "https://studio.example".into(),
        state: WorkerState::Idle,
        registration: RegistrationView {
            state: RegistrationState::Approved,
            worker_id: Some("3d6c1f1e-9a46-4d6d-8f0e-0f7f4f3f2a11".into()),
            ..RegistrationView::default()
        },
        session: SessionState::Open,
        last_trouble: None,
        pause: None,
        holds: Vec::new(),
        presence: Presence::Idle,
        ending: false,
        jobs: Vec::new(),
        ended_jobs: Vec::new(),
        waiting_results: 0,
        spool_full: false,
        machine: MachineView {
            name: "ada-desktop".into(),
            platform: "linux x86_64".into(),
            gpu: Some("NVIDIA GeForce RTX 4070".into()),
            vram_total_gb: Some(12.0),
            vram_free_gb: Some(10.8),
            ram_total_gb: Some(64.0),
            ram_free_gb: Some(41.5),
            disk_total_gb: Some(931.0),
            disk_free_gb: Some(412.3),
            processors: 16,
        },
        memory: MemoryView { threshold_gb: 10.0, reserve_gb: 1.0, loaded_bytes: 0, on_device: true },
        engines: vec![
            EngineView {
                name: "sdcpp".into(),
                version: Some("0.1.20".into()),
                kinds: vec!["image".into()],
                path: "/usr/lib/studio-worker/engine-sdcpp".into(),
            },
            EngineView {
                name: "llama".into(),
                version: Some("0.1.160".into()),
                kinds: vec!["llm".into()],
                path: "/usr/lib/studio-worker/engine-llama".into(),
            },
        ],
        lanes: Vec::new(),
        downloads: Vec::new(),
        update: UpdateView {
            current: env!("CARGO_PKG_VERSION").into(),
            state: UpdateState::Current,
            latest: Some(env!("CARGO_PKG_VERSION").into()),
            checked_at: Some(now().plus_millis(-HOUR)),
            trouble: None,
        },
        last_record: 0,
        last_log: 0,
        raises: 0,
        notify_on: Vec::new(),
    }
}

/// A worker with two jobs, two models in memory and a download.
pub fn busy() -> Status {
    let lane = |engine: &str, model: &str, state, running, bytes| LaneView {
        engine: engine.into(),
        model: model.into(),
        loaded: true,
        state,
        pid: Some(5_120),
        running,
        memory_bytes: Some(bytes),
        ..LaneView::default()
    };
    Status {
        state: WorkerState::Busy,
        jobs: vec![
            RunningJob {
                stage: Some(Stage::Running),
                step: 14,
                steps: 20,
                eta_ms: Some(34_000),
                preview: 3,
                ..running(0)
            },
            RunningJob {
                stage: Some(Stage::Loading),
                bytes: Some(3 * GIB),
                total_bytes: Some(5 * GIB),
                origin: Origin::Local,
                project: String::new(),
                id: "local-5b1f7a52-0c1a-4f64-a3f5-1f6a51b07f0e".into(),
                ..running(1)
            },
        ],
        memory: MemoryView { loaded_bytes: 8 * GIB, ..status().memory },
        lanes: vec![
            lane("sdcpp", "z-image-turbo", LaneState::Busy, 1, 5 * GIB),
            lane("llama", "qwen3-8b", LaneState::Ready, 0, 3 * GIB),
        ],
        downloads: vec![Download {
            model: "flux-schnell".into(),
            file: "flux1-schnell-q4_k.gguf".into(),
            bytes: 2 * GIB,
            total_bytes: 7 * GIB,
            bytes_per_second: Some(24 << 20),
        }],
        ..status()
    }
}

fn running(number: usize) -> RunningJob {
    let (kind, model) = MODELS[number % MODELS.len()];
    let (name, prompt) = NAMES[number % NAMES.len()];
    RunningJob {
        id: format!("0197f0c2-0000-7000-8000-{number:012}"),
        origin: Origin::Studio,
        kind,
        model: model.into(),
        project: "calendar-2027".into(),
        name: name.into(),
        prompt: prompt.into(),
        started_at: now().plus_millis(-(number.cast_signed() as i64 + 1) * 2 * MINUTE),
        stage: None,
        step: 0,
        steps: 0,
        eta_ms: None,
        bytes: None,
        total_bytes: None,
        preview: 0,
    }
}

/// One job of the history; a higher number is a later one, 10,000 being the latest.
pub fn record(seq: u64) -> JobRecord {
    let turn = seq as usize;
    let (kind, model) = MODELS[turn % MODELS.len()];
    let (name, prompt) = NAMES[turn % NAMES.len()];
    let ended = now().plus_millis(-(10_000 - seq.min(10_000)).cast_signed() * 23 * MINUTE - 5 * MINUTE);
    let end = match seq % 11 {
        3 => JobEnd::Failed,
        6 => JobEnd::Cancelled,
        8 => JobEnd::Released,
        _ => JobEnd::Done,
    };
    JobRecord {
        seq,
        id: format!("0197e000-0000-7000-8000-{seq:012}"),
        origin: if seq % 7 == 2 { Origin::Local } else { Origin::Studio },
        kind,
        model: model.into(),
        project: if seq % 7 == 2 { String::new() } else { "calendar-2027".into() },
        name: name.into(),
        prompt: prompt.into(),
        started_at: ended.plus_millis(-(20_000 + 7_000 * (seq % 9).cast_signed())),
        ended_at: ended,
        day: Clock { zone: TimeZone::UTC, now: now() }.iso_day(ended),
        end,
        reason: match end {
            JobEnd::Failed => Some("the engine ran out of memory at step 3 of 20".into()),
            JobEnd::Released => Some("the owner paused the worker".into()),
            JobEnd::Done | JobEnd::Cancelled => None,
        },
        has_thumbnail: matches!(kind, TaskKind::Image) && end == JobEnd::Done,
    }
}

/// The latest `count` jobs.
pub fn history(count: u64, more: bool) -> History {
    let rows: Vec<_> = (10_001 - count..=10_000).rev().map(|seq| Arc::new(record(seq))).collect();
    let mut days: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in &rows {
        let day = days.entry(&row.day).or_default();
        day.0 += 1;
        day.1 += u64::from(row.end == JobEnd::Failed);
    }
    let days = days
        .into_iter()
        .rev()
        .map(|(day, (jobs, failed))| JobDay { day: day.into(), jobs, failed })
        .collect();
    History { rows, days, more, generation: 1, ..History::default() }
}

/// Log lines of a job.
pub fn job_lines() -> Vec<JobLine> {
    let line = |seconds: i64, level: &str, category: &str, message: &str| JobLine {
        ts: now().plus_millis(-4 * MINUTE + seconds * 1_000),
        level: level.into(),
        category: category.into(),
        message: message.into(),
    };
    vec![
        line(0, "info", "worker", "claimed, attempt 1"),
        line(1, "info", "engine", "loading z-image-turbo-q4_k.gguf"),
        line(9, "warn", "engine", "no flash attention on this device, falling back"),
        line(10, "info", "engine", "sampling 20 steps at 1024 x 1024"),
        line(41, "info", "worker", "result of 1.4 MiB is sent"),
    ]
}

/// A log of `count` lines, with a gap in its middle.
pub fn logs(count: u64) -> LogBuffer {
    let mut lines = log_lines(count);
    let rest = lines.split_off(lines.len() / 2);
    let mut buffer = LogBuffer::default();
    buffer.take(LogPage { lines, last: count / 2, gap: false });
    buffer.take(LogPage { lines: rest, last: count, gap: count > 20 });
    buffer
}

/// The lines 1 to `count`.
pub fn log_lines(count: u64) -> Vec<LogLine> {
    const SAID: [(LogSeverity, &str, &str); 6] = [
        (LogSeverity::Info, "studio_worker::daemon", "the session is open session=7"),
        (LogSeverity::Debug, "studio_worker::daemon::beat", "heartbeat sent free_vram_gb=10.8 running=1"),
        (LogSeverity::Info, "studio_worker::engine", "the engine is ready engine=sdcpp pid=5120"),
        (LogSeverity::Warn, "studio_worker::models", "no room for another model, unloading model=qwen3-8b"),
        (LogSeverity::Info, "studio_worker::jobs", "the job is done"),
        (LogSeverity::Error, "studio_worker::spool", "could not send a result, it is kept error=timed out"),
    ];
    let line = |seq: u64| {
        let (level, target, message) = SAID[(seq.wrapping_mul(2_654_435_761) >> 7) as usize % SAID.len()];
        LogLine {
            seq,
            ts: now().plus_millis((seq.cast_signed() - count.cast_signed()) * 1_370),
            level,
            target: target.into(),
            message: message.into(),
            job: target.ends_with("jobs").then(|| record(seq % 24 + 9_977).id),
        }
    };
    (1..=count).map(line).collect()
}

/// Models in every place.
pub fn models() -> Models {
    let model = |model: &str, engine: &str, place, gib: u64| ModelView {
        model: model.into(),
        engine: engine.into(),
        place,
        file_bytes: gib * GIB,
        files: vec![ModelFile {
            name: format!("{model}-q4_k.gguf"),
            role: "model".into(),
            bytes: gib * GIB,
            sha256: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()),
        }],
        memory_bytes: matches!(place, ModelPlace::Loaded).then_some(gib * GIB),
        resident: false,
        in_use: false,
        used_at: Some(now().plus_millis(-gib.cast_signed() * HOUR)),
        trouble: None,
    };
    Models {
        models: vec![
            model("flux-schnell", "sdcpp", ModelPlace::Downloading, 7),
            ModelView {
                trouble: Some("the file's checksum is not the one that was announced".into()),
                ..model("kokoro-82m", "sherpa", ModelPlace::Absent, 0)
            },
            ModelView { resident: true, ..model("qwen3-8b", "llama", ModelPlace::Loaded, 3) },
            model("whisper-small", "sherpa", ModelPlace::Present, 1),
            ModelView { in_use: true, ..model("z-image-turbo", "sdcpp", ModelPlace::Loaded, 5) },
        ],
        disk: disk(16),
    }
}

fn disk(gib: u64) -> DiskUse {
    DiskUse {
        folder: "/home/ada/.local/share/studio-worker/models".into(),
        used_bytes: gib * GIB,
        cap_bytes: Some(60 * GIB),
        free_bytes: Some(412 * GIB),
    }
}

/// A setting of each kind.
pub fn config() -> ConfigView {
    let setting =
        |section: &str, key: &str, label: &str, help: &str, kind, value: Option<serde_json::Value>, live| {
            Setting {
                key: key.into(),
                section: section.into(),
                label: label.into(),
                help: help.into(),
                kind,
                default: value.clone(),
                value,
                overridden_by: None,
                live,
            }
        };
    ConfigView {
        path: "/home/ada/.config/studio-worker/config.toml".into(),
        settings: vec![
            setting(
                "Studio",
                "api_base_url",
                "Address of the studio",
                "Where this worker registers and takes jobs from.",
                SettingKind::Text,
                Some("https://studio.example".into()),
                false,
            ),
            setting(
                "Memory",
                "vram_threshold_gb",
                "Memory for jobs",
                "Jobs that need more are not taken.",
                SettingKind::Float { min: 0.0, max: 12.0, unit: "GiB".into() },
                Some(10.0.into()),
                true,
            ),
            setting(
                "Memory",
                "max_lanes",
                "Models at once",
                "More models stay in memory, if they fit.",
                SettingKind::Integer { min: 1, max: 16 },
                Some(4.into()),
                true,
            ),
            setting(
                "Models",
                "models_root",
                "Folder of the models",
                "Where files of models are kept.",
                SettingKind::Path,
                None,
                false,
            ),
            setting(
                "When to work",
                "pause_on_battery",
                "Pause on battery",
                "Takes no jobs while the machine runs on battery.",
                SettingKind::Flag,
                Some(true.into()),
                true,
            ),
            setting(
                "When to work",
                "pause_programs",
                "Pause while these run",
                "Names of programs.",
                SettingKind::List,
                Some(vec!["blender", "steam"].into()),
                true,
            ),
            setting(
                "Logs",
                "log_format",
                "Format of the log",
                "For people or for programs.",
                SettingKind::Choice { words: vec!["text".into(), "json".into()] },
                Some("text".into()),
                false,
            ),
        ],
        restart_needed: vec!["log_format".into()],
    }
}

fn pictures(count: u64) -> crate::Pictures {
    let mut pictures = crate::Pictures::default();
    for seq in 10_001 - count..=10_000 {
        let record = record(seq);
        if record.has_thumbnail {
            pictures.keep(PictureKey::Thumbnail(record.id), 0, Some(picture(seq)));
        }
    }
    pictures.keep(PictureKey::Preview(running(0).id), 3, Some(picture(1)));
    pictures
}

/// A landscape of two colours, another one for each number.
pub fn picture(number: u64) -> Picture {
    const SIDE: usize = 128;
    let turn = (number % 12) as f32 / 12.0 * std::f32::consts::TAU;
    let mut rgba = Vec::with_capacity(SIDE * SIDE * 4);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (x, y) = (x as f32 / SIDE as f32, y as f32 / SIDE as f32);
            let hill = 0.62 + 0.12 * (x * 7.0 + turn).sin();
            let light = if y > hill { 0.45 - 0.25 * y } else { 0.95 - 0.5 * y };
            for shift in [0.0, 2.1, 4.2] {
                rgba.push((255.0 * light * (0.72 + 0.28 * (turn + shift + y).cos())) as u8);
            }
            rgba.push(255);
        }
    }
    Picture { size: [SIDE, SIDE], rgba }
}

fn blank() -> View {
    View { clock: Clock { zone: TimeZone::UTC, now: now() }, ..View::default() }
}
