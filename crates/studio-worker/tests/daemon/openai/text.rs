//! Texts: chats, completions, responses, embeddings.

use serde_json::{Value, json};

use super::support::{Program, alone, chat, events, with};

#[tokio::test]
async fn models_of_this_machine_are_listed() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let list = program.get("/v1/models").await;
    assert_eq!(list["data"][0]["id"], "synthetic");
    assert_eq!(program.get("/v1/models/synthetic-chat").await["engine"], "synthetic");
}

#[tokio::test]
async fn a_chat_is_answered_whole_and_in_pieces() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let asked = with(chat("hello [[pace=30]]"), "seed", json!(7));
    let answer = program.post("/chat/completions", asked.clone()).await;
    assert!(answer.headers()["x-studio-job"].to_str().unwrap().starts_with("local-"));
    assert!(answer.headers().contains_key("x-request-id"));
    let whole: Value = answer.json().await.unwrap();
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(!text.is_empty() && whole["usage"]["completion_tokens"].as_u64().unwrap() > 0, "{whole}");

    let asked = with(with(asked, "stream", json!(true)), "stream_options", json!({"include_usage": true}));
    let events = events(program.post("/chat/completions", asked).await).await;
    assert_eq!(events.last().unwrap(), "[DONE]");
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    let pieces: Vec<&str> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .filter(|piece| !piece.is_empty())
        .collect();
    assert!(pieces.len() > 2, "in pieces: {pieces:?}");
    assert_eq!(pieces.concat(), text);
    assert_eq!(chunks.last().unwrap()["usage"], whole["usage"]);
}

#[tokio::test]
async fn tools_and_schemas_reach_the_engine() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let tool = json!({"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}});
    let asked = with(with(chat("how is it?"), "tools", json!([tool])), "tool_choice", json!("required"));
    let answer = program.ask("/chat/completions", asked).await;
    let call = &answer["choices"][0]["message"]["tool_calls"][0]["function"];
    let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
    assert!(call["name"] == "weather" && arguments["city"].is_string(), "{answer}");

    let schema = json!({"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]});
    let format = json!({"type": "json_schema", "json_schema": {"name": "p", "schema": schema}});
    let asked =
        json!({"model": "synthetic", "messages": chat("who?")["messages"], "response_format": format});
    let answer = program.ask("/chat/completions", asked).await;
    let said: Value =
        serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert!(said["age"].is_i64(), "{said}");
}

#[tokio::test]
async fn completions_and_responses() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let asked = json!({"model": "synthetic", "prompt": "Once", "max_tokens": 5});
    assert!(program.ask("/completions", asked).await["choices"][0]["text"].is_string());
    let asked = json!({"model": "synthetic", "input": "Hello", "stream": true});
    let events = events(program.post("/responses", asked).await).await;
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert_eq!(last["type"], "response.completed");
}

#[tokio::test]
async fn several_answers_are_several_jobs() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let answer = program.ask("/chat/completions", with(chat("again"), "n", json!(3))).await;
    assert_eq!(answer["choices"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn embeddings_keep_the_order_of_their_texts() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let texts: Vec<String> = (0..150).map(|at| format!("text {at}")).collect();
    let answer = program.ask("/embeddings", json!({"model": "synthetic", "input": texts})).await;
    let vectors = answer["data"].as_array().unwrap();
    assert_eq!(vectors.len(), 150);
    let alone = program.ask("/embeddings", json!({"model": "synthetic", "input": "text 149"})).await;
    assert_eq!(vectors[149]["embedding"], alone["data"][0]["embedding"]);
    assert_ne!(vectors[149]["embedding"], vectors[0]["embedding"]);
}
