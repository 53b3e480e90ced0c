//! Answers as a whole.

use serde_json::{Value, json};

use crate::client::{Client, Holding, chat, ours};
use crate::served::Served;

#[tokio::test]
async fn a_chat_is_a_job_ahead_of_others_and_its_answer_comes_back() {
    let studio = Served::start().await;
    let client = Client::of(&studio);
    let (_, session) = studio.worker(&ours()).await;
    let body = chat(json!({"temperature": 0, "seed": 7, "user": "unknown to us"}));
    let asking = client.asking("/v1/chat/completions", body);
    let (holding, claim) = Holding::next(session).await;
    let task: Value = serde_json::to_value(&claim.task).unwrap();
    assert_eq!(
        (&task["seed"], &task["temperature"], &task["maxTokens"]),
        (&json!(7), &json!(0.0), &json!(16_384))
    );
    let job = holding.job.clone();
    holding.done(json!({"role": "assistant", "content": "Hello.", "reasoning_content": "Hm."}), "stop").await;
    let (status, answer) = asking.await.unwrap();
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["object"], "chat.completion");
    let message =
        json!({"role": "assistant", "content": "Hello.", "refusal": null, "reasoning_content": "Hm."});
    assert_eq!(
        answer["choices"],
        json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}])
    );
    assert_eq!(
        answer["usage"],
        json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 2}})
    );
    let job = studio.api.job(&job).await;
    assert_eq!((&job["priority"], &job["state"]), (&json!(100), &json!("done")));
}

#[tokio::test]
async fn several_answers_are_several_jobs() {
    let studio = Served::start().await;
    let client = Client::of(&studio);
    let (_, mut session) = studio.worker(&ours()).await;
    let asking = client.asking("/v1/chat/completions", chat(json!({"n": 3})));
    for text in ["one", "two", "three"] {
        let (holding, _) = Holding::next(session).await;
        session = holding.said(text).await;
    }
    let (_, answer) = asking.await.unwrap();
    let choices = answer["choices"].as_array().unwrap();
    let texts: Vec<&str> = choices.iter().map(|c| c["message"]["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["one", "two", "three"]);
    assert_eq!(
        (&answer["usage"]["prompt_tokens"], &answer["usage"]["completion_tokens"]),
        (&json!(5), &json!(9))
    );
}

#[tokio::test]
async fn each_dialect_says_the_same_answer_in_its_words() {
    let studio = Served::start().await;
    let client = Client::of(&studio);
    let (_, mut session) = studio.worker(&ours()).await;
    let messages = json!([{"role": "user", "content": "hi"}]);
    for (path, body, text, used) in [
        (
            "/v1/completions",
            json!({"model": "synthetic-chat", "prompt": "hi"}),
            "/choices/0/text",
            "/usage/total_tokens",
        ),
        (
            "/v1/responses",
            json!({"model": "synthetic-chat", "input": "hi"}),
            "/output/0/content/0/text",
            "/usage/total_tokens",
        ),
        (
            "/v1/messages",
            json!({"model": "synthetic-chat", "max_tokens": 9, "messages": messages}),
            "/content/0/text",
            "/usage/output_tokens",
        ),
    ] {
        let asking = client.asking(path, body);
        let (holding, claim) = Holding::next(session).await;
        assert_eq!(claim.task.prompt(), "hi");
        session = holding.said("Hello.").await;
        let (status, answer) = asking.await.unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        assert_eq!(answer.pointer(text).unwrap(), "Hello.", "{path}: {answer}");
        let tokens = if path == "/v1/messages" { 3 } else { 8 };
        assert_eq!(answer.pointer(used).unwrap(), tokens, "{path}: {answer}");
        session.heartbeat(&ours(), None).await;
    }
}
