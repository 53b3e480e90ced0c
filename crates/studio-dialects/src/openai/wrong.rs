//! What is wrong with a request, before it is put into the words of a dialect.

/// Whose fault it is, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Wrong {
    /// In words.
    pub message: String,
    /// The field that is wrong.
    pub param: Option<String>,
    /// Whether the engine gave what cannot be told on: no fault of the request.
    pub by_engine: bool,
}

impl Wrong {
    /// A field has a value that cannot be.
    pub fn at(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), param: Some(param.into()), by_engine: false }
    }

    /// The whole body is wrong.
    pub fn body(message: impl Into<String>) -> Self {
        Self { message: message.into(), param: None, by_engine: false }
    }

    /// A result that is none.
    pub fn engine(message: impl Into<String>) -> Self {
        Self { message: message.into(), param: None, by_engine: true }
    }
}
