//! From a request to a task.

use serde_json::{Map, Value, json};
use studio_protocol::MAX_INPUTS;

use super::blocks;
use super::writer::MessageWriter;
use crate::{Asked, Failure, Fields, Origin, tools};

/// Stop texts of one request.
const MAX_STOPS: usize = 16;

/// Reads a request.
pub fn read(body: &Value, origin: &Origin) -> Result<Asked, Failure> {
    let body = Fields::of(body, "")?;
    let model = body.needed_text("model")?.to_owned();
    let longest = body.whole("max_tokens", 1, u64::from(u32::MAX))?;
    let longest = longest.ok_or_else(|| body.error("max_tokens", "is missing"))?;
    body.refuse("mcp_servers", "is not supported: a fleet does not call other servers")?;
    body.refuse("container", "is not supported: a fleet runs no code")?;
    let mut task = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            task.insert(name.to_owned(), value);
        }
    };
    put("maxTokens", Some(longest.into()));
    put("temperature", body.number("temperature", 0.0, 1.0)?.map(Value::from));
    put("topP", body.number("top_p", 0.0, 1.0)?.map(Value::from));
    put("topK", body.whole("top_k", 0, u64::from(u32::MAX))?.filter(|&k| k > 0).map(Value::from));
    if let Some(stops) = body.texts("stop_sequences")?.filter(|stops| !stops.is_empty()) {
        if stops.len() > MAX_STOPS {
            let detail = format!("{} texts, at most {MAX_STOPS} are allowed", stops.len());
            return Err(body.error("stop_sequences", detail));
        }
        put("stop", Some(json!(stops)));
    }
    put("system", blocks::system(&body)?.map(Value::from));
    let (messages, images) = blocks::conversation(&body)?;
    put("messages", Some(messages.into()));
    if images.len() > MAX_INPUTS {
        return Err(body.error("messages", format!("at most {MAX_INPUTS} pictures are allowed")));
    }
    put("images", Some(json!(images)).filter(|_| !images.is_empty()));
    let thinks = thinks(&body)?;
    // Who did not ask for thoughts does not wait for them, where the model can be told so.
    put("reasoning", Some(thinks.into()));
    let (listed, choice, one_call) = state_tools(&body)?;
    put("toolChoice", choice.filter(|_| !listed.is_empty()));
    put("tools", Some(json!(listed)).filter(|_| !listed.is_empty()));
    Ok(Asked {
        stream: body.flag("stream")?.unwrap_or(false),
        one_call,
        writer: Box::new(MessageWriter::new(origin, &model, thinks)),
        model,
        tasks: vec![Value::Object(task)],
    })
}

fn thinks(body: &Fields<'_>) -> Result<bool, Failure> {
    let Some(thinking) = body.object("thinking")? else { return Ok(false) };
    match thinking.needed_text("type")? {
        "enabled" | "adaptive" => Ok(true),
        "disabled" => Ok(false),
        other => Err(thinking.error("type", format!("`{other}` is none of enabled, adaptive and disabled"))),
    }
}

fn state_tools(body: &Fields<'_>) -> Result<(Vec<Value>, Option<Value>, bool), Failure> {
    let mut listed = Vec::new();
    for tool in body.objects("tools")?.unwrap_or_default() {
        match tool.text("type")?.unwrap_or("custom") {
            "custom" => listed.push(tools::read(&tool, "input_schema")?),
            other => {
                let why =
                    format!("`{other}` is not supported: a fleet has no tools of its own, use `custom`");
                return Err(tool.error("type", why));
            }
        }
    }
    let Some(choice) = body.object("tool_choice")? else { return Ok((listed, None, false)) };
    let one_call = choice.flag("disable_parallel_tool_use")?.unwrap_or(false);
    let stated = match choice.needed_text("type")? {
        "auto" => json!("auto"),
        "none" => json!("none"),
        "any" if listed.is_empty() => return Err(choice.error("type", "`any` needs at least one tool")),
        "any" => json!("required"),
        "tool" => tools::chosen(choice.needed_text("name")?, &listed, &choice.at("name"))?,
        other => return Err(choice.error("type", format!("`{other}` is none of auto, any, tool and none"))),
    };
    Ok((listed, Some(stated), one_call))
}
