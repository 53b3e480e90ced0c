//! What several addresses ask for in the same way.

use serde_json::Value;

use crate::{Failure, Fields, Kind};

/// Characters of a name: model, voice, sampler.
const MAX_NAME_CHARS: usize = 200;
/// Of a value that an error repeats: enough to recognise it by.
const MAX_SHOWN_CHARS: usize = 40;

/// The registry's name of the model.
pub(super) fn model(fields: &Fields<'_>) -> Result<String, Failure> {
    let missing = "is missing: `GET /v1/models` lists the models that there are";
    name(fields, "model")?.ok_or_else(|| fields.error("model", missing))
}

/// A short text that is not empty.
pub(super) fn name(fields: &Fields<'_>, field: &str) -> Result<Option<String>, Failure> {
    let Some(text) = fields.text(field)? else { return Ok(None) };
    match text.chars().count() {
        1..=MAX_NAME_CHARS => Ok(Some(text.to_owned())),
        0 => Err(fields.error(field, "is empty")),
        _ => Err(fields.error(field, format!("has more than {MAX_NAME_CHARS} characters"))),
    }
}

/// One of some words.
pub(super) fn word<T: Copy>(
    fields: &Fields<'_>,
    field: &str,
    words: &[(&str, T)],
) -> Result<Option<T>, Failure> {
    let Some(text) = fields.text(field)? else { return Ok(None) };
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    found.map(Some).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        fields.error(field, format!("`{}` is not one of {}", shown(text), known.join(", ")))
    })
}

/// The names of what a request states and nobody looks at.
pub(super) fn ignored(request: &Value, known: &[&str]) -> Vec<String> {
    let fields = request.as_object().into_iter().flatten();
    let unknown = fields.filter(|(name, value)| !value.is_null() && !known.contains(&name.as_str()));
    unknown.map(|(name, _)| name.clone()).collect()
}

/// A result that is none: no fault of the request.
pub(super) fn unreadable(what: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Internal, format!("{what} cannot be read: {why}"))
}

/// The start of what a client sent, fit for a message.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_and_names_are_checked() {
        let request = json!({ "x": "c", "model": "", "long": "y".repeat(300), "user": "u", "no": null });
        let fields = Fields::of(&request, "").unwrap();
        let wrong = word(&fields, "x", &[("a", 1), ("b", 2)]).unwrap_err();
        assert_eq!(
            (wrong.message.as_str(), wrong.param.as_deref()),
            ("x: `c` is not one of a, b", Some("x"))
        );
        assert_eq!(word(&fields, "x", &[("c", 3)]).unwrap(), Some(3));
        assert!(model(&fields).unwrap_err().message.contains("empty"));
        assert!(name(&fields, "long").unwrap_err().message.contains("200"));
        assert_eq!(ignored(&request, &["x", "model", "long"]), ["user"]);
        let nothing = json!({});
        assert!(model(&Fields::of(&nothing, "").unwrap()).unwrap_err().message.contains("/v1/models"));
    }

    #[test]
    fn what_a_message_shows_is_short_and_plain() {
        assert_eq!(shown("a\u{7}b"), "a\\u{7}b");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 41);
    }
}
