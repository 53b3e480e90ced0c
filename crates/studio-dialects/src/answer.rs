//! The result of a chat, as engines give it: OpenAI's `chat.completion` with one choice.

use serde_json::Value;

use crate::{Failure, Kind};

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// What was said.
    pub text: String,
    /// What was thought.
    pub reasoning: String,
    /// Tools that are to be called.
    pub calls: Vec<Call>,
    /// Why it ended.
    pub finish: Finish,
    /// The stop text that ended it, where the engine says which.
    pub stop_text: Option<String>,
    /// What it took.
    pub usage: Usage,
}

/// A tool that is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its result is sent back under this.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// JSON.
    pub arguments: String,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Finish {
    /// It was complete, or came to a stop text.
    #[default]
    Stop,
    /// It had no more room.
    Length,
    /// Tools are to be called.
    Calls,
}

/// Tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Of the request.
    pub prompt: u64,
    /// Of these, computed before for another request.
    pub cached: Option<u64>,
    /// Of the answer, thoughts included.
    pub completion: u64,
}

impl Answer {
    /// Reads a result; of several calls only the first counts where `one_call` says so.
    pub fn read(result: &Value, one_call: bool) -> Result<Self, Failure> {
        let choice = &result["choices"][0];
        let message = &choice["message"];
        if !message.is_object() {
            let message =
                "the result is no chat: the engine of this model does not fit together with this program";
            return Err(Failure::new(Kind::Internal, message));
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let most = if one_call { 1 } else { usize::MAX };
        let listed = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        let calls: Vec<Call> = listed.iter().take(most).enumerate().map(call).collect();
        let finish = match choice["finish_reason"].as_str() {
            _ if !calls.is_empty() => Finish::Calls,
            Some("length") => Finish::Length,
            Some(_) | None => Finish::Stop,
        };
        let usage = &result["usage"];
        let tokens = |value: &Value| value.as_u64().unwrap_or_default();
        Ok(Self {
            text: text(&message["content"]),
            reasoning: text(&message["reasoning_content"]),
            calls,
            finish,
            stop_text: choice["stop_reason"].as_str().map(str::to_owned),
            usage: Usage {
                prompt: tokens(&usage["prompt_tokens"]),
                cached: usage["prompt_tokens_details"]["cached_tokens"].as_u64(),
                completion: tokens(&usage["completion_tokens"]),
            },
        })
    }
}

fn call((at, call): (usize, &Value)) -> Call {
    let function = &call["function"];
    let arguments = match &function["arguments"] {
        Value::String(text) => text.clone(),
        Value::Null => "{}".to_owned(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    };
    let id = call["id"].as_str().map_or_else(|| format!("call_{at}"), str::to_owned);
    Call { id, name: function["name"].as_str().unwrap_or_default().to_owned(), arguments }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_read_whatever_it_leaves_out() {
        let bare = json!({"choices": [{"message": {"content": "hi"}}]});
        assert_eq!(Answer::read(&bare, false).unwrap(), Answer { text: "hi".into(), ..Answer::default() });
        let calls = json!({"choices": [{"finish_reason": "stop", "message": {"content": null, "tool_calls": [
            {"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}, {"function": {"name": "g"}}]}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}}});
        let answer = Answer::read(&calls, false).unwrap();
        assert_eq!((answer.calls.len(), answer.finish), (2, Finish::Calls));
        assert_eq!(
            (answer.calls[0].arguments.as_str(), answer.calls[1].arguments.as_str()),
            ("{\"x\":1}", "{}")
        );
        assert_eq!(answer.usage, Usage { prompt: 3, cached: Some(1), completion: 2 });
        assert_eq!(Answer::read(&calls, true).unwrap().calls.len(), 1);
        assert_eq!(Answer::read(&json!([]), false).unwrap_err().kind, Kind::Internal);
    }
}
