//! How a worker joins, is refused, starts over, and who holds its folder.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use e2e::{SOON, Story, chat, id_of};
use serde_json::json;
use testkit::{Exit, WorkerProcess, wait_for, wait_until};

/// A worker that waits for a decision asks every 30 s.
const TICK: Duration = Duration::from_secs(45);

async fn pending(story: &Story) -> String {
    wait_for("somebody asks to join", SOON, async || {
        let listed = story.api.get("/registrations?status=pending").await;
        listed["items"][0]["id"].as_str().map(str::to_owned)
    })
    .await
}

#[tokio::test]
async fn a_code_lets_a_worker_in_without_a_click() {
    let story = Story::begin().await;
    let worker = WorkerProcess::new(&story.home, "attic");
    let code = story.api.join_code(1).await;
    let said = worker.succeed(&["join", &story.studio.url(), &code]).await;
    assert!(said.contains(&id_of(&worker)), "{said}");
    let mode = std::fs::metadata(worker.config_path()).expect("a config").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The code is used up, and wrong ones are told.
    for code in [code.as_str(), "0000-0000"] {
        let other = WorkerProcess::new(&story.home, "other");
        let output = other.output(&["join", &story.studio.url(), code]).await;
        assert_eq!(output.exit, Exit::Code(1));
        assert!(output.stderr.contains("code"), "{}", output.stderr);
    }
    // Who has joined does not join again by accident.
    let again = worker.output(&["join", &story.studio.url(), &code]).await;
    assert_eq!(again.exit, Exit::Code(1));
    assert!(again.stderr.contains("--reset"), "{}", again.stderr);
}

#[tokio::test]
async fn an_operator_lets_a_worker_in_and_it_starts_by_itself() {
    let story = Story::begin().await;
    let mut worker = WorkerProcess::new(&story.home, "attic");
    worker.set("api_base_url", &story.studio.url()).await;
    worker.run().await;
    let request = pending(&story).await;
    wait_until("it remembers its request", SOON, async || worker.config().contains(&request)).await;
    // The same worker is one request, however often it starts.
    worker.kill9();
    worker.run().await;
    wait_until("the worker is up", SOON, async || worker.engine_pids().is_empty() && worker.is_running())
        .await;
    story.api.post(&format!("/registrations/{request}/approve"), &json!({"name": "the attic"})).await;
    wait_until("it is in", TICK, async || {
        worker.config_value("worker_id").is_some_and(|id| id.starts_with("w-"))
    })
    .await;
    story.until_online(&worker).await;
    let listed = story.api.get("/registrations").await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    let seen = story.api.get(&format!("/workers/{}", id_of(&worker))).await;
    assert_eq!(seen["name"], "the attic");
    assert!(!worker.config().contains(&request), "request and secret are forgotten");
    story.done(chat("hi")).await;
}

#[tokio::test]
async fn a_rejected_worker_stays_up_and_asks_again_only_after_a_reset() {
    let story = Story::begin().await;
    let mut worker = WorkerProcess::new(&story.home, "attic");
    worker.succeed(&["register", "--api-base-url", &story.studio.url()]).await;
    let request = pending(&story).await;
    story.api.post(&format!("/registrations/{request}/reject"), &json!({"reason": "not in my house"})).await;
    worker.run().await;
    wait_until("it reads the decision", SOON, async || worker.log().contains("not in my house")).await;
    assert!(worker.is_running());
    worker.sigterm();
    assert_eq!(worker.exit(SOON).await, Exit::Code(0));
    let told = worker.output(&["register"]).await;
    assert_eq!(told.exit, Exit::Code(1));
    assert!(told.stderr.contains("not in my house") && told.stderr.contains("--reset"), "{}", told.stderr);
    worker.run().await;
    // A worker that runs forgets it by itself, and asks anew at once.
    worker.succeed(&["register", "--reset"]).await;
    let second = pending(&story).await;
    assert_ne!(second, request);
    story.api.post(&format!("/registrations/{second}/approve"), &json!({})).await;
    // Asked at the start, and every half a minute after it.
    worker.sigterm();
    assert_eq!(worker.exit(SOON).await, Exit::Code(0));
    worker.run().await;
    wait_until("it is approved", SOON, async || worker.config().contains("\nworker_id")).await;
    story.until_online(&worker).await;
}

#[tokio::test]
async fn a_second_daemon_says_who_holds_the_folder_and_one_that_waits_takes_over() {
    let story = Story::begin().await;
    let mut first = story.worker("attic").await;
    let second = first.output(&["run"]).await;
    assert_eq!(second.exit, Exit::Code(0));
    assert!(second.stderr.contains(&format!("pid {}", first.pid())), "{}", second.stderr);
    let mut waiting = WorkerProcess::new(&story.home, "attic");
    waiting.run_with(&["--wait-for-lock"]).await;
    let connected = || story.studio.log().matches("worker connected").count();
    story.done(chat("from the first")).await;
    assert!(waiting.is_running());
    assert_eq!(connected(), 1, "it waits");
    first.sigterm();
    assert_eq!(first.exit(SOON).await, Exit::Code(0));
    wait_until("the one that waited is in service", SOON, async || connected() == 2).await;
    story.done(chat("from the second")).await;
}

#[tokio::test]
async fn status_and_doctor_say_how_things_are() {
    let mut story = Story::begin().await;
    let worker = WorkerProcess::new(&story.home, "attic");
    let fresh = worker.output(&["doctor"]).await;
    assert!(fresh.stdout.contains("registration"), "{}", fresh.stdout);
    let mut worker = story.worker("attic").await;
    wait_until("the status tells of the session", SOON, async || {
        let status = worker.succeed(&["status", "--json"]).await;
        let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
        status["running"] == true && status["status"]["session"] == "open"
    })
    .await;
    let healthy = worker.output(&["doctor"]).await;
    assert_eq!(healthy.exit, Exit::Code(0), "{}", healthy.stdout);
    assert!(healthy.stdout.contains("synthetic"), "{}", healthy.stdout);
    let token = worker.config_value("auth_token").expect("a token");
    for said in [&healthy.stdout, &worker.succeed(&["config"]).await, &worker.log()] {
        assert!(!said.contains(&token), "a token was told");
    }
    story.studio.kill9();
    let ill = worker.output(&["doctor"]).await;
    assert_eq!(ill.exit, Exit::Code(1), "{}", ill.stdout);
    assert!(ill.stdout.contains(&story.studio.url()), "{}", ill.stdout);
    worker.kill9();
    assert!(worker.succeed(&["status"]).await.contains("not running"));
}

#[tokio::test]
async fn a_paused_worker_takes_nothing_until_it_is_resumed() {
    let story = Story::begin().await;
    let worker = story.worker("attic").await;
    let path = format!("/workers/{}", id_of(&worker));
    story.api.patch(&path, &json!({"paused": true})).await;
    let job = story.api.submit(chat("hi")).await;
    let other = story.worker("cellar").await;
    assert_eq!(story.until(&job, "done").await["worker"], id_of(&other).as_str());
    drop(other);
    story.api.patch(&path, &json!({"paused": false})).await;
    assert_eq!(story.done(chat("again")).await["worker"], id_of(&worker).as_str());
    // The owner's own pause is taken up while the daemon runs.
    worker.set("paused", "true").await;
    wait_until("the studio knows", SOON, async || {
        story.api.get(&path).await["capabilities"]["autoEnabled"] == false
    })
    .await;
    let waits = story.api.submit(chat("not now")).await;
    worker.set("paused", "false").await;
    story.until(&waits, "done").await;
}
