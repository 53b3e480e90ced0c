//! SIGTERM and SIGINT: what runs ends within the grace or goes to another worker, and no attempt is counted.

use std::time::{Duration, Instant};

use e2e::{SOON, Story, chat, outcomes, picture, wait_until_dead};
use testkit::{Exit, WorkerProcess};

/// The default shutdown grace, and some more for a machine that is busy.
const GRACE: Duration = Duration::from_secs(5);
const GRACE_AND_MORE: Duration = Duration::from_secs(10);
/// `[[delay=...]]` of a job that is longer than the grace, and of the same job under another worker.
const LONG: &str = "a fox [[delay=9000]]";

#[tokio::test]
async fn sigterm_in_a_long_job_hands_it_to_another_worker_and_counts_nothing() {
    leaves_a_long_job(WorkerProcess::sigterm_it).await;
}

#[tokio::test]
async fn sigint_does_the_same() {
    leaves_a_long_job(WorkerProcess::sigint_it).await;
}

trait Signals {
    fn sigterm_it(&self);
    fn sigint_it(&self);
}

impl Signals for WorkerProcess {
    fn sigterm_it(&self) {
        self.sigterm();
    }

    fn sigint_it(&self) {
        self.sigint();
    }
}

async fn leaves_a_long_job(signal: impl Fn(&WorkerProcess)) {
    let story = Story::begin().await;
    let mut leaver = story.worker("leaver").await;
    let job = story.running(picture(LONG)).await;
    let heir = story.worker("heir").await;
    let engines = leaver.engines(SOON).await;
    signal(&leaver);
    assert_eq!(leaver.exit(GRACE_AND_MORE).await, Exit::Code(0), "{}", leaver.log());
    assert!(engines.iter().all(|pid| !e2e::is_alive(*pid)), "an engine outlived its worker");
    story
        .until_job(&job, "is taken by the other", SOON, |job| {
            job["state"] == "running" && job["worker"] == e2e::id_of(&heir).as_str()
        })
        .await;
    let done = story.api.until_job(&job, "done", Duration::from_secs(30)).await;
    assert_eq!(outcomes(&done), ["released", "done"]);
    assert_eq!(done["attempts"], 1, "only the one that did it: {done}");
    let log = story.studio.log();
    assert!(!log.contains("is gone"), "it said goodbye: {log}");
}

#[tokio::test]
async fn a_short_job_is_finished_within_the_grace() {
    let story = Story::begin().await;
    let mut worker = story.worker("attic").await;
    let waiting = story.running(picture("a fox [[delay=1500]]")).await;
    let next = story.api.submit(chat("after you")).await;
    worker.sigterm();
    assert_eq!(worker.exit(GRACE_AND_MORE).await, Exit::Code(0));
    assert_eq!(outcomes(&story.until(&waiting, "done").await), ["done"]);
    // Offered for a moment perhaps, but not taken, and not kept until the worker counts as gone.
    story.api.until_job(&next, "queued", GRACE).await;
    let next = story.api.job(&next).await;
    assert_eq!(next["attempts"], 0, "{next}");
    assert!(!outcomes(&next).iter().any(|outcome| outcome == "lost"), "{next}");
}

#[tokio::test]
async fn a_second_signal_ends_at_once_and_leaves_no_engine() {
    let story = Story::begin().await;
    let mut worker = story.worker("attic").await;
    let job = story.running(picture("a fox [[delay=60000]]")).await;
    let engines = worker.engines(SOON).await;
    worker.sigterm();
    testkit::wait_until("the first signal is heard", SOON, async || worker.log().contains("SIGTERM")).await;
    let second = Instant::now();
    worker.sigterm();
    worker.exit(SOON).await;
    assert!(second.elapsed() < GRACE, "{:?}", second.elapsed());
    wait_until_dead("the engines", &engines, SOON).await;
    // Nobody said anything for it: it is lost, and not failed.
    let job = story.api.job(&job).await;
    assert!(job["state"] == "running" || job["state"] == "queued", "{job}");
}

#[tokio::test]
async fn an_idle_worker_leaves_at_once() {
    let story = Story::begin().await;
    let mut worker = story.worker("attic").await;
    let asked = Instant::now();
    worker.sigterm();
    assert_eq!(worker.exit(SOON).await, Exit::Code(0));
    assert!(asked.elapsed() < GRACE, "{:?}", asked.elapsed());
    let seen = story.api.get("/status").await;
    assert_eq!(seen["workersOnline"], 0, "{seen}");
}

#[tokio::test]
async fn a_worker_that_waits_for_its_studio_leaves_too() {
    let mut story = Story::begin().await;
    let mut worker = story.worker("attic").await;
    story.studio.kill9();
    testkit::wait_until("it waits", SOON, async || worker.log().contains("could not connect")).await;
    worker.sigint();
    assert_eq!(worker.exit(SOON).await, Exit::Code(0));
}

#[tokio::test]
async fn a_studio_that_is_told_to_stop_closes_its_sessions_and_keeps_its_state() {
    let mut story = Story::begin().await;
    let worker = story.worker("attic").await;
    let job = story.running(picture("a fox [[delay=6000]]")).await;
    let waiting = story.api.submit(chat("later")).await;
    story.studio.sigterm();
    assert_eq!(story.studio.exit(SOON).await, Exit::Code(0));
    testkit::wait_until("the worker was told", SOON, async || worker.log().contains("closed by the studio"))
        .await;
    story.studio.restart().await;
    assert_eq!(outcomes(&story.until(&job, "done").await), ["done"]);
    assert_eq!(outcomes(&story.until(&waiting, "done").await), ["done"]);
}
