//! What went wrong, and how each dialect says so.

use std::time::Duration;

use serde_json::{Value, json};

/// What sort of failure it is; decides the status and the words of each dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong.
    Invalid,
    /// There is no valid key with it.
    Unauthorized,
    /// The key may not do this.
    Forbidden,
    /// No such model.
    NoModel,
    /// No such address or thing.
    NotFound,
    /// The address takes other methods.
    Method,
    /// The body is too large.
    TooLarge,
    /// The body is of another type.
    MediaType,
    /// The request can be read, and no try will ever do what it asks for.
    Unprocessable,
    /// Too much is asked at once.
    Busy,
    /// Nobody can do it now.
    Unavailable,
    /// It took too long.
    TimedOut,
    /// The fleet or the studio failed.
    Internal,
}

impl Kind {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NoModel | Self::NotFound => 404,
            Self::Method => 405,
            Self::TooLarge => 413,
            Self::MediaType => 415,
            Self::Unprocessable => 422,
            Self::Busy => 429,
            Self::Unavailable => 503,
            Self::TimedOut => 504,
            Self::Internal => 500,
        }
    }

    fn openai(self) -> (&'static str, Option<&'static str>) {
        const REQUEST: &str = "invalid_request_error";
        match self {
            Self::Invalid => (REQUEST, None),
            Self::Unauthorized => (REQUEST, Some("invalid_api_key")),
            Self::Forbidden => (REQUEST, Some("permission_denied")),
            Self::NoModel => (REQUEST, Some("model_not_found")),
            Self::NotFound => (REQUEST, Some("not_found")),
            Self::Method => (REQUEST, Some("method_not_allowed")),
            Self::TooLarge => (REQUEST, Some("request_too_large")),
            Self::MediaType => (REQUEST, Some("unsupported_media_type")),
            Self::Unprocessable => (REQUEST, Some("job_failed")),
            Self::Busy => ("rate_limit_error", Some("rate_limit_exceeded")),
            Self::Unavailable => ("server_error", Some("unavailable")),
            Self::TimedOut => ("server_error", Some("timeout")),
            Self::Internal => ("server_error", Some("server_error")),
        }
    }

    fn anthropic(self) -> &'static str {
        match self {
            Self::Invalid | Self::Method | Self::MediaType | Self::Unprocessable => "invalid_request_error",
            Self::Unauthorized => "authentication_error",
            Self::Forbidden => "permission_error",
            Self::NoModel | Self::NotFound => "not_found_error",
            Self::TooLarge => "request_too_large",
            Self::Busy => "rate_limit_error",
            Self::Unavailable => "overloaded_error",
            Self::TimedOut => "timeout_error",
            Self::Internal => "api_error",
        }
    }
}

/// A failure, before it is said in a dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What sort.
    pub kind: Kind,
    /// For a person: what, which value, what to do.
    pub message: String,
    /// The field of the request that is wrong.
    pub param: Option<String>,
    /// When another try may be worth it.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// One without a field.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), param: None, retry_after: None }
    }

    /// A field has a value that cannot be.
    pub fn invalid(param: impl Into<String>, message: impl std::fmt::Display) -> Self {
        let param: String = param.into();
        let message = if param.is_empty() { message.to_string() } else { format!("{param}: {message}") };
        Self { param: Some(param).filter(|param| !param.is_empty()), ..Self::new(Kind::Invalid, message) }
    }

    /// The same, worth another try after `time`.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }

    /// OpenAI's word for it where a program looks for one.
    pub fn code(&self) -> Option<&'static str> {
        self.kind.openai().1
    }

    /// `{"error": {...}}`, as OpenAI says it.
    pub fn openai(&self) -> Value {
        let (kind, code) = self.kind.openai();
        json!({ "error": { "message": self.message, "type": kind, "param": self.param, "code": code } })
    }

    /// `{"type": "error", ...}`, as Anthropic says it.
    pub fn anthropic(&self, request_id: &str) -> Value {
        let error = json!({ "type": self.kind.anthropic(), "message": self.message });
        json!({ "type": "error", "error": error, "request_id": request_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_its_shape() {
        let failure = Failure::invalid("messages[0].content", "is missing");
        let openai = json!({"error": {"message": "messages[0].content: is missing",
            "type": "invalid_request_error", "param": "messages[0].content", "code": null}});
        assert_eq!(failure.openai(), openai);
        let anthropic = json!({"type": "error", "request_id": "req_1",
            "error": {"type": "invalid_request_error", "message": "messages[0].content: is missing"}});
        assert_eq!(failure.anthropic("req_1"), anthropic);
        let failure = Failure::new(Kind::NoModel, "the model `x` does not exist");
        assert_eq!(failure.openai()["error"]["code"], "model_not_found");
        assert_eq!(
            (failure.kind.status(), failure.anthropic("")["error"]["type"].as_str()),
            (404, Some("not_found_error"))
        );
    }
}
