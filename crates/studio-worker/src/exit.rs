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

impl Exit {
    /// What a process with this code meant, if it was this program.
    pub(crate) fn of_code(code: i32) -> Option<Self> {
        let all = [
            Self::Clean,
            Self::Failed,
            Self::Usage,
            Self::AuthFailed,
            Self::DuplicateWorker,
            Self::ReconnectsSpent,
        ];
        all.into_iter().find(|exit| i32::from(*exit as u8) == code)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Clean => "it ended as asked",
            Self::Failed => "something went wrong",
            Self::Usage => "its command line was not understood",
            Self::AuthFailed => {
                "the studio refused its token; `studio-worker register --reset` asks for a new one"
            }
            Self::DuplicateWorker => "another worker holds this worker id; stop that one first",
            Self::ReconnectsSpent => "the studio was not reached within the attempts that the config allows",
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back() {
        for exit in [Exit::Clean, Exit::Usage, Exit::ReconnectsSpent] {
            assert_eq!(Exit::of_code(i32::from(exit as u8)), Some(exit));
        }
        assert_eq!(Exit::of_code(101), None);
    }
}
