//! Two workers with one identity: the older stops for good, and says why.

use std::time::Duration;

use e2e::{SOON, Story, chat, id_of};
use serde_json::json;
use testkit::{Exit, WorkerProcess};

/// `Exit::DuplicateWorker` of the worker.
const DUPLICATE_WORKER: i32 = 4;
/// `Exit::AuthFailed` of the worker.
const AUTH_FAILED: i32 = 3;

#[tokio::test]
async fn a_copied_config_stops_the_older_worker_and_there_is_no_duel() {
    let story = Story::begin().await;
    let mut older = story.worker("older").await;
    let mut newer = WorkerProcess::new(&story.home, "newer");
    std::fs::copy(older.config_path(), newer.config_path()).expect("a config can be copied");
    newer.run().await;
    assert_eq!(older.exit(SOON).await, Exit::Code(DUPLICATE_WORKER));
    let log = older.log();
    assert!(log.contains("another worker holds") && log.contains(&id_of(&newer)), "{log}");
    story.until_online(&newer).await;
    for n in 0..3 {
        story.done(chat(&format!("hi {n}"))).await;
    }
    assert!(newer.is_running());
    let welcomes = story.studio.log().matches("worker connected").count();
    assert_eq!(welcomes, 2, "each of the two connected once");
}

#[tokio::test]
async fn a_token_that_is_refused_ends_the_worker_with_its_own_code_and_keeps_the_config() {
    let story = Story::begin().await;
    let mut worker = story.newcomer("attic").await;
    let token = worker.config_value("auth_token").expect("a token");
    let forged = worker.config().replace(&token, &"0".repeat(64));
    std::fs::write(worker.config_path(), &forged).expect("the config can be written");
    worker.run().await;
    assert_eq!(worker.exit(SOON).await, Exit::Code(AUTH_FAILED));
    assert_eq!(worker.config(), forged);
    assert!(worker.log().contains("register"), "{}", worker.log());
}

#[tokio::test]
async fn a_removed_worker_gives_its_job_back_and_asks_to_join_as_a_new_one() {
    let story = Story::begin().await;
    let mut worker = story.worker("attic").await;
    let (former, install) = (id_of(&worker), worker.config_value("install_id"));
    let job = story.running(chat("hi [[delay=60000]]")).await;
    story.api.delete(&format!("/workers/{former}")).await;
    story.until(&job, "queued").await;
    let request = testkit::wait_for("the worker asks again", SOON, async || {
        let listed = story.api.get("/registrations?status=pending").await;
        listed["items"][0]["id"].as_str().map(str::to_owned)
    })
    .await;
    assert!(worker.is_running());
    assert_eq!(worker.config_value("worker_id").filter(|id| !id.is_empty()), None);
    assert_ne!(worker.config_value("install_id"), install);
    story.api.post(&format!("/registrations/{request}/approve"), &json!({"name": "again"})).await;
    // It asks for the decision every 30 s.
    testkit::wait_until("it is somebody else now", Duration::from_secs(45), async || {
        worker.config_value("worker_id").is_some_and(|id| id.starts_with("w-") && id != former)
    })
    .await;
    story.until_online(&worker).await;
}
