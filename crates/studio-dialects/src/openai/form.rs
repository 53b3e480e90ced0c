//! A multipart form, once its files are stored: texts and the addresses of files.

use serde_json::{Map, Value};

use super::asked::shown;
use crate::Failure;

/// What came in a form, in its order.
#[derive(Debug, Clone, Default)]
pub struct Form {
    texts: Vec<(String, String)>,
    files: Vec<(String, String)>,
}

impl Form {
    /// A field of text.
    pub fn add_text(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.texts.push((name.into(), text.into()));
    }

    /// A file, by the address under which a worker finds it.
    pub fn add_file(&mut self, name: impl Into<String>, address: impl Into<String>) {
        self.files.push((name.into(), address.into()));
    }

    /// Takes the addresses of the files of one field; `name[]` is `name` too.
    pub fn take_files(&mut self, name: &str) -> Vec<String> {
        let (taken, left) =
            std::mem::take(&mut self.files).into_iter().partition(|(of, _)| plain(of) == name);
        self.files = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, address)| address).collect()
    }

    /// Takes the one file of a field.
    pub fn take_file(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let mut files = self.take_files(name);
        if files.len() > 1 {
            return Err(Failure::invalid(name, format!("came {} times, once is enough", files.len())));
        }
        Ok(files.pop())
    }

    /// The texts as JSON: those of `numbers` and `yes_no` become what they say, those of `lists` become lists.
    pub fn json(self, numbers: &[&str], yes_no: &[&str], lists: &[&str]) -> Result<Value, Failure> {
        if let Some((name, _)) = self.files.first() {
            return Err(Failure::invalid(plain(name), "no file is taken by this name"));
        }
        let mut fields = Map::new();
        for (name, text) in self.texts {
            let name = plain(&name);
            if lists.contains(&name) {
                let list = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = list {
                    items.push(Value::String(text));
                }
                continue;
            }
            let value = if text.is_empty() && (numbers.contains(&name) || yes_no.contains(&name)) {
                Value::Null
            } else if numbers.contains(&name) {
                number(name, &text)?
            } else if yes_no.contains(&name) {
                yes_or_no(name, &text)?
            } else {
                Value::String(text)
            };
            if fields.insert(name.to_owned(), value).is_some() {
                return Err(Failure::invalid(name, "came twice"));
            }
        }
        Ok(Value::Object(fields))
    }
}

/// Clients write `image[]` where a field may come several times.
fn plain(name: &str) -> &str {
    name.strip_suffix("[]").unwrap_or(name)
}

fn number(name: &str, text: &str) -> Result<Value, Failure> {
    match serde_json::from_str(text.trim()) {
        Ok(Value::Number(number)) => Ok(Value::Number(number)),
        _ => Err(Failure::invalid(name, format!("`{}` is not a number", shown(text)))),
    }
}

fn yes_or_no(name: &str, text: &str) -> Result<Value, Failure> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(Value::Bool(true)),
        "false" | "0" => Ok(Value::Bool(false)),
        _ => Err(Failure::invalid(name, format!("`{}` is not true or false", shown(text)))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_become_what_they_say() {
        let mut form = Form::default();
        for (name, text) in [("n", "2"), ("stream", "true"), ("prompt", "7"), ("steps", "")] {
            form.add_text(name, text);
        }
        form.add_text("tags[]", "a");
        form.add_text("tags[]", "b");
        let json = form.json(&["n", "steps"], &["stream"], &["tags"]).unwrap();
        let wanted = json!({ "n": 2, "stream": true, "prompt": "7", "tags": ["a", "b"], "steps": null });
        assert_eq!(json, wanted);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let wrong = |texts: &[(&str, &str)]| {
            let mut form = Form::default();
            for (name, text) in texts {
                form.add_text(*name, *text);
            }
            form.json(&["n"], &["stream"], &[]).unwrap_err()
        };
        assert_eq!(wrong(&[("n", "two")]).param.as_deref(), Some("n"));
        assert_eq!(wrong(&[("stream", "maybe")]).param.as_deref(), Some("stream"));
        assert!(wrong(&[("prompt", "a"), ("prompt", "b")]).message.contains("twice"));
    }

    #[test]
    fn files_are_taken_by_name_and_others_are_refused() {
        let mut form = Form::default();
        form.add_file("image[]", "a");
        form.add_file("image", "b");
        form.add_file("mask", "m");
        assert_eq!(form.take_files("image"), ["a", "b"]);
        assert_eq!(form.take_file("mask").unwrap().as_deref(), Some("m"));
        assert_eq!(form.take_file("mask").unwrap(), None);
        form.add_file("mask", "m");
        form.add_file("mask", "m");
        assert_eq!(form.take_file("mask").unwrap_err().param.as_deref(), Some("mask"));
        form.add_file("extra", "x");
        assert_eq!(form.json(&[], &[], &[]).unwrap_err().param.as_deref(), Some("extra"));
    }
}
