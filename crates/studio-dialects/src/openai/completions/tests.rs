use super::read;
use crate::openai::tests::{answer, events, origin, param};
use serde_json::{Value, json};

#[expect(clippy::needless_pass_by_value, reason = "what `json!` makes is used up")]
fn with(more: Value) -> Value {
    let mut body = json!({"model": "m", "prompt": "hi"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn each_prompt_is_a_chat_and_each_answer_a_choice() {
    let body = with(json!({"prompt": ["a", "b"], "n": 2, "echo": true, "max_tokens": 3, "seed": 4}));
    let asked = read(&body, &origin()).unwrap();
    let said: Vec<&Value> = asked.tasks.iter().map(|task| &task["messages"][0]["content"]).collect();
    assert_eq!(said, ["a", "a", "b", "b"]);
    assert_eq!((&asked.tasks[1]["seed"], &asked.tasks[1]["maxTokens"]), (&json!(5), &json!(3)));
    let answers: Vec<_> = ["1", "2", "3", "4"].map(|text| answer(text, "")).into();
    let whole = asked.writer.whole(&answers);
    let texts: Vec<&Value> =
        whole["choices"].as_array().unwrap().iter().map(|choice| &choice["text"]).collect();
    assert_eq!(texts, ["a1", "a2", "b3", "b4"]);
    assert_eq!(
        whole["usage"],
        json!({"prompt_tokens": 10, "completion_tokens": 12, "total_tokens": 22,
        "prompt_tokens_details": {"cached_tokens": 2}})
    );
    assert_eq!((&whole["object"], &whole["id"]), (&json!("text_completion"), &json!("cmpl-0")));
}

#[test]
fn a_stream_echoes_first_and_tells_usage_last() {
    let body = with(json!({"echo": true, "stream": true, "stream_options": {"include_usage": true}}));
    let mut asked = read(&body, &origin()).unwrap();
    let told = events(&mut *asked.writer, &answer("Yes.", "hm"));
    let texts: Vec<&Value> = told.iter().map(|event| &event["choices"][0]["text"]).collect();
    assert_eq!(texts[..3], [&json!("hi"), &json!("Yes."), &json!("")]);
    assert_eq!((&told[3]["usage"]["total_tokens"], &told[4]), (&json!(8), &json!("[DONE]")));
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    for (body, field) in [
        (json!({"model": "m"}), "prompt"),
        (with(json!({"prompt": []})), "prompt"),
        (with(json!({"prompt": [1, 2]})), "prompt"),
        (with(json!({"prompt": ["a", "b", "c"], "n": 3})), "prompt"),
        (with(json!({"suffix": "x"})), "suffix"),
        (with(json!({"logprobs": 3})), "logprobs"),
        (with(json!({"best_of": 3})), "best_of"),
    ] {
        assert_eq!(param(read(&body, &origin())), field, "{body}");
    }
}
