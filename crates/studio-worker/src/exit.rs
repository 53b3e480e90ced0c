//! How the process ends, as its parent sees it.

use std::process::ExitCode;

use worker_core::ExitReason;

/// The exit codes of `studio-worker`; supervisors may rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Ended as asked, or another daemon serves this config directory already.
    Clean = 0,
    /// Something went wrong, and was told.
    Failed = 1,
    /// The command line was not understood.
    Usage = 2,
    /// The studio refused the token: register again.
    AuthFailed = 3,
    /// Another worker holds this worker id (close code 4003): do not restart.
    DuplicateWorker = 4,
    /// The reconnect attempts that the owner allowed are spent.
    ReconnectsSpent = 5,
}

impl From<ExitReason> for Exit {
    fn from(reason: ExitReason) -> Self {
        match reason {
            ExitReason::Stopped => Self::Clean,
            ExitReason::AuthFailed => Self::AuthFailed,
            ExitReason::DuplicateWorker => Self::DuplicateWorker,
            ExitReason::ReconnectsSpent => Self::ReconnectsSpent,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
