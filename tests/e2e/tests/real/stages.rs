//! An engine that dies, or a job that is called off, at any moment of a job's life; and files that are no models.

use std::time::{Duration, Instant};

use e2e::{SOON, Story, outcomes, wait_until_dead};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::{JOB, add_model, folder, text, worker_with};

/// Kills, and cancels, at random moments: enough to meet loading, computing and writing.
const ROUNDS: u64 = 10;
/// The longest job of these tests; a moment is drawn within it.
const LIFE_MS: u64 = 1_500;
/// From a cancel to an engine that works no more.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);

fn picture(seed: u64) -> Value {
    json!({"model": "starter-shapes", "maxAttempts": 9, "task": {
        "kind": "image", "prompt": "a red circle on a white background", "seed": seed, "steps": 12, "ext": "png"}})
}

#[tokio::test]
async fn an_engine_that_is_killed_at_any_moment_costs_an_attempt_and_nothing_else() {
    let story = Story::begin().await;
    let worker = worker_with(&story, "attic", &["sd-cpp"]).await;
    let mut dice = SmallRng::seed_from_u64(7);
    let mut killed = 0;
    for round in 0..ROUNDS {
        let job = story.api.submit(picture(round)).await;
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..LIFE_MS))).await;
        for pid in worker.engine_pids() {
            let done = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
            killed += usize::from(done.is_ok_and(|done| done.success()));
        }
        let done = story.api.until_job(&job, "done", JOB).await;
        assert_eq!(outcomes(&done).last().map(String::as_str), Some("done"), "{done}");
        assert!(outcomes(&done).len() <= 2, "one kill costs one attempt: {done}");
    }
    assert!(killed >= 5, "only {killed} engines were met alive");
    assert_eq!(story.studio.log().matches("worker connected").count(), 1, "{}", worker.log());
}

#[tokio::test]
async fn a_job_that_is_called_off_at_any_moment_stops_within_two_seconds_and_gives_its_memory_back() {
    let story = Story::begin().await;
    let worker = worker_with(&story, "attic", &["sd-cpp"]).await;
    let mut dice = SmallRng::seed_from_u64(11);
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let mut job = picture(round);
        job["task"]["steps"] = json!(200);
        let job = story.api.submit(job).await;
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..LIFE_MS))).await;
        // Its worker has one slot: what waits is taken once the engine has stopped, or was killed.
        let next = story.api.submit(picture(round)).await;
        let asked = Instant::now();
        story.api.post(&format!("/jobs/{job}/cancel"), &json!({"reason": "changed my mind"})).await;
        story
            .until_job(&next, "is taken", SOON, |job| job["state"] == "running" || job["state"] == "done")
            .await;
        took.push(asked.elapsed());
        story.api.until_job(&next, "done", JOB).await;
        assert_eq!(story.api.job(&job).await["state"], "cancelled");
    }
    took.sort_unstable();
    println!("cancel to the next job taken: {took:?}");
    assert!(took[took.len() - 1] <= CANCEL_LIMIT, "{took:?}");
    assert!(worker.engine_pids().len() <= 1, "engines of cancelled jobs are gone");
}

#[tokio::test]
async fn files_that_are_no_models_fail_their_jobs_and_the_session_stays_open() {
    let story = Story::begin().await;
    let worker = worker_with(&story, "attic", &["sd-cpp", "llama-cpp", "sherpa-onnx"]).await;
    let files = folder(&story.home, "broken");
    let image = json!({"kind": "image", "prompt": "a fox"});
    let chat = json!({"kind": "llm", "messages": [{"role": "user", "content": "hi"}]});
    let speech = json!({"kind": "audio_tts", "text": "hello"});
    let cases: [(&str, &str, &str, &[u8], Value); 5] = [
        ("truncated", "sd-cpp", "m.safetensors", &[8, 0, 0, 0, 0, 0, 0, 0, b'{'], image.clone()),
        ("huge-header", "sd-cpp", "m.safetensors", &[0xff; 64], image),
        ("no-magic", "llama-cpp", "m.gguf", b"GGML this is something else entirely", chat.clone()),
        (
            "huge-counts",
            "llama-cpp",
            "m.gguf",
            b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff",
            chat,
        ),
        ("no-onnx", "sherpa-onnx", "m.onnx", b"\x08\xff\xff\xff\xff\xff", speech),
    ];
    for (id, engine, name, bytes, task) in cases {
        let path = files.join(format!("{id}-{name}"));
        std::fs::write(&path, bytes).expect("a file");
        let kind = task["kind"].as_str().expect("a kind").to_owned();
        add_model(&story, &[id, &format!("model={}", text(&path)), "--kind", &kind, "--engine", engine]);
        let job = story.api.submit(json!({"model": id, "maxAttempts": 1, "task": task})).await;
        let failed = story.api.until_job(&job, "failed", JOB).await;
        let error = failed["error"].as_str().unwrap_or_default();
        println!("{id}: {error}");
        assert!(!error.is_empty(), "{failed}");
    }
    assert_eq!(story.studio.log().matches("worker connected").count(), 1, "{}", worker.log());
    let engines = worker.engine_pids();
    drop(worker);
    wait_until_dead("every engine", &engines, SOON).await;
}
