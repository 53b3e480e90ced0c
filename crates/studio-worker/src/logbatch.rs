//! One log for the owner and, where it is about a job, for the studio.

use studio_protocol::{JobId, LogEntry, LogLevel, Timestamp};

/// The longest message that a studio is sent; the owner's log has all of it.
const MAX_MESSAGE_CHARS: usize = 2_000;

/// Which part of the worker speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// The daemon.
    Worker,
    /// An engine process.
    Engine,
}

impl Category {
    fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Engine => "engine",
        }
    }
}

/// One event under a target of its own, so that `RUST_LOG=studio_worker::engine=warn` quietens the engines alone.
macro_rules! tell {
    ($target:literal, $level:expr, $message:expr, $job:expr) => {
        match ($level, $job) {
            (LogLevel::Info, None) => tracing::info!(target: $target, "{}", $message),
            (LogLevel::Info, Some(job)) => tracing::info!(target: $target, %job, "{}", $message),
            (LogLevel::Warn, None) => tracing::warn!(target: $target, "{}", $message),
            (LogLevel::Warn, Some(job)) => tracing::warn!(target: $target, %job, "{}", $message),
            (LogLevel::Error, None) => tracing::error!(target: $target, "{}", $message),
            (LogLevel::Error, Some(job)) => tracing::error!(target: $target, %job, "{}", $message),
        }
    };
}

/// Writes to the owner's log, and returns the entry for the studio if it is about a job.
pub fn log(category: Category, level: LogLevel, message: &str, job: Option<&JobId>) -> Option<LogEntry> {
    match category {
        Category::Worker => tell!("studio_worker::worker", level, message, job),
        Category::Engine => tell!("studio_worker::engine", level, message, job),
    }
    let job = job?;
    Some(LogEntry {
        ts: Timestamp::now(),
        level,
        category: category.as_str().to_owned(),
        message: message.chars().take(MAX_MESSAGE_CHARS).collect(),
        job_id: Some(job.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_studio_hears_of_jobs_only_and_briefly() {
        assert_eq!(log(Category::Worker, LogLevel::Info, "connected", None), None);
        let entry = log(Category::Engine, LogLevel::Warn, &"ä".repeat(9_000), Some(&"job-1".into())).unwrap();
        assert_eq!((entry.category.as_str(), entry.message.chars().count()), ("engine", MAX_MESSAGE_CHARS));
    }
}
