//! Content blocks: what was said, shown, called and answered.

use serde_json::{Value, json};

use crate::{Failure, Fields, check_image};

pub(super) fn system(body: &Fields<'_>) -> Result<Option<String>, Failure> {
    let Some(Value::Array(_)) = body.get("system") else {
        return Ok(body.text("system")?.map(str::to_owned));
    };
    let mut texts = Vec::new();
    for block in body.objects("system")?.unwrap_or_default() {
        match block.needed_text("type")? {
            "text" => texts.push(block.needed_text("text")?),
            other => return Err(block.error("type", format!("`{other}` is not supported here"))),
        }
    }
    Ok(Some(texts.join("\n\n")))
}

/// Messages as tasks have them, and the pictures that they speak of.
pub(super) fn conversation(body: &Fields<'_>) -> Result<(Vec<Value>, Vec<String>), Failure> {
    let listed = body.objects("messages")?.ok_or_else(|| body.error("messages", "is missing"))?;
    let mut turns = Turns::default();
    for message in &listed {
        match message.needed_text("role")? {
            "user" => turns.user(message)?,
            "assistant" => turns.assistant(message)?,
            "system" => {
                let text = plain(message, "content")?;
                turns.messages.push(json!({ "role": "system", "content": text }));
            }
            other => return Err(message.error("role", format!("`{other}` is neither user nor assistant"))),
        }
    }
    match turns.messages.last().map(|last| last["role"] == "assistant") {
        None => Err(body.error("messages", "is empty: a chat needs at least one message")),
        Some(true) => Err(body.error(
            "messages",
            "the last one is the assistant's: an answer is not continued, let the user speak last",
        )),
        Some(false) => Ok((turns.messages, turns.images)),
    }
}

#[derive(Default)]
struct Turns {
    messages: Vec<Value>,
    images: Vec<String>,
}

impl Turns {
    /// Results of tools stand before what else is said.
    fn user(&mut self, message: &Fields<'_>) -> Result<(), Failure> {
        let Some(Value::Array(_)) = message.get("content") else {
            let content = message.needed_text("content")?;
            self.messages.push(json!({ "role": "user", "content": content }));
            return Ok(());
        };
        let (mut texts, mut has_results, mut has_images) = (Vec::new(), false, false);
        for block in message.objects("content")?.unwrap_or_default() {
            match block.needed_text("type")? {
                "text" => texts.push(block.needed_text("text")?),
                "image" => {
                    self.image(&block)?;
                    has_images = true;
                }
                "tool_result" => {
                    self.result(&block)?;
                    has_results = true;
                }
                other => {
                    return Err(
                        block.error("type", format!("`{other}` is not supported in what a user says"))
                    );
                }
            }
        }
        if !texts.is_empty() || has_images || !has_results {
            self.messages.push(json!({ "role": "user", "content": texts.join("\n") }));
        }
        Ok(())
    }

    fn image(&mut self, block: &Fields<'_>) -> Result<(), Failure> {
        let source = block.object("source")?.ok_or_else(|| block.error("source", "is missing"))?;
        match source.needed_text("type")? {
            "base64" => {
                let (mime, data) = (source.needed_text("media_type")?, source.needed_text("data")?);
                let url = format!("data:{mime};base64,{data}");
                check_image(&url, &source.at("media_type"))?;
                self.images.push(url);
            }
            "url" => {
                let url = source.needed_text("url")?;
                self.images.push(check_image(url, &source.at("url"))?.to_owned());
            }
            other => return Err(source.error("type", format!("`{other}` is neither base64 nor url"))),
        }
        Ok(())
    }

    fn result(&mut self, block: &Fields<'_>) -> Result<(), Failure> {
        let id = block.needed_text("tool_use_id")?;
        let mut texts = Vec::new();
        match block.get("content") {
            None => {}
            Some(Value::Array(_)) => {
                for part in block.objects("content")?.unwrap_or_default() {
                    match part.needed_text("type")? {
                        "text" => texts.push(part.needed_text("text")?),
                        "image" => self.image(&part)?,
                        other => {
                            return Err(
                                part.error("type", format!("`{other}` is not supported in a tool's result"))
                            );
                        }
                    }
                }
            }
            Some(_) => texts.extend(block.text("content")?),
        }
        let text = texts.join("\n");
        let content = if block.flag("is_error")?.unwrap_or(false) { format!("Error: {text}") } else { text };
        self.messages.push(json!({ "role": "tool", "content": content, "toolCallId": id }));
        Ok(())
    }

    fn assistant(&mut self, message: &Fields<'_>) -> Result<(), Failure> {
        let Some(Value::Array(_)) = message.get("content") else {
            let content = message.needed_text("content")?;
            self.messages.push(json!({ "role": "assistant", "content": content }));
            return Ok(());
        };
        let (mut texts, mut thoughts, mut calls) = (Vec::new(), Vec::new(), Vec::new());
        for block in message.objects("content")?.unwrap_or_default() {
            match block.needed_text("type")? {
                "text" => texts.push(block.needed_text("text")?),
                "thinking" => thoughts.push(block.needed_text("thinking")?),
                "redacted_thinking" => {}
                "tool_use" => {
                    let (id, name) = (block.needed_text("id")?, block.needed_text("name")?);
                    block.object("input")?;
                    let arguments = block.get("input").map_or_else(|| "{}".to_owned(), Value::to_string);
                    let function = json!({ "name": name, "arguments": arguments });
                    calls.push(json!({ "id": id, "type": "function", "function": function }));
                }
                other => {
                    return Err(
                        block.error("type", format!("`{other}` is not supported in what an assistant says"))
                    );
                }
            }
        }
        let mut told = json!({ "role": "assistant", "content": texts.join("\n") });
        if !thoughts.is_empty() {
            told["reasoningContent"] = thoughts.join("\n").into();
        }
        if !calls.is_empty() {
            told["toolCalls"] = calls.into();
        }
        self.messages.push(told);
        Ok(())
    }
}

fn plain(fields: &Fields<'_>, name: &str) -> Result<String, Failure> {
    let Some(Value::Array(_)) = fields.get(name) else { return fields.needed_text(name).map(str::to_owned) };
    let blocks = fields.objects(name)?.unwrap_or_default();
    let texts = blocks.iter().map(|block| block.needed_text("text")).collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join("\n"))
}
