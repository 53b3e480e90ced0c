use serde_json::{Value, json};

use super::read;
use crate::openai::tests::{answer, calling, events, origin, param};
use crate::{Asked, Failure};

fn asked(body: &Value) -> Result<Asked, Failure> {
    read(body, &origin())
}

fn task(body: &Value) -> Value {
    asked(body).unwrap().tasks.remove(0)
}

#[expect(clippy::needless_pass_by_value, reason = "what `json!` makes is used up")]
fn with(more: Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn every_role_and_part_finds_its_place() {
    let call = json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let task = task(&json!({"model": "m", "messages": [
        {"role": "developer", "content": "be kind"},
        {"role": "user", "name": "ann", "content": [
            {"type": "text", "text": "what"}, {"type": "text", "text": "is it?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            {"type": "image_url", "image_url": "https://h/a.png"}]},
        {"role": "assistant", "content": null, "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "4"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "user", "content": "and?"}]}));
    let messages = json!([
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "what\nis it?"},
        {"role": "assistant", "content": "", "toolCalls": [call], "reasoningContent": "hm"},
        {"role": "tool", "content": "4", "toolCallId": "c1"},
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": "and?"}]);
    assert_eq!(
        task,
        json!({"messages": messages, "images": ["data:image/png;base64,AAAA", "https://h/a.png"]})
    );
}

#[test]
fn what_is_stated_is_stated_in_the_task_and_nothing_else() {
    assert_eq!(
        task(&with(json!({"user": "u", "store": true, "metadata": {}, "unknown": [1]}))),
        json!({"messages": [{"role": "user", "content": "hi"}]})
    );
    let task = task(&with(json!({
        "temperature": 0.5, "top_p": 0.9, "frequency_penalty": 0.5, "presence_penalty": 0, "seed": 3, "stop": "x",
        "max_tokens": 5, "max_completion_tokens": 7, "reasoning_effort": "low", "logit_bias": {}, "logprobs": false,
        "top_k": 40, "min_p": 0.1, "response_format": {"type": "json_object"}, "chat_template_kwargs": {"a": 1},
        "n": null, "stream": null, "modalities": ["text"],
    })));
    assert_eq!(
        task,
        json!({
            "messages": [{"role": "user", "content": "hi"}], "temperature": 0.5, "topP": 0.9, "frequencyPenalty": 0.5,
            "seed": 3, "stop": ["x"], "maxTokens": 7, "reasoning": "low", "topK": 40, "minP": 0.1,
            "jsonSchema": {"type": "object"}, "chatTemplateKwargs": {"a": 1},
        })
    );
}

#[test]
fn tools_and_schemas_are_taken_over() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let tool = json!({"type": "function", "function": {"name": "add", "description": "adds", "parameters": schema, "strict": true}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let choice = json!({"type": "function", "function": {"name": "add"}});
    let body = with(
        json!({"tools": [tool], "tool_choice": choice, "parallel_tool_calls": false, "response_format": format}),
    );
    let asked = asked(&body).unwrap();
    assert!(asked.one_call);
    let task = &asked.tasks[0];
    assert_eq!(
        task["tools"],
        json!([{"type": "function", "function": {"name": "add", "description": "adds", "parameters": schema}}])
    );
    assert_eq!((&task["toolChoice"], &task["jsonSchema"]), (&choice, &schema));
    // A choice without tools says nothing.
    assert_eq!(self::task(&with(json!({"tools": [], "tool_choice": "auto"}))).get("toolChoice"), None);
}

#[test]
fn several_answers_have_seeds_of_their_own() {
    let asked = asked(&with(json!({"n": 3, "seed": -1, "stream": true}))).unwrap();
    let seeds: Vec<u64> = asked.tasks.iter().map(|task| task["seed"].as_u64().unwrap()).collect();
    assert_eq!((seeds, asked.stream), (vec![u64::MAX, 0, 1], true));
}

#[test]
fn the_wrong_field_is_named() {
    let user = |content: Value| with(json!({"messages": [{"role": "user", "content": content}]}));
    for (body, field) in [
        (json!({"messages": []}), "model"),
        (json!({"model": "m"}), "messages"),
        (with(json!({"messages": []})), "messages"),
        (with(json!({"messages": "hi"})), "messages"),
        (with(json!({"messages": [{"content": "x"}]})), "messages[0].role"),
        (with(json!({"messages": [{"role": "bard", "content": "x"}]})), "messages[0].role"),
        (with(json!({"messages": [{"role": "user"}]})), "messages[0].content"),
        (with(json!({"messages": [{"role": "assistant"}]})), "messages[0].content"),
        (with(json!({"messages": [{"role": "tool", "content": "x"}]})), "messages[0].tool_call_id"),
        (user(json!(7)), "messages[0].content"),
        (user(json!([{"type": "video"}])), "messages[0].content[0].type"),
        (
            user(json!([{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}])),
            "messages[0].content[0].image_url.url",
        ),
        (with(json!({"temperature": "hot"})), "temperature"),
        (with(json!({"temperature": 3})), "temperature"),
        (with(json!({"max_tokens": 0})), "max_tokens"),
        (with(json!({"max_tokens": 1.5})), "max_tokens"),
        (with(json!({"n": 0})), "n"),
        (with(json!({"n": 9})), "n"),
        (with(json!({"seed": 1.5})), "seed"),
        (with(json!({"stop": [1]})), "stop[0]"),
        (with(json!({"stream": "yes"})), "stream"),
        (with(json!({"stream_options": {"include_usage": true}})), "stream_options"),
        (with(json!({"logprobs": true})), "logprobs"),
        (with(json!({"logit_bias": {"5": 1}})), "logit_bias"),
        (with(json!({"functions": [{}]})), "functions"),
        (with(json!({"modalities": ["audio"]})), "modalities"),
        (with(json!({"response_format": {"type": "xml"}})), "response_format.type"),
        (with(json!({"response_format": {"type": "json_schema"}})), "response_format.json_schema"),
        (with(json!({"tools": [{"type": "web_search"}]})), "tools[0].type"),
        (with(json!({"tools": [{"type": "function"}]})), "tools[0].function"),
        (with(json!({"tools": [{"type": "function", "function": {}}]})), "tools[0].function.name"),
        (with(json!({"tool_choice": "maybe"})), "tool_choice"),
        (with(json!({"tool_choice": "required"})), "tool_choice"),
        (
            with(json!({"tool_choice": {"type": "function", "function": {"name": "x"}}})),
            "tool_choice.function.name",
        ),
    ] {
        assert_eq!(param(asked(&body)), field, "{body}");
    }
}

#[test]
fn a_whole_answer_has_openais_shape() {
    let asked = asked(&with(json!({"n": 2}))).unwrap();
    let whole = asked.writer.whole(&[answer("Yes.", "hm"), calling("")]);
    assert_eq!(
        whole,
        json!({
            "id": "chatcmpl-0", "object": "chat.completion", "created": 7, "model": "m",
            "choices": [
                {"index": 0, "logprobs": null, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "Yes.", "refusal": null, "reasoning_content": "hm"}},
                {"index": 1, "logprobs": null, "finish_reason": "tool_calls",
                    "message": {"role": "assistant", "content": null, "refusal": null, "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{\"a\":1}"}}]}},
            ],
            "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11,
                "prompt_tokens_details": {"cached_tokens": 2}},
        })
    );
}

#[test]
fn a_stream_without_usage_has_none() {
    let mut asked = asked(&with(json!({"stream": true}))).unwrap();
    let told = events(&mut *asked.writer, &answer("Yes.", ""));
    assert!(told.iter().all(|event| event.get("usage").is_none()), "{told:?}");
    let finish: Vec<&Value> = told.iter().map(|event| &event["choices"][0]["finish_reason"]).collect();
    assert_eq!(finish, [&Value::Null, &Value::Null, &json!("stop"), &Value::Null]);
    assert_eq!(told[3], "[DONE]");
}
