//! Grammars: an answer that fits a JSON schema, and a call that must be made.

use engine_protocol::Failure;
use serde_json::{Value, json};

use super::{CallFormat, Tools, parameters};

/// Schemas of this size are compiled in milliseconds; far larger ones are a mistake or an attack.
const MAX_SCHEMA_BYTES: usize = 256 * 1024;

/// The grammar of everything that fits `schema`.
pub fn schema_grammar(schema: &Value) -> Result<String, Failure> {
    let schema = schema.to_string();
    if schema.len() > MAX_SCHEMA_BYTES {
        let problem = format!("jsonSchema: {} bytes, at most {MAX_SCHEMA_BYTES} are allowed", schema.len());
        return Err(Failure::bad_input(problem));
    }
    llama_cpp_2::json_schema_to_grammar(&schema)
        .map_err(|_| Failure::bad_input("jsonSchema: it cannot be turned into a grammar"))
}

/// The grammar of one call of the tools that the task insists on; `None` where it leaves the choice.
pub fn forced_grammar(tools: &Tools, format: CallFormat) -> Result<Option<String>, Failure> {
    let forced = tools.forced();
    if forced.is_empty() {
        return Ok(None);
    }
    let arguments = if format == CallFormat::Llama3 { "parameters" } else { "arguments" };
    let calls: Vec<Value> = forced.iter().map(|tool| call(tool, arguments)).collect();
    let schema = if calls.len() == 1 { calls[0].clone() } else { json!({ "anyOf": calls }) };
    let body = schema_grammar(&schema)?;
    let body: String = body.lines().map(renamed).collect();
    let root = match format {
        CallFormat::Hermes => r#"root ::= "<tool_call>\n" the-call "\n</tool_call>""#,
        CallFormat::Llama3 => "root ::= the-call",
        CallFormat::Mistral => r#"root ::= "[TOOL_CALLS][" the-call "]""#,
    };
    Ok(Some(format!("{root}\n{body}")))
}

fn call(tool: &Value, arguments: &str) -> Value {
    json!({
        "type": "object",
        "properties": { "name": { "const": tool["function"]["name"] }, arguments: parameters(tool) },
        "required": ["name", arguments],
        "additionalProperties": false,
    })
}

fn renamed(line: &str) -> String {
    match line.strip_prefix("root ::=") {
        Some(rest) => format!("the-call ::={rest}\n"),
        None => format!("{line}\n"),
    }
}
