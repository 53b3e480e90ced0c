//! What is refused before it is a job, in the words of each dialect.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use studio::api::Access;
use studio_store::Role;

use crate::client::{Client, Holding, chat, ours};
use crate::served::Served;

/// Status, OpenAI's code or Anthropic's type, and the time to wait.
async fn refused(response: Response) -> (u16, String, Option<String>) {
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (id, retry) = (header("x-request-id").expect("an id"), header("retry-after"));
    assert!(id.starts_with("req_"), "{id}");
    let body: Value = response.json().await.unwrap();
    let error = &body["error"];
    assert!(!error["message"].as_str().unwrap().is_empty(), "{body}");
    if body["type"] == "error" {
        assert_eq!(body["request_id"], id.as_str());
        return (status, error["type"].as_str().unwrap().to_owned(), retry);
    }
    assert!(error["type"].is_string() && error.get("param").is_some(), "{body}");
    (status, error["code"].as_str().or(error["param"].as_str()).unwrap_or_default().to_owned(), retry)
}

#[tokio::test]
async fn every_error_has_the_shape_of_its_dialect() {
    let studio = Served::start().await;
    let client = Client::of(&studio);
    let viewer = studio.api.post("/keys", &json!({"name": "v", "role": "viewer"})).await;
    let viewer = Client::new(&studio.url, viewer["secret"].as_str().unwrap());
    let nobody = Client::new(&studio.url, "nothing");
    let message =
        json!({"model": "synthetic-chat", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]});
    let openai = "/v1/chat/completions";
    let status = async |response: Response| {
        let (status, code, _) = refused(response).await;
        (status, code)
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(status(nobody.post(openai, &chat(json!({}))).await).await, is(401, "invalid_api_key"));
    assert_eq!(status(nobody.post("/v1/messages", &message).await).await, is(401, "authentication_error"));
    assert_eq!(status(viewer.post(openai, &chat(json!({}))).await).await, is(403, "permission_denied"));
    assert_eq!(status(viewer.post("/v1/messages", &message).await).await, is(403, "permission_error"));
    assert_eq!(status(client.post("/v1/nothing", &json!({})).await).await, is(404, "not_found"));
    assert_eq!(
        status(client.post("/v1/messages/count_tokens", &message).await).await,
        is(404, "not_found_error")
    );
    let wrong = client.request(Method::GET, openai).send().await.unwrap();
    assert_eq!(status(wrong).await, is(405, "method_not_allowed"));
    let text =
        client.request(Method::POST, openai).bearer_auth(key(&studio)).body("{}").send().await.unwrap();
    assert_eq!(status(text).await, is(415, "unsupported_media_type"));
    let large = json!({"model": "x", "messages": "x".repeat(17 * 1024 * 1024)});
    assert_eq!(status(client.post(openai, &large).await).await, is(413, "request_too_large"));
    assert_eq!(
        status(client.post(openai, &json!({"model": "synthetic-chat"})).await).await,
        is(400, "messages")
    );
    assert_eq!(
        status(client.post("/v1/messages", &json!({"model": "x"})).await).await,
        is(400, "invalid_request_error")
    );
    let not_json = client
        .request(Method::POST, openai)
        .bearer_auth(key(&studio))
        .header("content-type", "application/json")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(status(not_json).await, is(400, ""));
    assert_eq!(
        status(client.post(openai, &chat(json!({"model": "nobody"}))).await).await,
        is(404, "model_not_found")
    );
    assert_eq!(
        status(client.post(openai, &chat(json!({"model": "synthetic"}))).await).await,
        is(400, "model")
    );
}

fn key(studio: &Served) -> String {
    std::fs::read_to_string(studio.home.join("studio/admin.key")).unwrap().trim().to_owned()
}

#[tokio::test]
async fn every_route_asks_for_its_role_and_no_less() {
    let studio = Served::start().await;
    let mut keys = Vec::new();
    for role in Role::ALL {
        let made = studio.api.post("/keys", &json!({"name": role.as_str(), "role": role.as_str()})).await;
        keys.push((*role, Client::new(&studio.url, made["secret"].as_str().unwrap())));
    }
    for route in studio::dialects::routes() {
        let Access::AtLeast(least) = route.access else { panic!("{} is open to everybody", route.path) };
        let path = route.path.replace("{id}", "nothing-there");
        let response = keys[0].1.request(route.method.clone(), &path).send().await.unwrap();
        assert_eq!(refused(response).await.0, 401, "{path}");
        for (role, client) in &keys {
            let response = client.with_key(route.method.clone(), &path).send().await.unwrap();
            let status = response.status().as_u16();
            assert_eq!(matches!(status, 401 | 403), *role < least, "{path} as {role}: {status}");
        }
    }
}

#[tokio::test]
async fn a_key_may_come_as_anthropics_clients_send_it() {
    let studio = Served::start().await;
    let request = Client::of(&studio).request(Method::POST, "/v1/messages").header("x-api-key", key(&studio));
    let (status, kind, _) = refused(request.json(&json!({})).send().await.unwrap()).await;
    assert_eq!((status, kind.as_str()), (400, "invalid_request_error"));
}

#[tokio::test]
async fn nobody_waits_for_what_no_worker_can_do() {
    let studio = Served::start().await;
    let client = Client::of(&studio);
    let said = async |response: Response| {
        let retry = response.headers().contains_key("retry-after");
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        assert!(retry && status == 503, "{status} {body}");
        body["error"]["message"].as_str().unwrap().to_owned()
    };
    let ask = async || client.post("/v1/chat/completions", &chat(json!({}))).await;
    assert_eq!(said(ask().await).await, "no worker is connected");
    let mut capabilities = ours();
    capabilities.task_kinds = vec!["image".into()];
    let (_, mut session) = studio.worker(&capabilities).await;
    assert_eq!(said(ask().await).await, "no connected worker takes llm jobs");
    capabilities.task_kinds.push("llm".into());
    capabilities.model_engines = vec!["llama".into()];
    session.heartbeat(&capabilities, None).await;
    assert!(said(ask().await).await.contains("engine `synthetic`"));
    capabilities.model_engines = vec!["synthetic".into()];
    capabilities.auto_enabled = false;
    session.heartbeat(&capabilities, None).await;
    assert!(said(ask().await).await.contains("paused"));
    // A worker without extensions cannot draw with a seed.
    let base = testkit::RawWorker::synthetic();
    let (_, _base) = studio.worker(&base).await;
    let seeded = client.post("/v1/chat/completions", &chat(json!({"seed": 1}))).await;
    let why = said(seeded).await;
    assert!(why.contains("understands") || why.contains("paused"), "{why}");
    assert_eq!(studio.api.jobs("").await.len(), 0);
}

#[tokio::test]
async fn a_full_line_is_a_busy_answer() {
    let studio = Served::with(|settings| settings.client_line = 1).await;
    let client = Client::of(&studio);
    let (_, session) = studio.worker(&ours()).await;
    let _running = client.stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    let (holding, _) = Holding::next(session).await;
    studio.until(&holding.job, "running").await;
    let mut waiting = client.stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    assert_eq!(waiting.said().await, crate::client::Said::Comment("waiting, 0 ahead".to_owned()));
    let (status, code, retry) = refused(client.post("/v1/chat/completions", &chat(json!({}))).await).await;
    assert_eq!((status, code.as_str()), (429, "rate_limit_exceeded"));
    assert!(retry.is_some());
    let message =
        json!({"model": "synthetic-chat", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(refused(client.post("/v1/messages", &message).await).await.1, "rate_limit_error");
    drop(waiting);
}
