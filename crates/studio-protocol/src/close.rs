//! How sessions end (protocol section 3.3).

use serde::{Deserialize, Serialize};

/// The code of an `error` frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The token is not the worker's.
    AuthFailed,
    /// A frame that must not come, or cannot be read.
    ProtocolViolation,
    /// A newer session holds this worker id.
    DuplicateWorker,
    /// The worker was removed by an operator.
    WorkerDeleted,
    /// Something else; try again.
    InternalError,
}

impl<'de> Deserialize<'de> for ErrorCode {
    /// A word that this build does not know reads as `internal_error`: try again.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Ok(match word.as_str() {
            "auth_failed" => Self::AuthFailed,
            "protocol_violation" => Self::ProtocolViolation,
            "duplicate_worker" => Self::DuplicateWorker,
            "worker_deleted" => Self::WorkerDeleted,
            _ => Self::InternalError,
        })
    }
}

/// The close code of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    /// 1000.
    Normal,
    /// 4001.
    AuthFailed,
    /// 4002.
    ProtocolViolation,
    /// 4003.
    DuplicateWorker,
    /// 4004.
    WorkerDeleted,
    /// Any other: reconnect.
    Other(u16),
}

impl CloseCode {
    /// The number on the wire.
    pub fn as_u16(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::AuthFailed => 4001,
            Self::ProtocolViolation => 4002,
            Self::DuplicateWorker => 4003,
            Self::WorkerDeleted => 4004,
            Self::Other(code) => code,
        }
    }

    /// The `error` frame that goes with it.
    pub fn error_code(self) -> ErrorCode {
        match self {
            Self::Normal | Self::Other(_) => ErrorCode::InternalError,
            Self::AuthFailed => ErrorCode::AuthFailed,
            Self::ProtocolViolation => ErrorCode::ProtocolViolation,
            Self::DuplicateWorker => ErrorCode::DuplicateWorker,
            Self::WorkerDeleted => ErrorCode::WorkerDeleted,
        }
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        match code {
            1000 => Self::Normal,
            4001 => Self::AuthFailed,
            4002 => Self::ProtocolViolation,
            4003 => Self::DuplicateWorker,
            4004 => Self::WorkerDeleted,
            other => Self::Other(other),
        }
    }
}

impl From<ErrorCode> for CloseCode {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::AuthFailed => Self::AuthFailed,
            ErrorCode::ProtocolViolation => Self::ProtocolViolation,
            ErrorCode::DuplicateWorker => Self::DuplicateWorker,
            ErrorCode::WorkerDeleted => Self::WorkerDeleted,
            ErrorCode::InternalError => Self::Normal,
        }
    }
}

/// Why a worker closes, always with code 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerClose {
    /// It stops, or reconnects.
    SessionEnded,
    /// The studio refused its token.
    AuthFailed,
    /// The studio removed it.
    RegistrationRevoked,
    /// The studio said something that must not come.
    ProtocolViolation,
}

impl WorkerClose {
    /// The reason on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SessionEnded => "session ended",
            Self::AuthFailed => "auth failed",
            Self::RegistrationRevoked => "registration revoked",
            Self::ProtocolViolation => "protocol violation",
        }
    }
}
