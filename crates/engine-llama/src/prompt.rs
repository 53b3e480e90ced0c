//! From a task to the text that the model continues.

use engine_protocol::Failure;
use serde_json::{Map, Value, json};
use studio_protocol::{ChatMessage, LlmTask};

use crate::template::Template;
use crate::tools::Tools;

/// What surrounds a task.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The model's template.
    pub template: &'a Template,
    /// The model's own template variables.
    pub kwargs: &'a Map<String, Value>,
    /// The text of the first token of a text.
    pub bos: &'a str,
    /// The text of the last token of a text.
    pub eos: &'a str,
    /// What stands for a picture.
    pub picture: &'a str,
}

/// Renders the conversation.
pub fn render(task: &LlmTask, tools: Option<&Tools>, around: &Surroundings<'_>) -> Result<String, Failure> {
    let with_tools = tools.is_some();
    if with_tools && !around.template.uses("tools", true) {
        return Err(Failure::bad_input("tools: the chat template of this model has no place for them"));
    }
    let messages = conversation(task, around.picture)?;
    let mut variables = variables(task, tools, around)?;
    // Most templates want the arguments of a call as an object, a few as the text that OpenAI gives.
    let attempts = [messages_as(&messages, true), messages_as(&messages, false), without_system(&messages)];
    let mut first = None;
    for attempt in attempts {
        variables.insert("messages".to_owned(), Value::Array(attempt));
        match around.template.render(&variables, with_tools) {
            Ok(prompt) => return Ok(prompt),
            Err(problem) => first = first.or(Some(problem)),
        }
    }
    Err(first.unwrap_or_else(|| Failure::internal("no prompt was made")))
}

fn variables(
    task: &LlmTask,
    tools: Option<&Tools>,
    around: &Surroundings<'_>,
) -> Result<Map<String, Value>, Failure> {
    let mut variables = Map::new();
    let mut set = |name: &str, value: Value| variables.insert(name.to_owned(), value);
    set("add_generation_prompt", Value::Bool(true));
    set("bos_token", Value::from(around.bos));
    set("eos_token", Value::from(around.eos));
    if let Some(tools) = tools {
        set("tools", Value::Array(tools.list.clone()));
    }
    if let Some(wish) = task.reasoning.as_ref().filter(|wish| !wish.is_null()) {
        let (enabled, effort) = reasoning(wish)?;
        set("enable_thinking", Value::Bool(enabled));
        if let Some(effort) = effort {
            set("reasoning_effort", Value::from(effort));
        }
    }
    let own = match &task.chat_template_kwargs {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(own)) => own.clone(),
        Some(other) => {
            return Err(Failure::bad_input(format!("chatTemplateKwargs: `{other}` is not an object")));
        }
    };
    for (name, value) in around.kwargs.iter().chain(&own) {
        variables.insert(name.clone(), value.clone());
    }
    Ok(variables)
}

/// Whether to think, and how hard: `true`, `"low"`, `{"effort": "low"}`, `{"enabled": false}`, ...
fn reasoning(wish: &Value) -> Result<(bool, Option<&str>), Failure> {
    let off = |word: &str| matches!(word, "none" | "off" | "false" | "disabled");
    match wish {
        Value::Bool(enabled) => Ok((*enabled, None)),
        Value::String(word) if off(word) => Ok((false, None)),
        Value::String(effort) => Ok((true, Some(effort))),
        Value::Object(fields) => {
            let effort = fields.get("effort").and_then(Value::as_str);
            let enabled = fields.get("enabled").and_then(Value::as_bool);
            let enabled = enabled.unwrap_or(!effort.is_some_and(off));
            Ok((enabled, effort.filter(|word| !off(word))))
        }
        Value::Null | Value::Number(_) | Value::Array(_) => Err(Failure::bad_input(format!(
            "reasoning: `{wish}` is neither true, false, an effort nor an object"
        ))),
    }
}

/// The messages with the system text in front and the pictures in the last thing that the user said.
fn conversation(task: &LlmTask, picture: &str) -> Result<Vec<ChatMessage>, Failure> {
    let mut messages = task.messages.clone();
    if let Some(system) = task.system.as_ref().filter(|system| !system.is_empty()) {
        if let Some(first) = messages.first_mut().filter(|first| first.role == "system") {
            first.content = format!("{system}\n\n{}", first.content);
        } else {
            let (role, content) = ("system".to_owned(), system.clone());
            messages.insert(0, ChatMessage { role, content, ..ChatMessage::default() });
        }
    }
    if task.images.is_empty() {
        return Ok(messages);
    }
    if messages.iter().any(|message| message.content.contains(picture)) {
        return Err(Failure::bad_input(format!(
            "messages: `{picture}` stands for a picture and may not be said"
        )));
    }
    let last = messages.iter_mut().rev().find(|message| message.role == "user");
    let last =
        last.ok_or_else(|| Failure::bad_input("images: no message of the user that could speak of them"))?;
    last.content = format!("{}\n{}", picture.repeat(task.images.len()), last.content);
    Ok(messages)
}

fn messages_as(messages: &[ChatMessage], objects: bool) -> Vec<Value> {
    messages.iter().map(|message| message_as(message, objects)).collect()
}

