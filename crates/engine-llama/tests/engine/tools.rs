//! Tools reach the template, and calls come back as OpenAI writes them.

use serde_json::{Value, json};
use tiny_models::gguf::LanguageModel;

use crate::peer::{Peer, says};

const HERMES: &str = "{%- if tools %}<tools>{%- for tool in tools %}{{ tool | tojson }}\n{%- endfor %}</tools> <tool_call>\
    {%- endif %}{%- for m in messages %}{{ m.role }}: {{ m.content }}\n{%- endfor %}assistant: ";
const LLAMA: &str = "{%- if tools %}{%- for tool in tools %}{{ tool | tojson }}{%- endfor %} {\"name\": .., \"parameters\": ..}\
    {%- endif %}{%- for m in messages %}{{ m.content }}\n{%- endfor %}";
const MISTRAL: &str = "{%- if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}{%- endif %}\
    {%- for m in messages %}{%- if m.tool_calls %}[TOOL_CALLS]{%- endif %}{{ m.content }}\n{%- endfor %}";

fn tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city", "parameters":
            {"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}, "required": ["city"],
             "additionalProperties": false}}},
        {"type": "function", "function": {"name": "get_age", "parameters":
            {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["n"],
             "additionalProperties": false}}},
    ])
}

fn peer(template: &str) -> Peer {
    Peer::tiny(&LanguageModel::default(), &json!({"chatTemplate": template}))
}

#[test]
fn the_template_sees_the_tools() {
    let mut peer = peer(HERMES);
    let without = peer.done(&says("hello", &json!({"maxTokens": 4})));
    let with = peer.done(&says("hello", &json!({"maxTokens": 4, "tools": tools()})));
    assert!(with.usage("prompt_tokens") > without.usage("prompt_tokens") + 50);
    let none = peer.done(&says("hello", &json!({"maxTokens": 4, "tools": tools(), "toolChoice": "none"})));
    assert_eq!(none.usage("prompt_tokens"), without.usage("prompt_tokens"));
}

#[test]
fn a_call_that_is_required_is_made_in_every_format() {
    for template in [HERMES, LLAMA, MISTRAL] {
        let mut peer = peer(template);
        let mut names = std::collections::BTreeSet::new();
        for seed in 0..5 {
            let options = json!({"maxTokens": 200, "tools": tools(), "toolChoice": "required", "seed": seed,
                "temperature": 2.0, "topK": 0, "topP": 1.0, "minP": 0.0});
            let done = peer.done(&says("weather?", &options));
            assert_eq!((done.finish(), done.content()), ("tool_calls", ""), "{}", done.result);
            assert_eq!(done.streamed(), "");
            let call = &done.message()["tool_calls"][0];
            assert!(call["type"] == "function" && call["id"].as_str().unwrap().starts_with("call_"));
            let arguments: Value =
                serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            let name = call["function"]["name"].as_str().unwrap();
            match name {
                "get_weather" => assert!(arguments["city"] == "Rome" || arguments["city"] == "Oslo"),
                "get_age" => assert!((0..=9).contains(&arguments["n"].as_i64().unwrap())),
                other => panic!("{other}"),
            }
            names.insert(name.to_owned());
        }
        assert!(!names.is_empty());
    }
}

#[test]
fn one_function_can_be_insisted_on() {
    let mut peer = peer(HERMES);
    for name in ["get_age", "get_weather"] {
        let choice = json!({"type": "function", "function": {"name": name}});
        let done =
            peer.done(&says("hello", &json!({"maxTokens": 200, "tools": tools(), "toolChoice": choice})));
        assert_eq!(done.message()["tool_calls"][0]["function"]["name"], name);
    }
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let plain = "{% for m in messages %}{{ m.content }}{% endfor %}";
    let failed = peer(plain).refused(&says("hello", &json!({"tools": tools()})));
    assert!(failed.message.contains("no place") && !failed.retryable, "{}", failed.message);
    let mut peer = peer(HERMES);
    let unknown = json!({"tools": tools(), "toolChoice": {"type": "function", "function": {"name": "fly"}}});
    assert!(peer.refused(&says("hello", &unknown)).message.contains("`fly`"));
    let both = json!({"tools": tools(), "jsonSchema": {"type": "boolean"}});
    assert!(peer.refused(&says("hello", &both)).message.contains("jsonSchema"));
}

#[test]
fn answers_of_tools_are_part_of_the_conversation() {
    let template = "{%- for m in messages %}{{ m.role }} {{ m.tool_call_id }} {{ m.content }} {% if m.tool_calls %}\
        {{ m.tool_calls[0].function.arguments.city }}{% endif %}\n{%- endfor %}";
    let mut peer = peer(template);
    let calls = json!([{"id": "call-1", "type": "function",
        "function": {"name": "get_weather", "arguments": "{\"city\": \"Rome\"}"}}]);
    let task = json!({"maxTokens": 4, "messages": [{"role": "user", "content": "weather?"},
        {"role": "assistant", "content": "", "toolCalls": calls},
        {"role": "tool", "toolCallId": "call-1", "content": "sun"}]});
    let with = peer.done(&task);
    let mut without = task.clone();
    without["messages"].as_array_mut().unwrap().pop();
    assert!(with.usage("prompt_tokens") > peer.done(&without).usage("prompt_tokens"));
}
