//! Engines that crash, hang, talk nonsense or fail, and jobs that are called off: through the whole stack.

use std::time::{Duration, Instant};

use e2e::{SOON, Story, chat, outcomes, picture, wait_until_dead};
use serde_json::json;

/// From a cancel until its worker takes the next job.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);
/// For the delays between the attempts of one job, a second or more each.
const RETRIES: Duration = Duration::from_mins(1);

fn with_attempts(mut job: serde_json::Value, attempts: u32) -> serde_json::Value {
    job["maxAttempts"] = json!(attempts);
    job
}

#[tokio::test]
async fn engine_faults_are_retried_and_end_with_the_engines_own_words() {
    let story = Story::begin().await;
    let worker = story.worker("attic").await;
    for (directive, words) in [
        ("crash", "crashes, as it was asked to"),
        ("garbage", "Segm"),
        ("fail", "fails, as it was asked to"),
        ("partial", ""),
    ] {
        let job = story.api.submit(with_attempts(picture(&format!("a fox [[{directive}]]")), 2)).await;
        let failed = story.api.until_job(&job, "failed", RETRIES).await;
        assert_eq!(outcomes(&failed), ["failed", "failed"], "{directive}: {failed}");
        assert_eq!(failed["attempts"], 2);
        let error = failed["error"].as_str().expect("an error");
        println!("{directive}: {error}");
        assert!(!error.is_empty() && error.contains(words), "{directive}: {error}");
        // Nobody else suffers, and the daemon does not notice more than a failed job.
        story.done(picture(&format!("after {directive}"))).await;
    }
    assert_eq!(story.studio.log().matches("worker connected").count(), 1, "{}", worker.log());
}

#[tokio::test]
async fn what_cannot_be_made_fails_at_once_with_the_engines_words() {
    let story = Story::begin().await;
    let _worker = story.worker("attic").await;
    let job = story.api.submit(picture("a fox [[fail-for-good]]")).await;
    let failed = story.until(&job, "failed").await;
    assert_eq!(outcomes(&failed), ["failed"], "{failed}");
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("fails for good")), "{failed}");
    let mut unmade = picture("a fox");
    unmade["task"]["ext"] = json!("bmp");
    let answer = story.api.send(story.api.request(reqwest::Method::POST, "/jobs").json(&unmade)).await;
    let answer = answer.expect("an answer");
    let named = if answer.status.is_success() {
        let job = answer.body["id"].as_str().expect("an id").to_owned();
        story.until(&job, "failed").await["error"].clone()
    } else {
        answer.body
    };
    assert!(named.to_string().contains("bmp"), "the format is named: {named}");
}

#[tokio::test]
async fn a_retried_job_that_works_the_second_time_is_done() {
    let story = Story::begin().await;
    let worker = story.worker("attic").await;
    let job = story.running(picture("a fox [[delay=3000]]")).await;
    let engines = worker.engines(SOON).await;
    for pid in &engines {
        let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
        assert!(killed.is_ok_and(|killed| killed.success()));
    }
    let done = story.until(&job, "done").await;
    assert_eq!(outcomes(&done), ["failed", "done"]);
    let error = done["history"][0]["error"].as_str().expect("why the first try failed");
    assert!(error.contains("signal 9") || error.contains("SIGKILL") || error.contains("killed"), "{error}");
}

#[tokio::test]
async fn a_cancelled_job_frees_its_worker_within_two_seconds_even_if_its_engine_is_deaf() {
    let story = Story::begin().await;
    let worker = story.worker("attic").await;
    // Chats get an engine process of their own, beside the one of pictures.
    let mut engines = Vec::new();
    for prompt in ["a fox [[delay=60000]]", "a deaf fox [[hang]]"] {
        let job = story.running(picture(prompt)).await;
        if engines.is_empty() {
            engines = worker.engines(SOON).await;
        }
        let next = story.api.submit(chat("next")).await;
        let asked = Instant::now();
        story.api.post(&format!("/jobs/{job}/cancel"), &json!({"reason": "changed my mind"})).await;
        story
            .until_job(&next, "is taken", SOON, |job| job["state"] == "running" || job["state"] == "done")
            .await;
        assert!(asked.elapsed() <= CANCEL_LIMIT, "{prompt}: {:?}", asked.elapsed());
        story.until(&next, "done").await;
        let cancelled = story.api.job(&job).await;
        assert_eq!(cancelled["state"], "cancelled");
        assert_eq!(outcomes(&cancelled), ["cancelled"]);
        if prompt.contains("hang") {
            wait_until_dead("the deaf engine", &engines, SOON).await;
        }
    }
}

#[tokio::test]
async fn a_cancelled_job_can_be_retried() {
    let story = Story::begin().await;
    let _worker = story.worker("attic").await;
    let job = story.running(picture("a fox [[delay=2000]]")).await;
    story.api.post(&format!("/jobs/{job}/cancel"), &json!({})).await;
    story.until(&job, "cancelled").await;
    story.api.post(&format!("/jobs/{job}/retry"), &json!({})).await;
    assert_eq!(outcomes(&story.until(&job, "done").await), ["cancelled", "done"]);
}