fn message_as(message: &ChatMessage, objects: bool) -> Value {
    let mut out = json!({ "role": message.role, "content": message.content });
    if let Some(calls) = &message.tool_calls {
        let calls = if objects { with_objects(calls) } else { calls.clone() };
        out["tool_calls"] = Value::Array(calls);
    }
    for (name, value) in [
        ("tool_call_id", &message.tool_call_id),
        ("name", &message.name),
        ("reasoning_content", &message.reasoning_content),
    ] {
        if let Some(value) = value {
            out[name] = Value::from(value.as_str());
        }
    }
    out
}

fn with_objects(calls: &[Value]) -> Vec<Value> {
    let mut calls = calls.to_vec();
    for call in &mut calls {
        let Some(arguments) = call.pointer_mut("/function/arguments") else { continue };
        let parsed = arguments.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        if let Some(object) = parsed.filter(Value::is_object) {
            *arguments = object;
        }
    }
    calls
}

/// For models that know no system role: its text goes before what the user says first.
fn without_system(messages: &[ChatMessage]) -> Vec<Value> {
    let mut messages = messages.to_vec();
    if messages.first().is_some_and(|first| first.role == "system") {
        let system = messages.remove(0);
        if let Some(first) = messages.iter_mut().find(|message| message.role == "user") {
            first.content = format!("{}\n\n{}", system.content, first.content);
        }
    }
    messages_as(&messages, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str, task: Value) -> Result<String, String> {
        let template = Template::compile(template, None).map_err(|failure| failure.message)?;
        let task: LlmTask = serde_json::from_value(task).unwrap();
        let tools = Tools::read(task.tools.as_deref(), task.tool_choice.as_ref()).unwrap();
        let kwargs = Map::from_iter([("style".to_owned(), Value::from("plain"))]);
        let around =
            Surroundings { template: &template, kwargs: &kwargs, bos: "<s>", eos: "</s>", picture: "<p>" };
        render(&task, tools.as_ref(), &around).map_err(|failure| failure.message)
    }

    const PLAIN: &str = "{% for m in messages %}[{{ m.role }}:{{ m.content }}]{% endfor %}";

    #[test]
    fn the_system_text_comes_first() {
        let user = json!([{"role": "user", "content": "hi"}]);
        assert_eq!(
            rendered(PLAIN, json!({"messages": user, "system": "be kind"})).unwrap(),
            "[system:be kind][user:hi]"
        );
        let both = json!([{"role": "system", "content": "b"}, {"role": "user", "content": "hi"}]);
        assert_eq!(
            rendered(PLAIN, json!({"messages": both, "system": "a"})).unwrap(),
            "[system:a\n\nb][user:hi]"
        );
        let refusing = format!(
            "{{% if messages[0].role == 'system' %}}{{{{ raise_exception('no') }}}}{{% endif %}}{PLAIN}"
        );
        assert_eq!(rendered(&refusing, json!({"messages": user, "system": "a"})).unwrap(), "[user:a\n\nhi]");
    }

    #[test]
    fn variables_reach_the_template() {
        let show = "{{ style }} {{ enable_thinking }} {{ reasoning_effort }} {{ bos_token }}{{ eos_token }}";
        let ask = |more: Value| {
            let mut task = json!({"messages": [{"role": "user", "content": "hi"}]});
            task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            rendered(show, task).unwrap()
        };
        assert_eq!(ask(json!({})), "plain   <s></s>");
        assert_eq!(ask(json!({"reasoning": false})), "plain False  <s></s>");
        assert_eq!(ask(json!({"reasoning": {"effort": "low"}})), "plain True low <s></s>");
        assert_eq!(
            ask(json!({"chatTemplateKwargs": {"style": "rich"}, "reasoning": "none"})),
            "rich False  <s></s>"
        );
    }

    #[test]
    fn calls_of_earlier_answers_are_objects_where_that_works() {
        let calls =
            json!([{"id": "1", "type": "function", "function": {"name": "a", "arguments": "{\"x\": 1}"}}]);
        let task = json!({"messages": [{"role": "assistant", "content": "", "toolCalls": calls},
            {"role": "tool", "content": "2", "toolCallId": "1", "name": "a"}]});
        let object =
            "{{ messages[0].tool_calls[0].function.arguments | tojson }} {{ messages[1].tool_call_id }}";
        assert_eq!(rendered(object, task.clone()).unwrap(), "{\"x\": 1} 1");
        let text = "{{ 'args: ' + messages[0].tool_calls[0].function.arguments }}";
        assert_eq!(rendered(text, task).unwrap(), "args: {\"x\": 1}");
    }

    #[test]
    fn tools_need_a_place() {
        let task =
            json!({"messages": [{"role": "user", "content": "hi"}], "tools": [{"function": {"name": "a"}}]});
        assert!(rendered(PLAIN, task.clone()).unwrap_err().contains("no place"));
        let with = "{{ tools[0].function.name }}";
        assert_eq!(rendered(with, task).unwrap(), "a");
    }

    #[test]
    fn pictures_go_to_the_last_user_message() {
        let task = json!({"messages": [{"role": "user", "content": "hi"}], "images": ["https://h/a", "https://h/b"]});
        assert_eq!(rendered(PLAIN, task).unwrap(), "[user:<p><p>\nhi]");
        let task = json!({"messages": [{"role": "user", "content": "<p>"}], "images": ["https://h/a"]});
        assert!(rendered(PLAIN, task).unwrap_err().contains("<p>"));
    }
}
