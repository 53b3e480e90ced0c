//! From a request to tasks.

use serde_json::{Map, Value, json};

use super::messages;
use super::writer::ChatWriter;
use crate::openai::sampling::{self, MAX_TOKENS, put};
use crate::{Asked, Failure, Fields, Origin, tools};

/// What no engine of a fleet does, and why that is not passed over.
const REFUSED: [(&str, &str); 7] = [
    ("logprobs", "is not supported: engines do not tell the probabilities of tokens"),
    ("top_logprobs", "is not supported: engines do not tell the probabilities of tokens"),
    ("functions", "is not supported: use `tools`"),
    ("function_call", "is not supported: use `tool_choice`"),
    ("audio", "is not supported here: send the text of the answer to /v1/audio/speech"),
    ("web_search_options", "is not supported: a fleet does not search the web"),
    ("moderation", "is not supported: answers are not judged"),
];

/// Reads a request.
pub fn read(body: &Value, origin: &Origin) -> Result<Asked, Failure> {
    let body = Fields::of(body, "")?;
    let model = body.needed_text("model")?.to_owned();
    for (name, why) in REFUSED {
        body.refuse(name, why)?;
    }
    if body.texts("modalities")?.is_some_and(|kinds| kinds.iter().any(|kind| *kind != "text")) {
        return Err(body.error("modalities", "an answer is `text`: nothing else is supported here"));
    }
    let mut task = Map::new();
    let conversation = messages::read(&body)?;
    conversation.put(&mut task);
    sampling::common(&body, &mut task)?;
    let longest = match body.whole("max_completion_tokens", 1, MAX_TOKENS)? {
        Some(tokens) => Some(tokens),
        None => body.whole("max_tokens", 1, MAX_TOKENS)?,
    };
    put(&mut task, "maxTokens", longest);
    put(&mut task, "jsonSchema", format(&body)?);
    put(&mut task, "reasoning", body.text("reasoning_effort")?);
    put(
        &mut task,
        "chatTemplateKwargs",
        body.object("chat_template_kwargs")?.and(body.get("chat_template_kwargs")).cloned(),
    );
    state_tools(&body, &mut task)?;
    let stream = body.flag("stream")?.unwrap_or(false);
    let n = sampling::choices(&body)?;
    let writer = ChatWriter::new(origin, &model, n, sampling::include_usage(&body, stream)?);
    Ok(Asked {
        model,
        tasks: sampling::repeat(&task, sampling::seed(&body)?, n),
        stream,
        one_call: body.flag("parallel_tool_calls")? == Some(false),
        writer: Box::new(writer),
    })
}

/// The schema that an answer must fit.
fn format(body: &Fields<'_>) -> Result<Option<Value>, Failure> {
    let Some(format) = body.object("response_format")? else { return Ok(None) };
    match format.needed_text("type")? {
        "text" => Ok(None),
        "json_object" => Ok(Some(json!({ "type": "object" }))),
        "json_schema" => {
            let named =
                format.object("json_schema")?.ok_or_else(|| format.error("json_schema", "is missing"))?;
            named.object("schema")?;
            Ok(Some(named.get("schema").cloned().unwrap_or_else(|| json!({ "type": "object" }))))
        }
        other => Err(format.error("type", format!("`{other}` is none of text, json_object and json_schema"))),
    }
}

fn state_tools(body: &Fields<'_>, task: &mut Map<String, Value>) -> Result<(), Failure> {
    let mut listed = Vec::new();
    for tool in body.objects("tools")?.unwrap_or_default() {
        match tool.text("type")?.unwrap_or("function") {
            "function" => {}
            other => return Err(tool.error("type", format!("`{other}` is not supported: use `function`"))),
        }
        let function = tool.object("function")?.ok_or_else(|| tool.error("function", "is missing"))?;
        listed.push(tools::read(&function, "parameters")?);
    }
    let choice = match body.get("tool_choice") {
        None => None,
        Some(Value::String(word)) => match word.as_str() {
            "none" | "auto" | "required" => Some(Value::from(word.as_str())),
            other => {
                let wanted = "none of none, auto, required and a function";
                return Err(body.error("tool_choice", format!("`{other}` is {wanted}")));
            }
        },
        Some(_) => {
            let choice = body.object("tool_choice")?.unwrap_or_else(|| body.clone());
            match choice.needed_text("type")? {
                "function" => {}
                other => {
                    return Err(choice.error("type", format!("`{other}` is not supported: use `function`")));
                }
            }
            let function =
                choice.object("function")?.ok_or_else(|| choice.error("function", "is missing"))?;
            Some(tools::chosen(function.needed_text("name")?, &listed, &function.at("name"))?)
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
