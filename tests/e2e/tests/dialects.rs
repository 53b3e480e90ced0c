//! Clients of `/v1`: chats of a real worker's engine, as they come.

use std::time::{Duration, Instant};

use e2e::{SOON, Story};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

/// For an engine that is started again, and the delay between two attempts of one job.
const RETRIES: Duration = Duration::from_mins(1);
/// From a word of the engine to the client, both on one busy machine; without streaming a chat takes several times as long.
const FIRST_WORD_LIMIT: Duration = Duration::from_secs(2);

async fn post(story: &Story, path: &str, body: &Value) -> Response {
    let url = format!("{}{path}", story.studio.url());
    let request = reqwest::Client::new().request(Method::POST, url).bearer_auth(story.studio.admin_key());
    request.json(body).send().await.expect("an answer")
}

async fn ask(story: &Story, path: &str, body: &Value) -> Value {
    let response = post(story, path, body).await;
    let status = response.status();
    let answer = response.json().await.expect("JSON");
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

fn chat(prompt: &str) -> Value {
    json!({"model": "synthetic-chat", "messages": [{"role": "user", "content": prompt}]})
}

/// The data of server-sent events as they come.
struct Events {
    response: Response,
    text: String,
}

impl Events {
    async fn of(story: &Story, path: &str, mut body: Value) -> Self {
        body["stream"] = json!(true);
        let response = post(story, path, &body).await;
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, text: String::new() }
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                    return Some(serde_json::from_str(data).unwrap_or_else(|_| Value::from(data)));
                }
                continue;
            }
            let chunk = tokio::time::timeout(RETRIES, self.response.chunk()).await.expect("a sign of life");
            let chunk = chunk.expect("an unbroken stream")?;
            self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// Text of a chat, until it holds `words` words or ends.
    async fn words(&mut self, words: usize) -> String {
        let mut text = String::new();
        while text.split_whitespace().count() < words {
            let Some(event) = self.next().await else { break };
            assert!(event.get("error").is_none(), "{event}");
            text.push_str(event["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        }
        text
    }
}

#[tokio::test]
async fn each_dialect_is_answered_by_a_real_engine() {
    let story = Story::begin().await;
    let _worker = story.worker("attic").await;
    let answer = ask(&story, "/v1/chat/completions", &chat("hi")).await;
    let text = answer["choices"][0]["message"]["content"].as_str().expect("a text").to_owned();
    assert!(text.ends_with('.') && answer["usage"]["completion_tokens"].as_u64() > Some(10), "{answer}");

    let parameters = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let mut body = chat("what is it?");
    body["tools"] = json!([{"type": "function", "function": {"name": "add", "parameters": parameters}}]);
    body["tool_choice"] = json!("required");
    let answer = ask(&story, "/v1/chat/completions", &body).await;
    assert_eq!(answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "add", "{answer}");

    let format = json!({"type": "json_schema", "name": "n", "schema": parameters});
    let body = json!({"model": "synthetic-chat", "input": "hi", "text": {"format": format}});
    let answer = ask(&story, "/v1/responses", &body).await;
    let text = answer["output"][0]["content"][0]["text"].as_str().expect("a text");
    assert!(serde_json::from_str::<Value>(text).expect("JSON")["a"].is_i64(), "{answer}");

    let mut body = chat("[[call=add]] now");
    body["max_tokens"] = json!(64);
    body["tools"] = json!([{"name": "add", "input_schema": parameters}]);
    let answer = ask(&story, "/v1/messages", &body).await;
    assert_eq!((&answer["stop_reason"], &answer["content"][0]["name"]), (&json!("tool_use"), &json!("add")));
}

#[tokio::test]
async fn words_come_as_they_are_said_and_stop_when_nobody_listens() {
    let story = Story::begin().await;
    let _worker = story.worker("attic").await;
    // The model is in memory.
    ask(&story, "/v1/chat/completions", &chat("hi")).await;
    let started = Instant::now();
    let mut events = Events::of(&story, "/v1/chat/completions", chat("[[pace=1000]]")).await;
    events.words(1).await;
    assert!(started.elapsed() < FIRST_WORD_LIMIT, "{:?}", started.elapsed());
    let job = events.response.headers()["x-studio-job"].to_str().expect("a job").to_owned();
    drop(events);
    story.api.until_job(&job, "cancelled", SOON).await;
    // The worker has stopped too: its slots are free.
    let started = Instant::now();
    for _ in 0..4 {
        ask(&story, "/v1/chat/completions", &chat("hi")).await;
    }
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_engine_that_dies_in_the_middle_of_an_answer_is_not_noticed_by_its_client() {
    let story = Story::begin().await;
    let worker = story.worker("attic").await;
    let calm = ask(&story, "/v1/chat/completions", &chat("[[pace=100]] once")).await;
    let whole = calm["choices"][0]["message"]["content"].as_str().expect("a text");
    let mut events = Events::of(&story, "/v1/chat/completions", chat("[[pace=100]] once")).await;
    let mut text = events.words(3).await;
    for pid in worker.engine_pids() {
        let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
        assert!(killed.expect("kill can be started").success());
    }
    text.push_str(&events.words(usize::MAX).await);
    assert_eq!(text, whole);
    let job = events.response.headers()["x-studio-job"].to_str().expect("a job");
    assert_eq!(story.api.job(job).await["history"].as_array().map(Vec::len), Some(2));
}
