//! From a request to a task.

use serde_json::{Map, Value, json};

use super::input;
use super::writer::ResponseWriter;
use crate::openai::sampling::{self, MAX_TOKENS, put};
use crate::{Asked, Failure, Fields, Origin, tools};

/// What would change the answer and cannot be done.
const REFUSED: [(&str, &str); 5] = [
    (
        "previous_response_id",
        "is not supported: responses are not kept, send the whole conversation as `input`",
    ),
    ("conversation", "is not supported: conversations are not kept, send the whole conversation as `input`"),
    (
        "background",
        "is not supported: responses are not kept; for work in the background submit a job to /api/v1/jobs",
    ),
    ("prompt", "is not supported: prompts are not kept, send `instructions` and `input`"),
    ("top_logprobs", "is not supported: engines do not tell the probabilities of tokens"),
];

/// Reads a request.
pub fn read(body: &Value, origin: &Origin) -> Result<Asked, Failure> {
    let body = Fields::of(body, "")?;
    let model = body.needed_text("model")?.to_owned();
    for (name, why) in REFUSED {
        body.refuse(name, why)?;
    }
    let mut task = Map::new();
    input::read(&body)?.put(&mut task);
    sampling::heat(&body, &mut task)?;
    put(&mut task, "maxTokens", body.whole("max_output_tokens", 1, MAX_TOKENS)?);
    put(&mut task, "jsonSchema", format(&body)?);
    if let Some(reasoning) = body.object("reasoning")? {
        put(&mut task, "reasoning", reasoning.text("effort")?);
    }
    state_tools(&body, &mut task)?;
    let parallel = body.flag("parallel_tool_calls")?;
    body.flag("store")?;
    let shown = shown(&body, parallel);
    Ok(Asked {
        stream: body.flag("stream")?.unwrap_or(false),
        one_call: parallel == Some(false),
        writer: Box::new(ResponseWriter::new(origin, &model, shown)),
        model,
        tasks: vec![Value::Object(task)],
    })
}

fn format(body: &Fields<'_>) -> Result<Option<Value>, Failure> {
    let Some(text) = body.object("text")? else { return Ok(None) };
    let Some(format) = text.object("format")? else { return Ok(None) };
    match format.needed_text("type")? {
        "text" => Ok(None),
        "json_object" => Ok(Some(json!({ "type": "object" }))),
        "json_schema" => {
            format.object("schema")?.ok_or_else(|| format.error("schema", "is missing"))?;
            Ok(format.get("schema").cloned())
        }
        other => Err(format.error("type", format!("`{other}` is none of text, json_object and json_schema"))),
    }
}

fn state_tools(body: &Fields<'_>, task: &mut Map<String, Value>) -> Result<(), Failure> {
    let mut listed = Vec::new();
    for tool in body.objects("tools")?.unwrap_or_default() {
        match tool.needed_text("type")? {
            "function" => listed.push(tools::read(&tool, "parameters")?),
            other => return Err(tool.error("type", format!("`{other}` is not supported: use `function`"))),
        }
    }
    let choice = match body.get("tool_choice") {
        None => None,
        Some(Value::String(word)) if ["none", "auto", "required"].contains(&word.as_str()) => {
            Some(Value::from(word.as_str()))
        }
        Some(Value::Object(_)) => {
            let choice = body.object("tool_choice")?.unwrap_or_else(|| body.clone());
            match choice.needed_text("type")? {
                "function" => Some(tools::chosen(choice.needed_text("name")?, &listed, &choice.at("name"))?),
                other => {
                    return Err(choice.error("type", format!("`{other}` is not supported: use `function`")));
                }
            }
        }
        Some(other) => {
            let wanted = "none of none, auto, required and a function";
            return Err(body.error("tool_choice", format!("`{other}` is {wanted}")));
        }
    };
    if listed.is_empty() {
        return match choice.as_ref().and_then(Value::as_str) {
            Some("required") => Err(body.error("tool_choice", "`required` needs at least one tool")),
            Some(_) | None => Ok(()),
        };
    }
    task.insert("tools".to_owned(), listed.into());
    put(task, "toolChoice", choice);
    Ok(())
}

/// The fields of a response that repeat the request.
fn shown(body: &Fields<'_>, parallel: Option<bool>) -> Map<String, Value> {
    let stated = |name: &str| body.get(name).cloned().unwrap_or_default();
    let or = |name: &str, usual: Value| body.get(name).cloned().unwrap_or(usual);
    let effort = body.get("reasoning").map(|reasoning| reasoning["effort"].clone()).unwrap_or_default();
    let format = body.get("text").and_then(|text| text.get("format")).filter(|format| !format.is_null());
    Map::from_iter(
        [
            ("instructions", stated("instructions")),
            ("max_output_tokens", stated("max_output_tokens")),
            ("metadata", or("metadata", json!({}))),
            ("parallel_tool_calls", parallel.unwrap_or(true).into()),
            ("previous_response_id", Value::Null),
            ("reasoning", json!({ "effort": effort, "summary": null })),
            // Whatever was asked for.
            ("store", false.into()),
            ("temperature", stated("temperature")),
            ("text", json!({ "format": format.cloned().unwrap_or_else(|| json!({ "type": "text" })) })),
            ("tool_choice", or("tool_choice", "auto".into())),
            ("tools", or("tools", json!([]))),
            ("top_p", stated("top_p")),
            ("truncation", "disabled".into()),
            ("user", stated("user")),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}
