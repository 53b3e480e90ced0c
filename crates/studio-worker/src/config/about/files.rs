//! Model files and engines.

use serde_json::json;

use super::{About, Default, Kind};
use crate::config::Key;
use crate::config::values::{DEFAULT_LOAD_LIMIT, DEFAULT_START_LIMIT, DISK_GB, MBPS, THREADS, WAIT_SECS};

pub(super) fn models() -> Vec<About> {
    let section = "Model files";
    vec![
        About {
            key: Key::ModelsRoot,
            section,
            label: "Folder of the models",
            help: "Where model files lie.",
            kind: Kind::Path,
            default: Default::Words(
                "the platform's data folder, or `models` beside a file named by --config",
            ),
            example: "\"/data/models\"",
        },
        About {
            key: Key::DiskCapGb,
            section,
            label: "Disk for models",
            help: "What model files may take on the disk, GiB; the longest unused ones leave.",
            kind: Kind::Float(DISK_GB, "GiB"),
            default: Default::Words("what the disk has"),
            example: "200",
        },
        About {
            key: Key::DownloadLimitMbps,
            section,
            label: "Download limit",
            help: "All downloads together, megabits a second.",
            kind: Kind::Float(MBPS, "Mbit/s"),
            default: Default::Words("without a limit"),
            example: "100",
        },
    ]
}

pub(super) fn engines() -> Vec<About> {
    let section = "Engines";
    let limit = Kind::Float(WAIT_SECS, "s");
    vec![
        About {
            key: Key::EnginesDir,
            section,
            label: "Folder of more engines",
            help: "Engine programs, each named studio-engine-NAME, beside those that lie beside this worker's own program.",
            kind: Kind::Path,
            default: Default::Words("none"),
            example: "\"/opt/studio-engines\"",
        },
        About {
            key: Key::Engines,
            section,
            label: "Engines in use",
            help: "Which engines are used; with an empty list every one that is found.",
            kind: Kind::List,
            default: Default::Value(json!([])),
            example: "[\"sd-cpp\", \"llama-cpp\", \"sherpa-onnx\", \"synthetic\"]",
        },
        About {
            key: Key::EngineThreads,
            section,
            label: "Threads of an engine",
            help: "Threads that each engine may compute with.",
            kind: Kind::Integer(THREADS),
            default: Default::Words("all processors"),
            example: "4",
        },
        About {
            key: Key::EngineStartLimitSecs,
            section,
            label: "Silence at the start, in seconds",
            help: "How long an engine may be silent at its start before it is taken for dead.",
            kind: limit.clone(),
            default: Default::Value(json!(DEFAULT_START_LIMIT.as_secs_f64())),
            example: "30",
        },
        About {
            key: Key::EngineLoadLimitSecs,
            section,
            label: "Silence while loading, in seconds",
            help: "How long an engine may be silent while it loads a model before it is taken for dead.",
            kind: limit.clone(),
            default: Default::Value(json!(DEFAULT_LOAD_LIMIT.as_secs_f64())),
            example: "600",
        },
        About {
            key: Key::EngineStepLimitSecs,
            section,
            label: "Silence during a job, in seconds",
            help: "How long an engine may be silent while a job runs before it is taken for dead.",
            kind: limit,
            default: Default::Words("two minutes for texts and speech, five for pictures, fifteen for clips"),
            example: "300",
        },
    ]
}
