//! What the window draws: everything that the controller knows, at one moment.

mod logs;
mod pictures;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use studio_protocol::Timestamp;
use worker_local::{ConfigProblem, ConfigView, JobDay, JobFilter, JobLine, JobRecord, Models, Status};

use crate::Command;

pub use logs::{LogBuffer, LogRow};
pub use pictures::{Picture, PictureKey, Pictures};

/// One moment of the worker, cheap to clone and never changed once published.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Whether there is a daemon to show.
    pub link: Link,
    /// The latest; kept while the daemon is away, so that the pages do not go blank.
    pub status: Option<Arc<Status>>,
    /// The jobs that ended, as far as they were asked for.
    pub history: Arc<History>,
    /// The job whose details are open.
    pub job: Option<Arc<JobDetail>>,
    /// Small pictures of jobs.
    pub pictures: Arc<Pictures>,
    /// The daemon's latest log lines.
    pub logs: Arc<LogBuffer>,
    /// Followed while the page Models is shown.
    pub models: Fetched<Models>,
    /// Read when the page Config is shown, and after each change.
    pub config: Fetched<ConfigView>,
    /// What became of the latest change of the config.
    pub saving: Saving,
    /// The latest messages, their numbers rising.
    pub toasts: Arc<Vec<Toast>>,
    /// Keys of the commands that have no answer yet.
    pub pending: Arc<BTreeSet<String>>,
    /// How times are written.
    pub clock: Clock,
}

impl View {
    /// Whether this command was sent and has no answer yet: its button is disabled meanwhile.
    pub fn is_pending(&self, command: &Command) -> bool {
        command.key().is_some_and(|key| self.pending.contains(&key))
    }
}

/// Whether there is a daemon to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// Not found yet, which is no reason to worry.
    #[default]
    Starting,
    /// Nobody answers.
    Unreachable {
        /// Why, one sentence.
        words: String,
    },
    /// Another version than this window's.
    OtherVersion {
        /// The daemon's.
        daemon: String,
    },
    /// It answers.
    Up,
}

/// Something that is asked for now and then.
#[derive(Debug, Clone)]
pub struct Fetched<T> {
    /// The latest answer.
    pub value: Option<Arc<T>>,
    /// Why the latest question has no answer.
    pub trouble: Option<String>,
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self { value: None, trouble: None }
    }
}

impl<T> Fetched<T> {
    /// An answer.
    pub fn here(value: T) -> Self {
        Self { value: Some(Arc::new(value)), trouble: None }
    }
}

/// The jobs that ended, newest first, as far as the window asked for them.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Which jobs these are; `before` and `limit` are the controller's.
    pub filter: JobFilter,
    /// Newest first; without a hole.
    pub rows: Vec<Arc<JobRecord>>,
    /// Every day that has jobs, whatever the filter.
    pub days: Vec<JobDay>,
    /// Whether there are older ones.
    pub more: bool,
    /// Whether an answer is on its way.
    pub busy: bool,
    /// Rises when `rows` changes, so that what was computed from them can be kept.
    pub generation: u64,
    /// Why the latest question has no answer.
    pub trouble: Option<String>,
}

/// One job that is looked at closely.
#[derive(Debug, Clone, Default)]
pub struct JobDetail {
    /// Which.
    pub id: String,
    /// What was logged about it, as far as it is known.
    pub lines: Vec<JobLine>,
    /// Whether the answer is on its way.
    pub busy: bool,
    /// Why there is no answer.
    pub trouble: Option<String>,
}

/// What became of the latest change of the config.
#[derive(Debug, Clone, Default)]
pub struct Saving {
    /// How many changes were taken: a form starts anew when it rises.
    pub saved: u64,
    /// Why the latest was refused, setting by setting.
    pub problems: Arc<Vec<ConfigProblem>>,
    /// Why the latest was refused as a whole.
    pub trouble: Option<String>,
}

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// Nothing particular.
    Plain,
    /// Works.
    Good,
    /// Is at work.
    Busy,
    /// Is not as it should be.
    Warn,
    /// Went wrong.
    Bad,
}

/// A message that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// Rises with each.
    pub id: u64,
    /// Good news or bad.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
}

/// How times are written: this machine's, except in tests.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Of the times that people read.
    pub zone: TimeZone,
    /// When the view was made.
    pub now: Timestamp,
}

impl Default for Clock {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, now: Timestamp::from_millis(0) }
    }
}
