//! The studio, what is taken from it, and the memory for it.

use serde_json::json;
use worker_core::DEFAULT_IDLE_AFTER;

use super::{About, Default, Kind};
use crate::config::Key;
use crate::config::values::{
    DEFAULT_API_BASE_URL, DEFAULT_MODEL_IDLE, GRACE_SECS, IDLE_SECS, LANES, PIXELS, RECONNECTS, SLOTS,
    VRAM_GB, WAIT_SECS,
};
use crate::engines::{DEFAULT_MAX_LANES, DEFAULT_RESERVE};
use crate::hardware::GIB;

pub(super) fn studio() -> Vec<About> {
    let section = "Studio";
    vec![
        About {
            key: Key::ApiBaseUrl,
            section,
            label: "Address of the studio",
            help: "Where the studio is reached.",
            kind: Kind::Text,
            default: Default::Written(DEFAULT_API_BASE_URL.into()),
            example: "\"http://127.0.0.1:4780\"",
        },
        About {
            key: Key::RemoteControl,
            section,
            label: "Remote control",
            help: "Let the studio's operator pause, resume and drain this worker, and load and unload its models.",
            kind: Kind::Flag,
            default: Default::Written(true.into()),
            example: "true",
        },
        About {
            key: Key::WsReconnectAttempts,
            section,
            label: "Reconnect attempts",
            help: "After so many failures in a row the worker ends; 0 for no limit.",
            kind: Kind::Integer(RECONNECTS),
            default: Default::Written(0.into()),
            example: "0",
        },
    ]
}

pub(super) fn jobs() -> Vec<About> {
    let section = "Jobs";
    vec![
        About {
            key: Key::Paused,
            section,
            label: "Paused",
            help: "Take no jobs at all.",
            kind: Kind::Flag,
            default: Default::Written(false.into()),
            example: "false",
        },
        About {
            key: Key::PausedUntil,
            section,
            label: "Paused until",
            help: "When a pause ends by itself: a time, or `idle`: once nobody uses the machine.",
            kind: Kind::Text,
            default: Default::Words("when somebody resumes"),
            example: "\"2030-01-31T08:00:00Z\"",
        },
        About {
            key: Key::AcceptKinds,
            section,
            label: "Kinds of jobs",
            help: "Take these kinds of jobs only: image, llm, audio_stt, audio_tts, video, mesh.",
            kind: Kind::List,
            default: Default::Value(json!([])),
            example: "[\"image\", \"llm\"]",
        },
        About {
            key: Key::AcceptProjects,
            section,
            label: "Projects",
            help: "Take jobs of these projects only.",
            kind: Kind::List,
            default: Default::Value(json!([])),
            example: "[\"my-game\"]",
        },
        About {
            key: Key::AcceptMaxPixels,
            section,
            label: "Largest picture, in pixels",
            help: "Take no pictures and clips beyond this many pixels, width times height.",
            kind: Kind::Integer(PIXELS),
            default: Default::Words("any size"),
            example: "1048576",
        },
        About {
            key: Key::Slots,
            section,
            label: "Jobs at once",
            help: "Jobs of one kind at once.",
            kind: Kind::Integer(SLOTS),
            default: Default::Words("what its engine runs side by side: one picture, or eight chats"),
            example: "1",
        },
        About {
            key: Key::ShutdownGraceSecs,
            section,
            label: "Time to finish, in seconds",
            help: "After SIGTERM or Ctrl-C: how long a running job may go on before it is given back.",
            kind: Kind::Float(GRACE_SECS, "s"),
            default: Default::Written(json!(5.0)),
            example: "5",
        },
    ]
}

pub(super) fn owner() -> Vec<About> {
    let section = "When jobs are taken";
    vec![
        About {
            key: Key::OnlyWhenIdle,
            section,
            label: "Only when idle",
            help: "Take jobs only while nobody uses the machine.",
            kind: Kind::Flag,
            default: Default::Written(false.into()),
            example: "false",
        },
        About {
            key: Key::IdleAfterSecs,
            section,
            label: "Idle after, in seconds",
            help: "Untouched for this long, nobody uses the machine.",
            kind: Kind::Float(IDLE_SECS, "s"),
            default: Default::Value(json!(DEFAULT_IDLE_AFTER.as_secs_f64())),
            example: "300",
        },
        About {
            key: Key::PauseOnFullscreen,
            section,
            label: "Pause for full screen",
            help: "Take no jobs while a program fills the screen.",
            kind: Kind::Flag,
            default: Default::Value(false.into()),
            example: "true",
        },
        About {
            key: Key::PauseForPrograms,
            section,
            label: "Pause for programs",
            help: "Take no jobs while one of these programs runs.",
            kind: Kind::List,
            default: Default::Value(json!([])),
            example: "[\"blender\", \"steam\"]",
        },
        About {
            key: Key::PauseOnBattery,
            section,
            label: "Pause on battery",
            help: "Take no jobs while the machine runs on battery.",
            kind: Kind::Flag,
            default: Default::Value(false.into()),
            example: "true",
        },
        About {
            key: Key::Schedule,
            section,
            label: "Hours",
            help: "Take jobs at these times only, by the clock on the wall; none: always.",
            kind: Kind::List,
            default: Default::Value(json!([])),
            example: "[\"mon-fri 18:00-08:00\", \"sat,sun 00:00-24:00\"]",
        },
        About {
            key: Key::RulesFreeMemory,
            section,
            label: "Rules act at once",
            help: "What these rules do to running jobs: give them back and free the memory at once, or let them finish first.",
            kind: Kind::Flag,
            default: Default::Words("at once for a full screen and for programs"),
            example: "true",
        },
    ]
}

pub(super) fn memory() -> Vec<About> {
    let section = "Memory";
    vec![
        About {
            key: Key::VramThresholdGb,
            section,
            label: "Device memory for jobs",
            help: "Device memory that jobs may use, GiB.",
            kind: Kind::Float(VRAM_GB, "GiB"),
            default: Default::Words("all of the GPU's, or half of the system's without a GPU"),
            example: "8.0",
        },
        About {
            key: Key::MemoryReserveGb,
            section,
            label: "Memory left alone",
            help: "Memory that is left alone when a model is loaded, GiB.",
            kind: Kind::Float(VRAM_GB, "GiB"),
            default: Default::Value(json!(DEFAULT_RESERVE as f64 / GIB)),
            example: "1.0",
        },
        About {
            key: Key::MaxLanes,
            section,
            label: "Models in memory",
            help: "Models in memory at a time, each in a process of its own.",
            kind: Kind::Integer(LANES),
            default: Default::Value(json!(DEFAULT_MAX_LANES)),
            example: "8",
        },
        About {
            key: Key::ModelIdleSecs,
            section,
            label: "Unload after, in seconds",
            help: "A model without a job for this long leaves memory.",
            kind: Kind::Float(WAIT_SECS, "s"),
            default: Default::Value(json!(DEFAULT_MODEL_IDLE.as_secs_f64())),
            example: "300",
        },
        About {
            key: Key::ResidentModels,
            section,
            label: "Models kept in memory",
            help: "These models are loaded at the start and stay in memory.",
            kind: Kind::List,
            default: Default::Value(json!([])),
            example: "[\"z-image-turbo\"]",
        },
    ]
}
