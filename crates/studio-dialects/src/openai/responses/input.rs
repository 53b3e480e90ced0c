//! What a request says and has heard so far.

use serde_json::{Value, json};

use crate::openai::chat::Conversation;
use crate::{Failure, Fields};

pub(super) fn read(body: &Fields<'_>) -> Result<Conversation, Failure> {
    let mut conversation = Conversation::default();
    if let Some(instructions) = body.text("instructions")? {
        conversation.messages.push(json!({ "role": "system", "content": instructions }));
    }
    match body.get("input") {
        None => return Err(body.error("input", "is missing")),
        Some(Value::String(text)) => {
            conversation.messages.push(json!({ "role": "user", "content": text }));
        }
        Some(_) => {
            let items = body.objects("input")?.unwrap_or_default();
            if items.is_empty() {
                return Err(body.error("input", "is empty: there is nothing to answer"));
            }
            for item in &items {
                add(item, &mut conversation)?;
            }
        }
    }
    Ok(conversation)
}

fn add(item: &Fields<'_>, conversation: &mut Conversation) -> Result<(), Failure> {
    match item.text("type")?.unwrap_or("message") {
        "message" => message(item, conversation),
        "function_call" => {
            let (id, name) = (item.needed_text("call_id")?, item.needed_text("name")?);
            let arguments = item.text("arguments")?.unwrap_or("{}");
            let call =
                json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } });
            call_of(conversation, call);
            Ok(())
        }
        "function_call_output" => {
            let id = item.needed_text("call_id")?;
            let output = text(item, "output", "tool", conversation)?;
            conversation.messages.push(json!({ "role": "tool", "content": output, "toolCallId": id }));
            Ok(())
        }
        // Summaries of thoughts say nothing that a template could use.
        "reasoning" => Ok(()),
        "item_reference" => {
            Err(item.error("type", "`item_reference` is not supported: items are not kept, send them"))
        }
        other => Err(item.error("type", format!("`{other}` is not supported"))),
    }
}

/// Calls of one turn stand in one message.
fn call_of(conversation: &mut Conversation, call: Value) {
    if let Some(last) = conversation.messages.last_mut().filter(|last| last["role"] == "assistant") {
        match last["toolCalls"].as_array_mut() {
            Some(calls) => calls.push(call),
            None => last["toolCalls"] = json!([call]),
        }
        return;
    }
    conversation.messages.push(json!({ "role": "assistant", "content": "", "toolCalls": [call] }));
}

fn message(item: &Fields<'_>, conversation: &mut Conversation) -> Result<(), Failure> {
    let role = match item.needed_text("role")? {
        "developer" | "system" => "system",
        "user" => "user",
        "assistant" => "assistant",
        other => {
            let wanted = "none of developer, system, user and assistant";
            return Err(item.error("role", format!("`{other}` is {wanted}")));
        }
    };
    let content = text(item, "content", role, conversation)?;
    conversation.messages.push(json!({ "role": role, "content": content }));
    Ok(())
}

fn text(
    item: &Fields<'_>,
    field: &str,
    role: &str,
    conversation: &mut Conversation,
) -> Result<String, Failure> {
    let Some(Value::Array(_)) = item.get(field) else { return item.needed_text(field).map(str::to_owned) };
    let mut texts = Vec::new();
    for part in item.objects(field)?.unwrap_or_default() {
        match part.needed_text("type")? {
            "input_text" | "output_text" | "text" => texts.push(part.needed_text("text")?),
            "refusal" => texts.push(part.needed_text("refusal")?),
            "input_image" if role == "user" => {
                part.refuse("file_id", "is not supported: send the picture in `image_url`")?;
                conversation.see(part.needed_text("image_url")?, &part.at("image_url"))?;
            }
            other => {
                return Err(
                    part.error("type", format!("`{other}` is not supported in what role {role} says"))
                );
            }
        }
    }
    Ok(texts.join("\n"))
}
