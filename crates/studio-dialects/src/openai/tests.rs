//! What the tests of the dialects share.

use serde_json::Value;

use crate::{Answer, Asked, Call, Failure, Finish, Origin, Usage, Writer};

pub(crate) fn origin() -> Origin {
    Origin { id: "0".into(), created: 7 }
}

pub(crate) fn param(asked: Result<Asked, Failure>) -> String {
    asked.unwrap_err().param.unwrap_or_default()
}

pub(crate) fn answer(text: &str, reasoning: &str) -> Answer {
    let usage = Usage { prompt: 5, cached: Some(2), completion: 3 };
    Answer { text: text.into(), reasoning: reasoning.into(), usage, ..Answer::default() }
}

pub(crate) fn calling(text: &str) -> Answer {
    let call = Call { id: "call_1".into(), name: "add".into(), arguments: "{\"a\":1}".into() };
    Answer { calls: vec![call], finish: Finish::Calls, ..answer(text, "") }
}

/// The events of a stream in which the whole answer is one piece.
pub(crate) fn events(writer: &mut dyn Writer, answer: &Answer) -> Vec<Value> {
    let mut events = writer.begin();
    if !(answer.text.is_empty() && answer.reasoning.is_empty()) {
        events.extend(writer.delta(0, &answer.text, &answer.reasoning));
    }
    events.extend(writer.done(0, answer));
    events.extend(writer.end());
    let json = |data: &str| serde_json::from_str(data).unwrap_or_else(|_| Value::from(data));
    events.iter().map(|event| json(&event.data)).collect()
}
