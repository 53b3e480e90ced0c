//! A finished result outlives the studio's absence and the worker's restarts.

use std::path::PathBuf;

use e2e::{SOON, Story, chat, outcomes, picture, wait_until_dead};
use testkit::{WorkerProcess, wait_for, wait_until};

#[tokio::test]
async fn results_that_were_finished_while_the_studio_was_away_arrive_and_are_not_computed_again() {
    let mut story = Story::begin().await;
    let mut workers = Vec::new();
    let mut jobs = Vec::new();
    for (name, job) in [("attic", picture("a fox [[delay=1500]]")), ("cellar", chat("hi [[delay=1500]]"))] {
        workers.push(story.worker(name).await);
        jobs.push(story.running(job).await);
    }
    story.studio.kill9();
    for (worker, job) in workers.iter().zip(&jobs) {
        wait_for("the result lies in the spool", SOON, async || spooled(worker, job).pop()).await;
    }
    let made = std::fs::read(payload(&workers[0], &jobs[0])).expect("the picture lies in the spool");
    // Whatever an engine is asked to make from now on fails for good.
    let mut workers: Vec<WorkerProcess> =
        workers.into_iter().map(|worker| worker.with_env("SYNTHETIC_FAULT", "fail-for-good")).collect();
    for worker in &mut workers {
        worker.kill9();
        worker.run().await;
        until_up(worker).await;
        worker.sigterm();
        worker.exit(SOON).await;
        worker.run().await;
    }
    story.studio.restart().await;
    for (worker, job) in workers.iter().zip(&jobs) {
        let done = story.until(job, "done").await;
        assert_eq!(outcomes(&done), ["done"], "{}", worker.log());
        assert!(worker.engine_pids().is_empty(), "an engine ran: {}", worker.log());
        wait_until("the spool is empty", SOON, async || spooled(worker, job).is_empty()).await;
    }
    assert_eq!(story.api.artefact(&jobs[0]).await, made);
    let chat = story.api.job(&jobs[1]).await;
    assert_eq!(chat["result"]["object"], "chat.completion", "{chat}");
}

#[tokio::test]
async fn a_worker_without_a_network_finishes_its_job_and_delivers_later() {
    let story = Story::begin().await;
    let link = testkit::FaultyLink::to(story.studio.address()).await;
    let worker = story.worker_over("attic", &link).await;
    let job = story.running(picture("a fox [[delay=1000]]")).await;
    link.refuse();
    wait_for("the result lies in the spool", SOON, async || spooled(&worker, &job).pop()).await;
    link.restore();
    let done = story.until(&job, "done").await;
    assert_eq!(outcomes(&done), ["done"]);
}

#[tokio::test]
async fn an_engine_ends_with_a_worker_that_is_killed() {
    let story = Story::begin().await;
    let mut worker = story.worker("attic").await;
    story.running(picture("a fox [[delay=60000]]")).await;
    let engines = worker.engines(SOON).await;
    worker.kill9();
    wait_until_dead("the engines", &engines, SOON).await;
}

/// Waits until the daemon that was started last has written its status.
async fn until_up(worker: &WorkerProcess) {
    let pid = format!("\"pid\": {}", worker.pid());
    let status = worker.folder().join("status.json");
    wait_until("the worker is up", SOON, async || {
        std::fs::read_to_string(&status).is_ok_and(|status| status.contains(&pid))
    })
    .await;
}

/// The files of the job's result.
fn spooled(worker: &WorkerProcess, job: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(worker.folder().join("spool")) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy() == format!("{job}.json")))
        .collect()
}

fn payload(worker: &WorkerProcess, job: &str) -> PathBuf {
    worker.folder().join(format!("spool/{job}.png"))
}
