//! The program itself: its logs, its local API, its updates.

use serde_json::json;

use super::{About, Default, Kind};
use crate::config::Key;
use crate::config::values::{
    DEFAULT_HISTORY_DAYS, DEFAULT_LOCAL_API_PORT, DEFAULT_UPDATE_SECS, HISTORY_DAYS, PORTS, UPDATE_SECS,
};

pub(super) fn program() -> Vec<About> {
    let section = "Program";
    vec![
        About {
            key: Key::LogDir,
            section,
            label: "Folder of the log files",
            help: "Where log files go; they are kept for a week.",
            kind: Kind::Path,
            default: Default::Words("`logs` beside the config file"),
            example: "\"/var/log/studio-worker\"",
        },
        About {
            key: Key::LocalApiPort,
            section,
            label: "Port of the local API",
            help: "Where the window, the commands and local programs reach this worker, on this machine only; 0 for any free port.",
            kind: Kind::Integer(PORTS),
            default: Default::Value(json!(DEFAULT_LOCAL_API_PORT)),
            example: "4787",
        },
        About {
            key: Key::HistoryDays,
            section,
            label: "Days in the history",
            help: "How long jobs stay in the history (who asked, the beginning of the prompt, the log, a small picture); 0 to keep none.",
            kind: Kind::Integer(HISTORY_DAYS),
            default: Default::Value(json!(DEFAULT_HISTORY_DAYS)),
            example: "30",
        },
        About {
            key: Key::NotifyOn,
            section,
            label: "Notifications",
            help: "What the window tells the desktop of: job_done, job_failed, paused (by a rule), disconnected (for 5 minutes), update.",
            kind: Kind::List,
            default: Default::Value(json!([])),
            example: "[\"job_failed\", \"disconnected\"]",
        },
        About {
            key: Key::AutoUpdateEnabled,
            section,
            label: "Look for updates",
            help: "Look for a newer version now and then.",
            kind: Kind::Flag,
            default: Default::Value(false.into()),
            example: "true",
        },
        About {
            key: Key::AutoUpdateIntervalSecs,
            section,
            label: "Between two looks, in seconds",
            help: "How often a newer version is looked for.",
            kind: Kind::Integer(UPDATE_SECS),
            default: Default::Value(json!(DEFAULT_UPDATE_SECS)),
            example: "21600",
        },
        About {
            key: Key::AutoUpdateFeed,
            section,
            label: "Address of the update feed",
            help: "Where newer versions are looked for: an https address of a JSON feed.",
            kind: Kind::Text,
            default: Default::Words("none"),
            example: "\"https://example.com/studio-worker/feed.json\"",
        },
    ]
}
