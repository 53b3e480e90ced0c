//! Tools, in the shape that tasks have them.

use serde_json::{Map, Value, json};

use crate::{Failure, Fields};

/// A tool of a task: its name, what it is for, and the schema of its arguments.
pub(crate) fn function(name: &str, description: Option<&str>, parameters: Option<&Value>) -> Value {
    let mut function = Map::from_iter([("name".to_owned(), Value::from(name))]);
    if let Some(description) = description {
        function.insert("description".to_owned(), description.into());
    }
    if let Some(parameters) = parameters {
        function.insert("parameters".to_owned(), parameters.clone());
    }
    json!({ "type": "function", "function": function })
}

/// Reads `{name, description, parameters}`, wherever a dialect has put them.
pub(crate) fn read(fields: &Fields<'_>, schema: &str) -> Result<Value, Failure> {
    let name = fields.needed_text("name")?;
    if name.is_empty() {
        return Err(fields.error("name", "is empty"));
    }
    let parameters = fields.object(schema)?.and(fields.get(schema));
    Ok(function(name, fields.text("description")?, parameters))
}

/// The one tool that must be called, as tasks state it; it must be one of `tools`.
pub(crate) fn chosen(name: &str, tools: &[Value], path: &str) -> Result<Value, Failure> {
    if tools.iter().any(|tool| tool["function"]["name"] == name) {
        return Ok(json!({ "type": "function", "function": { "name": name } }));
    }
    Err(Failure::invalid(path, format!("no tool is called `{name}`")))
}
