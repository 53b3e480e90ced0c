//! Reads JSON field by field, so that an error names the field in the words that the client used.

use serde_json::{Map, Value};

use crate::Failure;

/// Characters of a value that an error repeats.
const MAX_QUOTED_CHARS: usize = 60;

/// The JSON of a body.
pub fn read_json(bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::invalid("", format!("the body is not valid JSON: {error}")))
}

/// An object of a request, with the place where it stands; `null` counts as absent.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// `value`, which must be an object; `path` is empty for the whole body.
    pub fn of(value: &'a Value, path: impl Into<String>) -> Result<Self, Failure> {
        let path = path.into();
        let Some(map) = value.as_object() else { return Err(wrong(&path, value, "an object")) };
        Ok(Self { map, path })
    }

    /// The path of a field.
    pub fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The field, if it is stated.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// An error at a field.
    pub fn error(&self, name: &str, message: impl std::fmt::Display) -> Failure {
        Failure::invalid(self.at(name), message)
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, Failure> {
        let read = |value: &'a Value| value.as_str().ok_or_else(|| wrong(&self.at(name), value, "a text"));
        self.get(name).map(read).transpose()
    }

    /// A text that must be there.
    pub fn needed_text(&self, name: &str) -> Result<&'a str, Failure> {
        self.text(name)?.ok_or_else(|| self.error(name, "is missing"))
    }

    /// A number within bounds.
    pub fn number(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let found = value.as_f64().filter(|number| (least..=most).contains(number));
        found
            .map(Some)
            .ok_or_else(|| wrong(&self.at(name), value, format!("a number within {least} to {most}")))
    }

    /// A whole number within bounds.
    pub fn whole(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let found = value.as_u64().filter(|number| (least..=most).contains(number));
        found
            .map(Some)
            .ok_or_else(|| wrong(&self.at(name), value, format!("a whole number within {least} to {most}")))
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        let read =
            |value: &'a Value| value.as_bool().ok_or_else(|| wrong(&self.at(name), value, "true or false"));
        self.get(name).map(read).transpose()
    }

    /// A list.
    pub fn list(&self, name: &str) -> Result<Option<&'a [Value]>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_array().map(|list| Some(&list[..])).ok_or_else(|| wrong(&self.at(name), value, "a list"))
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Option<Self>, Failure> {
        self.get(name).map(|value| Self::of(value, self.at(name))).transpose()
    }

    /// A list of objects, each with its place.
    pub fn objects(&self, name: &str) -> Result<Option<Vec<Self>>, Failure> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        let path = self.at(name);
        let items = list.iter().enumerate().map(|(at, item)| Self::of(item, format!("{path}[{at}]")));
        items.collect::<Result<_, _>>().map(Some)
    }

    /// One text or a list of them.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<&'a str>>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if let Some(one) = value.as_str() {
            return Ok(Some(vec![one]));
        }
        let Some(many) = value.as_array() else {
            return Err(wrong(&self.at(name), value, "a text or a list of texts"));
        };
        let read = |(at, item): (usize, &'a Value)| {
            item.as_str().ok_or_else(|| wrong(&format!("{}[{at}]", self.at(name)), item, "a text"))
        };
        many.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// Refuses a field that is stated; `false`, 0 and what is empty state nothing.
    pub fn refuse(&self, name: &str, why: &str) -> Result<(), Failure> {
        let says_nothing = |value: &Value| match value {
            Value::Null => true,
            Value::Bool(yes) => !yes,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
        };
        match self.get(name).filter(|value| !says_nothing(value)) {
            None => Ok(()),
            Some(_) => Err(self.error(name, why)),
        }
    }
}

/// Says what stands there and what should.
pub(crate) fn wrong(path: &str, value: &Value, wanted: impl std::fmt::Display) -> Failure {
    let text = value.to_string();
    let short: String = text.chars().take(MAX_QUOTED_CHARS).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    Failure::invalid(path, format!("`{short}{dots}` is not {wanted}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_value_is_named_by_its_path() {
        let body = json!({"a": {"n": 3, "list": [{"t": "x"}, {"t": 7}], "null": null}});
        let body = Fields::of(&body, "").unwrap();
        let a = body.object("a").unwrap().unwrap();
        assert_eq!((a.whole("n", 0, 5).unwrap(), a.text("null").unwrap()), (Some(3), None));
        assert_eq!(a.whole("n", 0, 2).unwrap_err().param.as_deref(), Some("a.n"));
        let list = a.objects("list").unwrap().unwrap();
        assert_eq!(list[1].text("t").unwrap_err().to_string(), "a.list[1].t: `7` is not a text");
        assert_eq!(list[0].needed_text("x").unwrap_err().param.as_deref(), Some("a.list[0].x"));
    }

    #[test]
    fn what_states_nothing_is_not_refused() {
        let body = json!({"a": false, "b": [], "c": {}, "d": null, "e": true, "f": {"5": 1}});
        let body = Fields::of(&body, "").unwrap();
        for name in ["a", "b", "c", "d", "z"] {
            body.refuse(name, "no").unwrap();
        }
        for name in ["e", "f"] {
            assert_eq!(body.refuse(name, "no").unwrap_err().param.as_deref(), Some(name));
        }
    }
}
