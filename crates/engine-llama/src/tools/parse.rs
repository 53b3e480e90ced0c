//! Finds calls in an answer that arrives in pieces, and keeps them out of what is shown.

use serde_json::{Value, json};

use super::CallFormat;
use crate::text::overlap;

const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";
const MISTRAL: &str = "[TOOL_CALLS]";
const PYTHON: &str = "<|python_tag|>";

/// Holds back everything from the first sign of a call on.
#[derive(Debug)]
pub struct Calls {
    format: CallFormat,
    held: String,
    /// Whether something other than white space was shown: a bare JSON object is then no call.
    shown: bool,
    calling: bool,
}

impl Calls {
    /// For a model that writes its calls like this; the other ways are understood too.
    pub fn new(format: CallFormat) -> Self {
        Self { format, held: String::new(), shown: false, calling: false }
    }

    /// Takes a piece of the answer; gives what is certainly no call.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        if self.calling {
            return String::new();
        }
        let marks = [OPEN, MISTRAL, PYTHON];
        let mark = marks.iter().filter_map(|mark| self.held.find(mark)).min();
        let bare =
            self.format == CallFormat::Llama3 && !self.shown && self.held.trim_start().starts_with('{');
        let sure = match mark {
            _ if bare => Some(0),
            Some(at) => Some(at),
            None => None,
        };
        self.calling = sure.is_some();
        let kept = marks.iter().map(|mark| overlap(&self.held, mark)).max().unwrap_or(0);
        let sure = sure.unwrap_or(self.held.len() - kept);
        // White space before a call belongs to nobody.
        let sure = self.held[..sure].trim_end().len();
        let rest = self.held.split_off(sure);
        let out = std::mem::replace(&mut self.held, rest);
        self.shown |= !out.is_empty();
        out
    }

    /// The end: the calls in OpenAI's shape, and what turned out to be none.
    pub fn finish(&mut self, id: impl Fn(usize) -> String) -> (Vec<Value>, String) {
        let held = std::mem::take(&mut self.held);
        if !self.calling {
            return (Vec::new(), held);
        }
        let Some(found) = found(&held).filter(|found| !found.is_empty()) else { return (Vec::new(), held) };
        let calls = found.into_iter().enumerate().map(|(at, (name, arguments))| {
            json!({ "id": id(at), "type": "function", "function": { "name": name, "arguments": arguments } })
        });
        (calls.collect(), String::new())
    }
}

type Found = Vec<(String, String)>;

fn found(text: &str) -> Option<Found> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix(MISTRAL) {
        return mistral(rest);
    }
    if text.starts_with(OPEN) {
        return text.split(OPEN).skip(1).map(|part| one(part.split(CLOSE).next().unwrap_or(part))).collect();
    }
    let rest = text.strip_prefix(PYTHON).unwrap_or(text);
    // Llama 3 separates several calls by a semicolon.
    one(rest).map(|call| vec![call]).or_else(|| rest.split("; ").map(one).collect())
}

fn mistral(rest: &str) -> Option<Found> {
    if let Ok(Value::Array(calls)) = serde_json::from_str(rest.trim()) {
        return calls.iter().map(call).collect();
    }
    // Newer ones: `[TOOL_CALLS]name[ARGS]{..}`, repeated.
    rest.split(MISTRAL)
        .map(|part| {
            let (name, arguments) =
                part.split_once("[ARGS]").or_else(|| part.find('{').map(|at| part.split_at(at)))?;
            let arguments: Value = serde_json::from_str(arguments.trim()).ok()?;
            Some((name.trim().to_owned(), arguments.to_string()))
        })
        .collect()
}

fn one(text: &str) -> Option<(String, String)> {
    call(&serde_json::from_str(text.trim()).ok()?)
}

fn call(value: &Value) -> Option<(String, String)> {
    let name = value.get("name")?.as_str()?.to_owned();
    let arguments = value.get("arguments").or_else(|| value.get("parameters"));
    let arguments = match arguments {
        // Some models write the arguments as a text already.
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "{}".to_owned(),
    };
    Some((name, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: CallFormat, answer: &str, size: usize) -> (String, Vec<(String, String)>) {
        let mut calls = Calls::new(format);
        let characters: Vec<char> = answer.chars().collect();
        let mut shown = String::new();
        for piece in characters.chunks(size) {
            shown += &calls.push(&piece.iter().collect::<String>());
        }
        let (found, rest) = calls.finish(|at| format!("call-{at}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let found =
            found.iter().map(|call| (text(&call["function"]["name"]), text(&call["function"]["arguments"])));
        (shown + &rest, found.collect())
    }

    fn pairs(calls: &[(&str, &str)]) -> Vec<(String, String)> {
        calls.iter().map(|&(name, arguments)| (name.to_owned(), arguments.to_owned())).collect()
    }

    #[test]
    fn calls_are_found_whatever_the_cuts() {
        let hermes = "Let me see.\n<tool_call>\n{\"name\": \"a\", \"arguments\": {\"x\": 1}}\n</tool_call>\n\
            <tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>";
        let llama = "<|python_tag|>{\"name\": \"a\", \"parameters\": {\"x\": 1}}";
        let bare = "{\"name\": \"a\", \"parameters\": {\"x\": 1}}";
        let mistral = "[TOOL_CALLS] [{\"name\": \"a\", \"arguments\": {\"x\": 1}}]";
        let newer = "[TOOL_CALLS]a[ARGS]{\"x\": 1}";
        let one = pairs(&[("a", "{\"x\":1}")]);
        for size in 1..30 {
            let (shown, calls) = read(CallFormat::Hermes, hermes, size);
            assert_eq!((shown.as_str(), calls), ("Let me see.", pairs(&[("a", "{\"x\":1}"), ("b", "{}")])));
            for (format, answer) in [
                (CallFormat::Llama3, llama),
                (CallFormat::Llama3, bare),
                (CallFormat::Mistral, mistral),
                (CallFormat::Mistral, newer),
            ] {
                assert_eq!(read(format, answer, size), (String::new(), one.clone()), "{answer}");
            }
        }
    }

    #[test]
    fn what_is_no_call_is_shown() {
        for (format, answer) in [
            (CallFormat::Hermes, "a < b <tool"),
            (CallFormat::Hermes, "<tool_call>\n{\"name\": broken"),
            (CallFormat::Llama3, "{\"answer\": 42}"),
            (CallFormat::Llama3, "see: {\"name\": \"a\", \"parameters\": {}}"),
            (CallFormat::Hermes, "{\"name\": \"a\", \"arguments\": {}}"),
        ] {
            for size in 1..20 {
                assert_eq!(read(format, answer, size), (answer.to_owned(), Vec::new()));
            }
        }
    }
}
