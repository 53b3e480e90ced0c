//! A chat model through the whole stack: tokens as they come, embeddings, and what does not fit.

use e2e::{Story, outcomes};
use serde_json::json;
use tiny_models::gguf::LanguageModel;

use super::{JOB, add_model, folder, lane, text, worker_with};

async fn stage() -> (Story, testkit::WorkerProcess) {
    let story = Story::begin().await;
    let path = folder(&story.home, "models").join("tiny.gguf");
    LanguageModel::default().write(&path).expect("a model");
    add_model(&story, &["tiny-chat", text(&path)]);
    let worker = worker_with(&story, "attic", &["llama-cpp"]).await;
    (story, worker)
}

#[tokio::test]
async fn a_chat_is_answered_with_real_counts_and_the_same_seed_says_the_same() {
    let (story, worker) = stage().await;
    let job = json!({"model": "tiny-chat", "task": {
        "kind": "llm", "messages": [{"role": "user", "content": "hello world"}], "maxTokens": 12, "temperature": 0.8, "seed": 3}});
    let mut answers = Vec::new();
    for _ in 0..2 {
        let id = story.api.submit(job.clone()).await;
        story.api.until_job(&id, "done", JOB).await;
        let result = story.api.get(&format!("/jobs/{id}/result")).await;
        assert_eq!(result["object"], "chat.completion", "{result}");
        assert!(result["usage"]["prompt_tokens"].as_u64().is_some_and(|tokens| tokens > 3), "{result}");
        assert!(
            result["usage"]["completion_tokens"].as_u64().is_some_and(|tokens| (1..=12).contains(&tokens)),
            "{result}"
        );
        answers.push(result["choices"][0]["message"]["content"].clone());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(lane(&worker, "tiny-chat").await["process"]["loads"], json!(1));
}

#[tokio::test]
async fn eight_chats_run_side_by_side_on_one_load() {
    let (story, worker) = stage().await;
    let jobs = (0..24).map(|number| {
        json!({"model": "tiny-chat", "task": {
            "kind": "llm", "messages": [{"role": "user", "content": format!("tell {number}")}], "maxTokens": 64, "temperature": 0.0}})
    });
    let batch = story.api.submit_batch("chats", jobs.collect()).await;
    story.api.until_done(&batch, 24, JOB).await;
    let lane = lane(&worker, "tiny-chat").await;
    assert_eq!(lane["process"]["loads"], json!(1), "{lane}");
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_refused_by_number_and_not_tried_again() {
    let (story, _worker) = stage().await;
    let content = "the quick brown fox ".repeat(4_000);
    let job = json!({"model": "tiny-chat", "task": {"kind": "llm", "messages": [{"role": "user", "content": content}]}});
    let id = story.api.submit(job).await;
    let failed = story.api.until_job(&id, "failed", JOB).await;
    assert_eq!(outcomes(&failed), ["failed"], "no other try helps");
    let error = failed["error"].as_str().unwrap_or_default();
    assert!(error.contains("tokens") && error.chars().any(|c| c.is_ascii_digit()), "{error}");
}

#[tokio::test]
async fn texts_are_embedded() {
    let (story, _worker) = stage().await;
    let job = json!({"model": "tiny-chat", "task": {
        "kind": "llm", "messages": [], "embed": ["the quick brown fox", "hello world"]}});
    let id = story.api.submit(job).await;
    story.api.until_job(&id, "done", JOB).await;
    let result = story.api.get(&format!("/jobs/{id}/result")).await;
    let of = |index: usize| result["data"][index]["embedding"].as_array().map_or(0, Vec::len);
    assert!(of(0) > 8 && of(0) == of(1), "{result}");
}
