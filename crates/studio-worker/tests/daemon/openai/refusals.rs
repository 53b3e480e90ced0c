//! What is refused, in OpenAI's words.

use reqwest::Method;
use serde_json::json;

use super::support::{Program, alone, chat, told, with};

#[tokio::test]
async fn a_model_that_is_not_here_is_told_with_those_that_are() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let (status, _, error) =
        program.refused("/chat/completions", with(chat("x"), "model", json!("qwen3-4b"))).await;
    assert_eq!((status, error["code"].as_str()), (404, Some("model_not_found")));
    let message = error["message"].as_str().unwrap();
    for word in ["qwen3-4b", "`synthetic`", "studio-worker models add"] {
        assert!(message.contains(word), "{message}");
    }
}

#[tokio::test]
async fn wrong_requests_name_their_field() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let (status, _, error) =
        program.refused("/chat/completions", with(chat("x"), "temperature", json!("hot"))).await;
    assert_eq!((status, error["param"].as_str()), (400, Some("temperature")));
    let (status, _, error) =
        program.refused("/chat/completions", with(chat("x"), "messages", json!([]))).await;
    assert_eq!((status, error["param"].as_str()), (400, Some("messages")));
    let failed = program.refused("/chat/completions", chat("[[fail-for-good]]")).await;
    assert!(
        failed.0 == 422 && failed.2["message"].as_str().unwrap().contains("fails for good"),
        "{failed:?}"
    );
    let streamed = with(chat("[[fail]]"), "stream", json!(true));
    assert_eq!(program.refused("/chat/completions", streamed).await.0, 500, "a stream that never began");
}

#[tokio::test]
async fn strangers_pages_and_wrong_addresses_are_refused_in_the_same_shape() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let post = |path: &str| program.request(Method::POST, path).json(&chat("x"));
    let (status, _, error) = told(post("/v1/chat/completions").send().await.unwrap()).await;
    assert_eq!((status, error["code"].as_str()), (401, Some("invalid_api_key")));
    let wrong = post("/v1/chat/completions").bearer_auth("sk-guess").send().await.unwrap();
    assert_eq!(told(wrong).await.0, 401);
    let page =
        post("/v1/chat/completions").bearer_auth(&program.token).header("origin", "https://evil.example");
    assert_eq!(told(page.send().await.unwrap()).await.0, 403);
    let nowhere = post("/v1/moderations").bearer_auth(&program.token).send().await.unwrap();
    assert_eq!(told(nowhere).await.0, 404);
    let get = program.request(Method::GET, "/v1/chat/completions").bearer_auth(&program.token);
    assert_eq!(told(get.send().await.unwrap()).await.0, 405);
    let form = program.request(Method::POST, "/v1/chat/completions").bearer_auth(&program.token);
    let form = form.header("content-type", "text/plain").body(chat("x").to_string());
    assert_eq!(told(form.send().await.unwrap()).await.0, 415);
    let mut large = chat("x");
    large["messages"][0]["content"] = json!("x".repeat(3 * 1024 * 1024));
    let large = program.post("/chat/completions", large).await;
    assert_eq!(large.status(), 200, "pictures in a conversation are larger than usual bodies");
}
