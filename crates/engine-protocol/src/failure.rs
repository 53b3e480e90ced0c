//! Why something could not be done.

use serde::{Deserialize, Deserializer, Serialize};

/// What kind of failure it is: what the daemon can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FailureClass {
    /// The task asks for what this engine cannot do; no other try will help.
    BadInput,
    /// The model is unknown, incomplete or broken.
    Model,
    /// It does not fit the memory at hand.
    Memory,
    /// It was asked to stop.
    Cancelled,
    /// Anything else.
    Internal,
}

impl<'de> Deserialize<'de> for FailureClass {
    /// A word that this build does not know reads as `internal`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "badInput" => Self::BadInput,
            "model" => Self::Model,
            "memory" => Self::Memory,
            "cancelled" => Self::Cancelled,
            _ => Self::Internal,
        })
    }
}

/// A failure as an engine's own code reports it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind.
    pub class: FailureClass,
    /// For a person: the value, and what to do.
    pub message: String,
    /// Whether another try, here or elsewhere, may succeed.
    pub retryable: bool,
}

impl Failure {
    /// The task asks for what this engine cannot do.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self { class: FailureClass::BadInput, message: message.into(), retryable: false }
    }

    /// The model cannot be used; another machine may have it.
    pub fn model(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Model, message: message.into(), retryable: true }
    }

    /// It does not fit; another machine may have room.
    pub fn memory(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Memory, message: message.into(), retryable: true }
    }

    /// It was asked to stop.
    pub fn cancelled() -> Self {
        Self { class: FailureClass::Cancelled, message: "cancelled".to_owned(), retryable: false }
    }

    /// Something else went wrong; another try may succeed.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Internal, message: message.into(), retryable: true }
    }
}
