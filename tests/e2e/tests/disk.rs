//! Full disks, under the spool and under the studio: clear words, and nothing is lost.

use std::time::Duration;

use e2e::{SOON, SmallDisk, Story, chat, in_own_mounts, outcomes, picture};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use testkit::{Exit, Home, StudioOptions, WorkerProcess, wait_until};

/// Long enough for a job to fail five times, the default maximum, if a full disk were a failure of the job.
const FIVE_FAILURES: Duration = Duration::from_secs(12);

#[tokio::test]
async fn a_full_disk_under_the_spool_costs_no_chat() {
    if in_own_mounts("disk::a_full_disk_under_the_spool_costs_no_chat") {
        // A result that does not fit the spool is reported from memory.
        let done = full_while_running(chat).await;
        assert_eq!(outcomes(&done), ["done"], "{done}");
    }
}

#[tokio::test]
async fn a_full_disk_under_the_spool_costs_no_picture() {
    if in_own_mounts("disk::a_full_disk_under_the_spool_costs_no_picture") {
        full_while_running(picture).await;
    }
}

/// Fills the worker's disk while it runs a job, sees that no job fails, makes room, and sees that all are done.
async fn full_while_running(job: fn(&str) -> Value) -> Value {
    let story = Story::begin().await;
    let disk = SmallDisk::mount(&story.home, "small", 2_048);
    let mut worker = WorkerProcess::new(&story.home, "small/attic");
    worker.join(&story.studio).await;
    worker.run().await;
    story.until_online(&worker).await;
    story.done(picture("before")).await;
    let running = story.running(job("running as the disk fills [[delay=1000]]")).await;
    disk.fill();
    wait_until("the worker says that its disk is full", SOON, async || {
        worker.log().to_lowercase().contains("no space left")
    })
    .await;
    let mut jobs = vec![running.clone()];
    for n in 0..5 {
        jobs.push(story.api.submit(job(&format!("while it is full {n}"))).await);
    }
    tokio::time::sleep(FIVE_FAILURES).await;
    assert!(worker.is_running());
    // A worker that starts on a full disk is there all the same.
    worker.kill9();
    worker.run().await;
    story.until_online(&worker).await;
    disk.free();
    let mut failures = 0;
    for job in &jobs {
        let job = story.api.until_job(job, "done", SOON).await;
        failures += outcomes(&job).iter().filter(|outcome| *outcome == "failed").count();
    }
    assert!(failures <= 1, "the first told the worker, the others waited: {failures} failures");
    story.api.job(&running).await
}

#[tokio::test]
async fn a_full_disk_under_the_studio_is_told_and_nothing_is_lost() {
    if !in_own_mounts("disk::a_full_disk_under_the_studio_is_told_and_nothing_is_lost") {
        return;
    }
    let home = Home::new();
    let disk = SmallDisk::mount(&home, "small", 4_096);
    let options = StudioOptions { data_dir: Some(disk.path().join("studio")), ..StudioOptions::default() };
    let mut story = Story::begin_at(home, options).await;
    let first = story.worker("attic").await;
    let before = story.done(picture("before")).await;
    let talk = story.running(chat("acknowledged [[delay=2000]]")).await;
    let second = story.worker("cellar").await;
    let painting = story.running(picture("acknowledged too [[delay=2000]]")).await;
    disk.fill();
    // Submissions are refused, with a reason that names the disk, as soon as the last page is used.
    wait_until("a submission is refused", SOON, async || {
        let body = chat(&"long ".repeat(2_000));
        let answer = story.api.send(story.api.request(Method::POST, "/jobs").json(&body)).await;
        let answer = answer.expect("the studio answers");
        if answer.status.is_success() {
            return false;
        }
        assert_eq!(answer.status, StatusCode::INSUFFICIENT_STORAGE, "{}", answer.body);
        assert!(answer.body.to_string().contains("disk"), "{}", answer.body);
        true
    })
    .await;
    // Reading goes on.
    assert_eq!(story.api.job(before["id"].as_str().expect("an id")).await["state"], "done");
    wait_until("both results wait in their spools", SOON, async || {
        first.folder().join(format!("spool/{talk}.json")).exists()
            && second.folder().join(format!("spool/{painting}.json")).exists()
    })
    .await;
    wait_until("the upload is refused", SOON, async || second.log().contains("tried again")).await;
    disk.free();
    for job in [&talk, &painting] {
        story.until(job, "done").await;
    }
    story.done(chat("after")).await;
    story.studio.restart().await;
    for job in [&talk, &painting] {
        let job = story.api.job(job).await;
        assert_eq!(job["state"], "done", "{job}");
        assert_eq!(outcomes(&job), ["done"], "{job}");
    }
    assert!(!story.api.artefact(&painting).await.is_empty());
}

#[tokio::test]
async fn a_studio_whose_disk_is_full_at_the_start_says_so() {
    if !in_own_mounts("disk::a_studio_whose_disk_is_full_at_the_start_says_so") {
        return;
    }
    let home = Home::new();
    let disk = SmallDisk::mount(&home, "small", 1_024);
    disk.fill();
    let options = StudioOptions { data_dir: Some(disk.path().join("studio")), ..StudioOptions::default() };
    let mut studio = testkit::StudioProcess::spawn(&home, options);
    assert_eq!(studio.exit(SOON).await, Exit::Code(1));
    let log = studio.log();
    assert!(log.contains("space") || log.contains("full"), "{log}");
}

#[tokio::test]
async fn a_studio_that_is_killed_on_a_full_disk_comes_back_and_has_lost_nothing() {
    if !in_own_mounts("disk::a_studio_that_is_killed_on_a_full_disk_comes_back_and_has_lost_nothing") {
        return;
    }
    let home = Home::new();
    let disk = SmallDisk::mount(&home, "small", 4_096);
    let options = StudioOptions { data_dir: Some(disk.path().join("studio")), ..StudioOptions::default() };
    let mut story = Story::begin_at(home, options).await;
    let mut jobs = Vec::new();
    for n in 0..20 {
        jobs.push(story.api.submit(chat(&format!("{n} {}", "once upon a time ".repeat(100)))).await);
    }
    disk.fill();
    story.studio.restart().await;
    for job in &jobs {
        assert_eq!(story.api.job(job).await["state"], "queued");
    }
    disk.free();
    let _worker = story.worker("attic").await;
    for job in &jobs {
        assert_eq!(outcomes(&story.until(job, "done").await), ["done"]);
    }
}
