//! The fields of a request, taken one by one: what is left at the end is what nobody looked at.

use serde_json::{Map, Value};

use super::Wrong;

/// Characters of a name: model, voice, sampler.
const MAX_NAME_CHARS: usize = 200;

/// An object of JSON, or a form, whose fields are being read.
#[derive(Debug, Clone, Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// The fields of a JSON body.
    pub fn of_json(body: &[u8]) -> Result<Self, Wrong> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self::of(fields)),
            Ok(_) => Err(Wrong::body("the body is not a JSON object like {\"model\": \"...\"}")),
            Err(error) => Err(Wrong::body(format!("the body is not valid JSON: {error}"))),
        }
    }

    /// Fields at hand; null stands for absent.
    pub fn of(mut fields: Map<String, Value>) -> Self {
        fields.retain(|_, value| !value.is_null());
        Self(fields)
    }

    /// The names of what was not taken.
    pub fn left(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Any value.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// A text that must be there.
    pub fn required_text(&mut self, name: &str) -> Result<String, Wrong> {
        self.text(name)?.ok_or_else(|| Wrong::at(name, format!("`{name}` is missing")))
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Wrong> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Wrong::at(name, format!("`{name}` is {}, not a text", what(&other)))),
        }
    }

    /// A short text that is not empty.
    pub fn name(&mut self, name: &str) -> Result<Option<String>, Wrong> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.chars().count() {
            1..=MAX_NAME_CHARS => Ok(Some(text)),
            0 => Err(Wrong::at(name, format!("`{name}` is empty"))),
            _ => Err(Wrong::at(name, format!("`{name}` has more than {MAX_NAME_CHARS} characters"))),
        }
    }

    /// The registry's name of the model.
    pub fn model(&mut self) -> Result<String, Wrong> {
        let missing = "`model` is missing: `GET /v1/models` lists the models that this studio has";
        self.name("model")?.ok_or_else(|| Wrong::at("model", missing))
    }

    /// One of some words.
    pub fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Wrong> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Wrong::at(name, format!("`{name}` is `{}`: use one of {}", shown(&text), known.join(", ")))
        })
    }

    /// A whole number within bounds.
    pub fn whole(&mut self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Wrong> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        match value.as_u64().filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Wrong::at(
                name,
                format!(
                    "`{name}` is {}, not a whole number from {least} to {most}",
                    shown(&value.to_string())
                ),
            )),
        }
    }

    /// A number within bounds.
    pub fn number(&mut self, name: &str, least: f64, most: f64) -> Result<Option<f64>, Wrong> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        match value.as_f64().filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Wrong::at(
                name,
                format!("`{name}` is {}, not a number from {least} to {most}", shown(&value.to_string())),
            )),
        }
    }

    /// Yes or no; no when absent.
    pub fn yes(&mut self, name: &str) -> Result<bool, Wrong> {
        match self.0.remove(name) {
            None => Ok(false),
            Some(Value::Bool(yes)) => Ok(yes),
            Some(other) => Err(Wrong::at(name, format!("`{name}` is {}, not true or false", what(&other)))),
        }
    }
}

/// What a value is, for people.
pub fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The start of what a client sent, fit for a message.
pub fn shown(text: &str) -> String {
    /// Enough to recognise it by.
    const MAX_CHARS: usize = 40;
    let mut shown: String = text.chars().take(MAX_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        Fields::of_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn what_was_not_taken_is_left() {
        let mut fields = fields(r#"{"model":"m","user":"u","n":2,"style":null}"#);
        assert_eq!(fields.model().unwrap(), "m");
        assert_eq!(fields.whole("n", 1, 10).unwrap(), Some(2));
        assert_eq!(fields.left(), ["user"]);
    }

    #[test]
    fn wrong_values_name_their_field() {
        let wrong = |json: &str, take: fn(&mut Fields) -> Result<(), Wrong>| {
            let wrong = take(&mut fields(json)).unwrap_err();
            (wrong.param.unwrap_or_default(), wrong.message)
        };
        let (param, message) = wrong(r#"{"n":0}"#, |f| f.whole("n", 1, 10).map(|_| ()));
        assert_eq!((param.as_str(), message.as_str()), ("n", "`n` is 0, not a whole number from 1 to 10"));
        for json in [r#"{"n":1.5}"#, r#"{"n":"1"}"#, r#"{"n":-1}"#, r#"{"n":[]}"#] {
            assert_eq!(wrong(json, |f| f.whole("n", 1, 10).map(|_| ())).0, "n");
        }
        let (_, message) = wrong(r#"{"x":"c"}"#, |f| f.word("x", &[("a", 1), ("b", 2)]).map(|_| ()));
        assert_eq!(message, "`x` is `c`: use one of a, b");
        assert!(wrong("{}", |f| f.model().map(|_| ())).1.contains("/v1/models"));
        assert!(wrong(r#"{"model":""}"#, |f| f.model().map(|_| ())).1.contains("empty"));
        assert!(wrong(r#"{"s":1}"#, |f| f.yes("s").map(|_| ())).1.contains("a number, not true or false"));
    }

    #[test]
    fn a_body_that_is_no_object_is_said() {
        for body in ["", "[]", "7", "{\"a\":"] {
            assert!(Fields::of_json(body.as_bytes()).unwrap_err().param.is_none(), "{body}");
        }
    }

    #[test]
    fn what_a_message_shows_is_short_and_plain() {
        assert_eq!(shown("a\u{7}b"), "a\\u{7}b");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 41);
    }
}
