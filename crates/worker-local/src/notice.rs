//! What the owner may be told of on the desktop.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use studio_protocol::TaskKind;

use crate::JobEnd;

/// Something that the owner may want to be told of: the words of the setting `notify_on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notice {
    /// A job of the studio is done.
    JobDone,
    /// One could not be done.
    JobFailed,
    /// A rule of the owner pauses the worker.
    Paused,
    /// The studio has been out of reach for a while.
    Disconnected,
    /// There is a newer version.
    Update,
}

impl Notice {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::JobDone, Self::JobFailed, Self::Paused, Self::Disconnected, Self::Update];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JobDone => "job_done",
            Self::JobFailed => "job_failed",
            Self::Paused => "paused",
            Self::Disconnected => "disconnected",
            Self::Update => "update",
        }
    }
}

/// A word that is none of [`Notice`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is none of {}", .0.escape_debug(), Notice::ALL.map(Notice::as_str).join(", "))]
pub struct UnknownNotice(pub String);

impl FromStr for Notice {
    type Err = UnknownNotice;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|notice| notice.as_str() == word)
            .ok_or_else(|| UnknownNotice(word.to_owned()))
    }
}

/// A job of the studio that ended lately, whether a history is kept or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndedJob {
    /// How many had ended with it since the daemon's start.
    pub number: u64,
    /// The studio's id.
    pub id: String,
    /// The name of the thing that was to be made; may be empty.
    pub name: String,
    /// What sort of thing.
    pub kind: TaskKind,
    /// With which model.
    pub model: String,
    /// How it ended.
    pub end: JobEnd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_and_others_are_told_with_those_that_exist() {
        for notice in Notice::ALL {
            assert_eq!(notice.as_str().parse(), Ok(notice));
        }
        let error = "job".parse::<Notice>().unwrap_err();
        assert_eq!(error.to_string(), "`job` is none of job_done, job_failed, paused, disconnected, update");
    }
}
