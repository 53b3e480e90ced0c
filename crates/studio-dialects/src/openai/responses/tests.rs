use serde_json::{Value, json};

use super::read;
use crate::openai::tests::{answer, calling, events, origin, param};

#[expect(clippy::needless_pass_by_value, reason = "what `json!` makes is used up")]
fn with(more: Value) -> Value {
    let mut body = json!({"model": "m", "input": "hi"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn items_become_messages() {
    let tool = json!({"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": true});
    let body = with(json!({
        "instructions": "be kind",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "what?"},
                {"type": "input_image", "image_url": "https://h/a.png"}]},
            {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hm"}]},
            {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "add", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "4"},
        ],
        "tools": [tool], "tool_choice": {"type": "function", "name": "add"}, "max_output_tokens": 9,
        "reasoning": {"effort": "low"}, "parallel_tool_calls": false,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    }));
    let asked = read(&body, &origin()).unwrap();
    let function =
        |id: &str| json!({"id": id, "type": "function", "function": {"name": "add", "arguments": "{}"}});
    assert!(asked.one_call);
    assert_eq!(
        asked.tasks[0],
        json!({
            "messages": [
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": "what?"},
                {"role": "assistant", "content": "hm", "toolCalls": [function("c1"), function("c2")]},
                {"role": "tool", "content": "4", "toolCallId": "c1"},
            ],
            "images": ["https://h/a.png"], "maxTokens": 9, "reasoning": "low", "jsonSchema": {"type": "object"},
            "tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}],
            "toolChoice": {"type": "function", "function": {"name": "add"}},
        })
    );
}

#[test]
fn what_is_not_kept_is_said() {
    for (body, field) in [
        (json!({"model": "m"}), "input"),
        (with(json!({"input": []})), "input"),
        (with(json!({"previous_response_id": "resp_1"})), "previous_response_id"),
        (with(json!({"conversation": {"id": "c"}})), "conversation"),
        (with(json!({"background": true})), "background"),
        (with(json!({"input": [{"type": "item_reference", "id": "x"}]})), "input[0].type"),
        (
            with(json!({"input": [{"role": "user", "content": [{"type": "input_file"}]}]})),
            "input[0].content[0].type",
        ),
        (with(json!({"tools": [{"type": "web_search"}]})), "tools[0].type"),
        (with(json!({"tool_choice": "maybe"})), "tool_choice"),
        (with(json!({"text": {"format": {"type": "json_schema"}}})), "text.format.schema"),
    ] {
        assert_eq!(param(read(&body, &origin())), field, "{body}");
    }
    let asked = read(&with(json!({"store": true})), &origin()).unwrap();
    assert_eq!(asked.writer.whole(&[answer("x", "")])["store"], json!(false));
}

#[test]
fn events_grow_to_what_the_whole_says() {
    for given in [answer("Yes.", "hm"), calling("Let me see."), calling(""), answer("", "")] {
        let mut asked = read(&with(json!({"stream": true})), &origin()).unwrap();
        let told = events(&mut *asked.writer, &given);
        let fresh = read(&with(json!({"stream": true})), &origin()).unwrap();
        let last = told.last().unwrap();
        assert_eq!(last["response"], fresh.writer.whole(&[given]), "{told:?}");
        assert!(told.iter().enumerate().all(|(at, event)| event["sequence_number"] == at), "{told:?}");
    }
}

#[test]
fn the_sequence_of_events_is_openais() {
    let mut asked = read(&with(json!({})), &origin()).unwrap();
    let told = events(&mut *asked.writer, &calling("Yes."));
    let names: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert_eq!(told[2]["item"]["id"], told[4]["item_id"]);
    assert_eq!((&told[8]["item"]["arguments"], &told[10]["arguments"]), (&json!(""), &json!("{\"a\":1}")));
    assert_eq!(told[12]["response"]["usage"]["input_tokens_details"], json!({"cached_tokens": 2}));
}

#[test]
fn an_answer_without_room_is_incomplete() {
    let mut asked = read(&with(json!({})), &origin()).unwrap();
    let cut = crate::Answer { finish: crate::Finish::Length, ..answer("Ye", "") };
    let last = events(&mut *asked.writer, &cut).pop().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(
        (&last["response"]["status"], &last["response"]["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    let failure = crate::Failure::new(crate::Kind::TimedOut, "too long");
    let event = asked.writer.failed(&failure, "req_1").remove(0);
    let data: Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!(
        (event.name, &data["response"]["error"]),
        (Some("response.failed"), &json!({"code": "timeout", "message": "too long"}))
    );
}
