//! Tools: which way of calling them a template teaches, and the calls in what a model says.

mod grammar;
mod parse;

use engine_protocol::Failure;
use serde_json::{Map, Value, json};

pub use grammar::{forced_grammar, schema_grammar};
pub use parse::Calls;

/// How a model writes down that it calls a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFormat {
    /// `<tool_call>{"name": .., "arguments": ..}</tool_call>`, any number.
    Hermes,
    /// `{"name": .., "parameters": ..}`, perhaps after `<|python_tag|>`.
    Llama3,
    /// `[TOOL_CALLS][{"name": .., "arguments": ..}]`.
    Mistral,
}

impl CallFormat {
    /// What the template shows its model.
    pub fn of_template(template: &str) -> Self {
        if template.contains("[TOOL_CALLS]") {
            Self::Mistral
        } else if template.contains("<tool_call>") || !template.contains("\"parameters\"") {
            Self::Hermes
        } else {
            Self::Llama3
        }
    }

    /// Tokens that announce a call; control tokens among them must be printed to be seen.
    pub const MARKS: [&str; 4] = ["<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<|python_tag|>"];
}

/// Which tools must be called.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// As the model likes.
    Auto,
    /// Any of them, but one.
    Required,
    /// This one.
    One(String),
}

/// The tools of a task that are on the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Tools {
    /// In OpenAI's shape.
    pub list: Vec<Value>,
    /// Which must be called.
    pub choice: Choice,
}

impl Tools {
    /// Reads `tools` and `toolChoice`; `None` where there is nothing to call.
    pub fn read(tools: Option<&[Value]>, choice: Option<&Value>) -> Result<Option<Self>, Failure> {
        let list: Vec<Value> = tools.unwrap_or_default().iter().map(function).collect::<Result<_, _>>()?;
        let choice = match choice {
            None | Some(Value::Null) => Choice::Auto,
            Some(Value::String(word)) => match word.as_str() {
                "auto" => Choice::Auto,
                "none" => return Ok(None),
                "required" => Choice::Required,
                other => {
                    let problem =
                        format!("toolChoice: `{other}` is none of auto, none, required, or a function");
                    return Err(Failure::bad_input(problem));
                }
            },
            Some(other) => match other.pointer("/function/name").and_then(Value::as_str) {
                Some(name) => Choice::One(name.to_owned()),
                None => {
                    return Err(Failure::bad_input(format!(
                        "toolChoice: `{}` names no function",
                        short(other)
                    )));
                }
            },
        };
        let known = |name: &str| list.iter().any(|tool| tool["function"]["name"] == name);
        match &choice {
            Choice::One(name) if !known(name) => {
                Err(Failure::bad_input(format!("toolChoice: no tool is called `{name}`")))
            }
            Choice::Required if list.is_empty() => {
                Err(Failure::bad_input("toolChoice: `required` needs at least one tool"))
            }
            Choice::Auto | Choice::Required | Choice::One(_) if list.is_empty() => Ok(None),
            Choice::Auto | Choice::Required | Choice::One(_) => Ok(Some(Self { list, choice })),
        }
    }

    /// Those that a forced call may name.
    pub fn forced(&self) -> Vec<&Value> {
        match &self.choice {
            Choice::Auto => Vec::new(),
            Choice::Required => self.list.iter().collect(),
            Choice::One(name) => self.list.iter().filter(|tool| tool["function"]["name"] == *name).collect(),
        }
    }
}

/// One tool in the shape that templates expect: `{type, function: {name, description, parameters}}`.
fn function(tool: &Value) -> Result<Value, Failure> {
    let function = tool.get("function").unwrap_or(tool);
    let named = function.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    if !named {
        return Err(Failure::bad_input(format!("tools: `{}` has no function with a name", short(tool))));
    }
    if tool.get("function").is_some() && tool.get("type").is_some() {
        return Ok(tool.clone());
    }
    Ok(json!({ "type": "function", "function": function }))
}

/// The parameters of a tool; none means any object.
fn parameters(tool: &Value) -> Value {
    match &tool["function"]["parameters"] {
        Value::Object(schema) if !schema.is_empty() => Value::Object(schema.clone()),
        Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_) => Value::Object(Map::from_iter([("type".to_owned(), Value::from("object"))])),
    }
}

/// Characters of a value that a message quotes.
const QUOTED: usize = 80;

fn short(value: &Value) -> String {
    value.to_string().chars().take(QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_openai_writes_them() {
        let tools =
            [json!({"type": "function", "function": {"name": "a"}}), json!({"name": "b", "parameters": {}})];
        let read = |choice: Value| Tools::read(Some(&tools), Some(&choice));
        assert_eq!(read(json!("auto")).unwrap().unwrap().choice, Choice::Auto);
        assert_eq!(read(json!("none")).unwrap(), None);
        assert_eq!(read(json!("required")).unwrap().unwrap().forced().len(), 2);
        let one = read(json!({"type": "function", "function": {"name": "b"}})).unwrap().unwrap();
        assert_eq!(one.forced()[0]["function"]["name"], "b");
        assert!(read(json!({"function": {"name": "c"}})).unwrap_err().message.contains("`c`"));
        assert!(read(json!("maybe")).unwrap_err().message.contains("`maybe`"));
        assert!(Tools::read(Some(&[json!({"type": "function"})]), None).is_err());
        assert_eq!(Tools::read(None, None).unwrap(), None);
    }

    #[test]
    fn a_template_shows_its_format() {
        assert_eq!(CallFormat::of_template("... <tool_call> ..."), CallFormat::Hermes);
        assert_eq!(CallFormat::of_template("[TOOL_CALLS] ["), CallFormat::Mistral);
        assert_eq!(
            CallFormat::of_template(r#"{"name": function name, "parameters": ...}"#),
            CallFormat::Llama3
        );
    }
}
