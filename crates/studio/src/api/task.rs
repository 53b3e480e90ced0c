//! A task as a client states it: checked, and kept in the client's own words.
//!
//! Defaults are not filled in. What a job states wins over its model's defaults, and those win over the
//! protocol's, so a worker has to see which values were stated.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use studio_protocol::{Task, TaskKind, states_options};

use super::body::told;
use super::problem::Problem;
use crate::inputs::check_address;

/// A task that a worker can read.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedTask {
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// As it was stated, without nulls.
    pub json: String,
    /// Only a worker that knows the extension `options` does all that it asks for.
    pub needs_options: bool,
    /// The seed, where it states one.
    pub seed: Option<u64>,
}

impl CheckedTask {
    /// The same task with another seed.
    pub fn with_seed(&self, seed: u64) -> String {
        let mut task: serde_json::Map<String, Value> = serde_json::from_str(&self.json).unwrap_or_default();
        task.insert("seed".to_owned(), seed.into());
        Value::Object(task).to_string()
    }
}

/// Checks a task; `path` is where it stands in the request.
pub fn check(raw: &RawValue, path: &str) -> Result<CheckedTask, Problem> {
    let mut value: Value =
        serde_json::from_str(raw.get()).map_err(|error| Problem::invalid(path, error.to_string()))?;
    let Some(fields) = value.as_object_mut() else {
        return Err(Problem::invalid(
            path,
            "a task is an object like {\"kind\":\"image\",\"prompt\":\"...\"}",
        ));
    };
    // Readers of the protocol take null for absent, writers never send it.
    fields.retain(|_, value| !value.is_null());
    let kind = kind_of(fields.get("kind"), path)?;
    let task = match kind {
        TaskKind::Image => Task::Image(typed(&value, path)?),
        TaskKind::Llm => Task::Llm(typed(&value, path)?),
        TaskKind::AudioStt => Task::AudioStt(typed(&value, path)?),
        TaskKind::AudioTts => Task::AudioTts(typed(&value, path)?),
        TaskKind::Video => Task::Video(typed(&value, path)?),
        TaskKind::Mesh => Task::Mesh(typed(&value, path)?),
    };
    task.check().map_err(|error| Problem::invalid(format!("{path}.{}", error.field), error.problem))?;
    for address in task.inputs() {
        check_address(address).map_err(|problem| Problem::invalid(path, problem))?;
    }
    let seed = value.get("seed").and_then(Value::as_u64);
    Ok(CheckedTask { kind, json: value.to_string(), needs_options: states_options(&value), seed })
}

fn kind_of(value: Option<&Value>, path: &str) -> Result<TaskKind, Problem> {
    let field = format!("{path}.kind");
    match value {
        Some(Value::String(word)) => {
            word.parse().map_err(|error: studio_protocol::TaskError| Problem::invalid(field, error.problem))
        }
        Some(_) => Err(Problem::invalid(field, "the kind is a word like `image`")),
        None => Err(Problem::invalid(field, "missing field `kind`")),
    }
}

fn typed<T: DeserializeOwned>(value: &Value, path: &str) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let problem = told(&error);
        let field =
            problem.field.as_deref().map_or_else(|| path.to_owned(), |field| format!("{path}.{field}"));
        problem.at(field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(json: &str) -> Result<CheckedTask, Problem> {
        check(&RawValue::from_string(json.to_owned()).unwrap(), "task")
    }

    #[test]
    fn only_what_was_stated_is_kept() {
        let task =
            checked(r#"{"kind":"image","prompt":"fox","width":256,"seed":null,"later":true}"#).unwrap();
        assert_eq!(task.kind, TaskKind::Image);
        let kept: Value = serde_json::from_str(&task.json).unwrap();
        assert_eq!(kept, serde_json::json!({"kind": "image", "prompt": "fox", "width": 256, "later": true}));
    }

    #[test]
    fn fields_beyond_the_base_need_the_extension() {
        assert!(!checked(r#"{"kind":"image","prompt":"fox","clipSkip":null}"#).unwrap().needs_options);
        assert!(checked(r#"{"kind":"image","prompt":"fox","clipSkip":2}"#).unwrap().needs_options);
    }

    #[test]
    fn large_seeds_keep_every_digit() {
        let task = checked(r#"{"kind":"image","prompt":"x","seed":18446744073709551615}"#).unwrap();
        assert!(task.json.contains("18446744073709551615"), "{}", task.json);
    }

    #[test]
    fn the_wrong_field_is_named() {
        for (json, field) in [
            ("[]", "task"),
            ("7", "task"),
            ("{}", "task.kind"),
            (r#"{"kind":3}"#, "task.kind"),
            (r#"{"kind":"sculpture"}"#, "task.kind"),
            (r#"{"kind":"image"}"#, "task.prompt"),
            (r#"{"kind":"image","prompt":1}"#, "task.prompt"),
            (r#"{"kind":"image","prompt":"x","width":"wide"}"#, "task.width"),
            (r#"{"kind":"image","prompt":"x","width":0}"#, "task.width"),
            (r#"{"kind":"image","prompt":"x","steps":100000}"#, "task.steps"),
            (r#"{"kind":"image","prompt":"x","seed":-1}"#, "task.seed"),
            (r#"{"kind":"image","prompt":"x","ext":"../sh"}"#, "task.ext"),
            (r#"{"kind":"llm","messages":[]}"#, "task.messages"),
            (r#"{"kind":"llm","messages":[{"role":"user"}]}"#, "task.messages[0].content"),
            (r#"{"kind":"llm","messages":[{"role":"user","content":5}]}"#, "task.messages[0].content"),
            (r#"{"kind":"audio_stt"}"#, "task.inputUrl"),
            (r#"{"kind":"audio_stt","inputUrl":"x","timestamps":"day"}"#, "task.timestamps"),
            (r#"{"kind":"audio_tts"}"#, "task.text"),
            (r#"{"kind":"video","prompt":"x","seconds":1e9}"#, "task.seconds"),
            (r#"{"kind":"mesh"}"#, "task.imageUrl"),
        ] {
            let problem = checked(json).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{json}: {}", problem.detail);
            assert_eq!(problem.status, 400);
        }
    }
}
