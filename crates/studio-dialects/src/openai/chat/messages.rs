//! The conversation.

use serde_json::{Map, Value, json};
use studio_protocol::MAX_INPUTS;

use crate::{Failure, Fields, check_image};

/// Messages as tasks have them, and the pictures that they speak of.
#[derive(Debug, Default)]
pub(in crate::openai) struct Conversation {
    /// In their order.
    pub messages: Vec<Value>,
    /// Addresses.
    pub images: Vec<String>,
}

impl Conversation {
    /// States it in a task.
    pub fn put(self, task: &mut Map<String, Value>) {
        task.insert("messages".to_owned(), self.messages.into());
        if !self.images.is_empty() {
            task.insert("images".to_owned(), self.images.into());
        }
    }

    /// Adds a picture.
    pub fn see(&mut self, url: &str, path: &str) -> Result<(), Failure> {
        self.images.push(check_image(url, path)?.to_owned());
        if self.images.len() > MAX_INPUTS {
            return Err(Failure::invalid(path, format!("at most {MAX_INPUTS} pictures are allowed")));
        }
        Ok(())
    }
}

pub(super) fn read(body: &Fields<'_>) -> Result<Conversation, Failure> {
    let listed = body.objects("messages")?.ok_or_else(|| body.error("messages", "is missing"))?;
    if listed.is_empty() {
        return Err(body.error("messages", "is empty: a chat needs at least one message"));
    }
    let mut conversation = Conversation::default();
    for message in &listed {
        let told = one(message, &mut conversation)?;
        conversation.messages.push(told);
    }
    Ok(conversation)
}

fn one(message: &Fields<'_>, conversation: &mut Conversation) -> Result<Value, Failure> {
    let role = message.needed_text("role")?;
    let content = content(message, role, conversation)?;
    let needed = || content.clone().ok_or_else(|| message.error("content", "is missing"));
    match role {
        // A developer's word is the system's in every template.
        "developer" | "system" => Ok(json!({ "role": "system", "content": needed()? })),
        "user" => Ok(json!({ "role": "user", "content": needed()? })),
        "assistant" => {
            let calls = calls(message)?;
            let refusal = message.text("refusal")?.map(str::to_owned);
            if calls.is_none() && content.is_none() && refusal.is_none() {
                return Err(message.error("content", "is missing: an answer says something or calls tools"));
            }
            let mut told = json!({ "role": "assistant", "content": content.or(refusal).unwrap_or_default() });
            if let Some(calls) = calls {
                told["toolCalls"] = calls.into();
            }
            if let Some(thought) = message.text("reasoning_content")? {
                told["reasoningContent"] = thought.into();
            }
            Ok(told)
        }
        "tool" => {
            let id = message.needed_text("tool_call_id")?;
            let mut told = json!({ "role": "tool", "content": needed()?, "toolCallId": id });
            if let Some(name) = message.text("name")? {
                told["name"] = name.into();
            }
            Ok(told)
        }
        "function" => Err(message.error("role", "`function` is not supported: use `tool`")),
        other => Err(message
            .error("role", format!("`{other}` is none of developer, system, user, assistant and tool"))),
    }
}

/// The text of a message; its pictures go to the conversation.
fn content(
    message: &Fields<'_>,
    role: &str,
    conversation: &mut Conversation,
) -> Result<Option<String>, Failure> {
    if let Some(Value::Array(_)) = message.get("content") {
        let mut texts = Vec::new();
        for part in message.objects("content")?.unwrap_or_default() {
            match part.needed_text("type")? {
                "text" => texts.push(part.needed_text("text")?),
                "refusal" if role == "assistant" => texts.push(part.needed_text("refusal")?),
                "image_url" if role == "user" => {
                    let place = part.at("image_url");
                    let (url, path) = if let Some(Value::String(url)) = part.get("image_url") {
                        (url.as_str(), place)
                    } else {
                        let image = part.object("image_url")?;
                        let image = image.ok_or_else(|| part.error("image_url", "is missing"))?;
                        (image.needed_text("url")?, image.at("url"))
                    };
                    conversation.see(url, &path)?;
                }
                other => {
                    return Err(
                        part.error("type", format!("`{other}` is not supported in a message of role {role}"))
                    );
                }
            }
        }
        return Ok(Some(texts.join("\n")));
    }
    Ok(message.text("content")?.map(str::to_owned))
}

fn calls(message: &Fields<'_>) -> Result<Option<Vec<Value>>, Failure> {
    message.refuse("function_call", "is not supported: use `tool_calls`")?;
    let Some(listed) = message.objects("tool_calls")? else { return Ok(None) };
    let read = |call: &Fields<'_>| {
        let function = call.object("function")?.ok_or_else(|| call.error("function", "is missing"))?;
        let (name, arguments) = (function.needed_text("name")?, function.text("arguments")?.unwrap_or("{}"));
        let id = call.needed_text("id")?;
        Ok(json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } }))
    };
    let calls: Vec<Value> = listed.iter().map(read).collect::<Result<_, Failure>>()?;
    Ok(Some(calls).filter(|calls| !calls.is_empty()))
}
