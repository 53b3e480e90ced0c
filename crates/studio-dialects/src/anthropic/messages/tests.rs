use serde_json::{Value, json};

use super::read;
use crate::openai::tests::{answer, calling, events, origin, param};
use crate::{Answer, Finish};

#[expect(clippy::needless_pass_by_value, reason = "what `json!` makes is used up")]
fn with(more: Value) -> Value {
    let mut body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn blocks_find_their_place() {
    let source = json!({"type": "base64", "media_type": "image/png", "data": "AAAA"});
    let body = with(json!({
        "system": [{"type": "text", "text": "be"}, {"type": "text", "text": "kind"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "what?"}, {"type": "image", "source": source}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "Let me see."}, {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "is_error": true,
                "content": [{"type": "text", "text": "no"}]}, {"type": "text", "text": "and?"}]},
            {"role": "assistant", "content": "Well."},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t2", "content": "4"}]},
        ],
        "temperature": 1, "top_k": 5, "top_p": 0.5, "stop_sequences": ["x"], "metadata": {"user_id": "u"},
    }));
    let call = json!({"id": "t1", "type": "function", "function": {"name": "add", "arguments": "{\"a\":1}"}});
    assert_eq!(
        read(&body, &origin()).unwrap().tasks,
        [json!({
            "system": "be\n\nkind",
            "messages": [
                {"role": "user", "content": "what?"},
                {"role": "assistant", "content": "Let me see.", "reasoningContent": "hm", "toolCalls": [call]},
                {"role": "tool", "content": "Error: no", "toolCallId": "t1"},
                {"role": "user", "content": "and?"},
                {"role": "assistant", "content": "Well."},
                {"role": "tool", "content": "4", "toolCallId": "t2"},
            ],
            "images": ["data:image/png;base64,AAAA"], "maxTokens": 9, "temperature": 1.0, "topK": 5, "topP": 0.5,
            "stop": ["x"], "reasoning": false,
        })]
    );
}

#[test]
fn tools_and_thoughts_are_asked_for() {
    let tool = json!({"name": "add", "description": "adds", "input_schema": {"type": "object"}});
    let body = with(json!({"tools": [tool], "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true}}));
    let asked = read(&body, &origin()).unwrap();
    let task = &asked.tasks[0];
    assert_eq!(
        task["tools"],
        json!([{"type": "function", "function":
        {"name": "add", "description": "adds", "parameters": {"type": "object"}}}])
    );
    assert_eq!(
        (&task["toolChoice"], &task["reasoning"], asked.one_call),
        (&json!("required"), &json!(true), true)
    );
    let one = with(json!({"tools": [tool], "tool_choice": {"type": "tool", "name": "add"}}));
    let choice = json!({"type": "function", "function": {"name": "add"}});
    assert_eq!(read(&one, &origin()).unwrap().tasks[0]["toolChoice"], choice);
}

#[test]
fn the_wrong_field_is_named() {
    let user = |content: Value| with(json!({"messages": [{"role": "user", "content": content}]}));
    for (body, field) in [
        (json!({"model": "m", "messages": []}), "max_tokens"),
        (with(json!({"max_tokens": 0})), "max_tokens"),
        (with(json!({"messages": []})), "messages"),
        (with(json!({"messages": [{"role": "assistant", "content": "x"}]})), "messages"),
        (with(json!({"messages": [{"role": "tool", "content": "x"}]})), "messages[0].role"),
        (user(json!([{"type": "document"}])), "messages[0].content[0].type"),
        (user(json!([{"type": "image", "source": {"type": "file"}}])), "messages[0].content[0].source.type"),
        (user(json!([{"type": "tool_result", "content": "x"}])), "messages[0].content[0].tool_use_id"),
        (with(json!({"temperature": 1.5})), "temperature"),
        (with(json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]})), "tools[0].type"),
        (with(json!({"tool_choice": {"type": "any"}})), "tool_choice.type"),
        (with(json!({"tool_choice": {"type": "tool", "name": "x"}})), "tool_choice.name"),
        (with(json!({"thinking": {"type": "deep"}})), "thinking.type"),
        (with(json!({"system": [{"type": "image"}]})), "system[0].type"),
    ] {
        assert_eq!(param(read(&body, &origin())), field, "{body}");
    }
}

#[test]
fn a_whole_answer_has_anthropics_shape() {
    let whole = |more: Value, given: Answer| read(&with(more), &origin()).unwrap().writer.whole(&[given]);
    assert_eq!(
        whole(json!({}), calling("Let me see.")),
        json!({
            "id": "msg_0", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1}}],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2, "output_tokens": 3},
        })
    );
    let stopped = Answer { stop_text: Some("x".into()), ..answer("Yes.", "hm") };
    let told = whole(json!({}), stopped.clone());
    assert_eq!((&told["stop_reason"], &told["stop_sequence"]), (&json!("stop_sequence"), &json!("x")));
    assert_eq!(told["content"], json!([{"type": "text", "text": "Yes."}]), "nobody asked for thoughts");
    let told = whole(json!({"thinking": {"type": "adaptive"}}), stopped);
    assert_eq!(told["content"][0], json!({"type": "thinking", "thinking": "hm", "signature": ""}));
    let cut = Answer { finish: Finish::Length, ..answer("Ye", "") };
    assert_eq!(whole(json!({}), cut)["stop_reason"], "max_tokens");
}

#[test]
fn blocks_follow_each_other_in_a_stream() {
    let mut asked = read(&with(json!({"thinking": {"type": "enabled"}})), &origin()).unwrap();
    let mut given = calling("Yes.");
    given.reasoning = "hm".into();
    let told = events(&mut *asked.writer, &given);
    let names: Vec<(&str, Option<u64>)> =
        told.iter().map(|event| (event["type"].as_str().unwrap(), event["index"].as_u64())).collect();
    let block = |at: u64| {
        [
            ("content_block_start", Some(at)),
            ("content_block_delta", Some(at)),
            ("content_block_stop", Some(at)),
        ]
    };
    let mut wanted = vec![("message_start", None), ("ping", None)];
    wanted.extend([block(0), block(1), block(2)].concat());
    wanted.extend([("message_delta", None), ("message_stop", None)]);
    assert_eq!(names, wanted);
    assert_eq!(told[3]["delta"], json!({"type": "thinking_delta", "thinking": "hm"}));
    assert_eq!(told[6]["delta"], json!({"type": "text_delta", "text": "Yes."}));
    assert_eq!(
        told[8]["content_block"],
        json!({"type": "tool_use", "id": "call_1", "name": "add", "input": {}})
    );
    assert_eq!(told[9]["delta"], json!({"type": "input_json_delta", "partial_json": "{\"a\":1}"}));
    assert_eq!(told[11]["delta"], json!({"stop_reason": "tool_use", "stop_sequence": null}));
    assert_eq!(told[11]["usage"]["input_tokens"], 3);
}
