//! The owner takes the machine back: the running job is done elsewhere, and no attempt is counted.

use std::time::{Duration, Instant};

use e2e::{SOON, Story, id_of, outcomes, picture, wait_until_dead};
use reqwest::Client;
use serde_json::{Value, json};
use testkit::WorkerProcess;

/// What a pause may take until the memory is back.
const MEMORY_BACK: Duration = Duration::from_secs(5);

/// Asks the worker's local API, as its window does.
async fn ask(worker: &WorkerProcess, path: &str, body: &Value) -> Value {
    let found = std::fs::read(worker.folder().join("local-api.json")).expect("the discovery file");
    let found: Value = serde_json::from_slice(&found).expect("JSON");
    let url = format!("{}/api/v1{path}", found["url"].as_str().expect("a text"));
    let request = Client::new().post(url).bearer_auth(found["token"].as_str().expect("a text")).json(body);
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
    answer.json().await.expect("a status")
}

#[tokio::test]
async fn a_pause_in_a_picture_gives_the_memory_back_and_the_job_to_another_worker() {
    let story = Story::begin().await;
    let owned = story.worker("desktop").await;
    let job = story.running(picture("a fox [[delay=9000]]")).await;
    let heir = story.worker("heir").await;
    let engines = owned.engines(SOON).await;
    let started = Instant::now();
    let status = ask(&owned, "/pause", &json!({"when": "now", "freeMemory": true})).await;
    assert_eq!(status["state"], "paused", "{status}");
    wait_until_dead("the engines", &engines, MEMORY_BACK).await;
    assert!(started.elapsed() < MEMORY_BACK, "{:?}", started.elapsed());
    story
        .until_job(&job, "is taken by the other", SOON, |job| {
            job["state"] == "running" && job["worker"] == id_of(&heir).as_str()
        })
        .await;
    let done = story.api.until_job(&job, "done", Duration::from_secs(30)).await;
    assert_eq!(outcomes(&done), ["released", "done"]);
    assert_eq!(done["attempts"], 1, "only the one that did it: {done}");
    // Afterwards the owner lets jobs in again, in the same session.
    drop(heir);
    ask(&owned, "/resume", &Value::Null).await;
    let next = story.done(picture("a hen")).await;
    assert_eq!(next["worker"], id_of(&owned).as_str(), "{next}");
}
