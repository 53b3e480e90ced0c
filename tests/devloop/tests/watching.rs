//! The flavour that builds on every edit.

use std::time::Duration;

use devloop::{BUILT, Scene, is_there, send};
use e2e::{SOON, picture};
use rustix::process::Signal;

const SCRIPT: &str = "studio-worker-dev";
/// Leaves five seconds to a job.
const PATIENT: [&str; 2] = ["--kill-timeout", "10000"];
/// Shorter than the grace, and longer than it.
const SHORT: &str = "a fox [[delay=2500]]";
const LONG: &str = "a fox [[delay=12000]]";
/// What is left to a job, and what the last words take.
const GRACE_AND_MORE: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_job_that_is_nearly_done_is_finished_at_an_edit() {
    finishes_at_an_edit(&PATIENT).await;
}

#[tokio::test]
async fn so_it_is_where_pm2_would_kill_soon_after_a_stop() {
    finishes_at_an_edit(&[]).await;
}

async fn finishes_at_an_edit(options: &[&str]) {
    let scene = Scene::begin().await;
    scene.start(SCRIPT, options).await;
    let before = scene.daemon().await;
    let job = scene.story.running(picture(SHORT)).await;
    scene.workspace.edit("second");
    scene.done_at_once(&job).await;
    scene.until_said(SCRIPT, "this is second").await;
    scene.until_dead(before, SOON).await;
    scene.until_online().await;
    scene.done_at_once(&scene.story.api.submit(picture("another")).await).await;
    let log = scene.log(SCRIPT);
    assert!(log.contains("main.rs"), "it says why: {log}");
}

#[tokio::test]
async fn a_long_job_is_given_back_at_an_edit() {
    gives_back_at_an_edit(&PATIENT).await;
}

#[tokio::test]
async fn so_it_is_given_back_where_pm2_would_kill_soon_after_a_stop() {
    gives_back_at_an_edit(&[]).await;
}

async fn gives_back_at_an_edit(options: &[&str]) {
    let mut scene = Scene::begin().await;
    scene.start(SCRIPT, options).await;
    let job = scene.story.running(picture(LONG)).await;
    scene.heir_comes().await;
    scene.workspace.edit("second");
    scene.until_said(SCRIPT, "this is second").await;
    scene.until_online().await;
    scene.done_by_heir(&job).await;
}

#[tokio::test]
async fn broken_source_leaves_the_worker_alone() {
    let scene = Scene::begin().await;
    scene.start(SCRIPT, &PATIENT).await;
    let before = scene.daemon().await;
    let job = scene.story.running(picture(SHORT)).await;
    scene.workspace.break_it();
    scene.until_said(SCRIPT, "could not compile").await;
    scene.done_at_once(&job).await;
    assert_eq!(scene.daemon().await, before);
    scene.workspace.edit("mended");
    scene.until_said(SCRIPT, "this is mended").await;
    scene.until_dead(before, SOON).await;
    scene.until_online().await;
}

#[tokio::test]
async fn an_edit_that_builds_the_same_program_restarts_nothing() {
    let scene = Scene::begin().await;
    scene.start(SCRIPT, &PATIENT).await;
    let before = scene.daemon().await;
    std::fs::write(scene.workspace.root().join("crates/studio-worker/notes.txt"), "nothing").unwrap();
    scene.until_said(SCRIPT, "brought nothing new").await;
    assert_eq!(scene.daemon().await, before);
}

#[tokio::test]
async fn a_killed_watcher_leaves_no_worker() {
    let mut scene = Scene::begin().await;
    scene.start(SCRIPT, &PATIENT).await;
    let job = scene.story.running(picture(LONG)).await;
    scene.heir_comes().await;
    send(scene.pm2.pid(SCRIPT).await, Signal::KILL);
    scene.until_gone(GRACE_AND_MORE).await;
    scene.done_by_heir(&job).await;
}

#[tokio::test]
async fn so_does_a_killed_cargo_watch() {
    let scene = Scene::begin().await;
    scene.start(SCRIPT, &PATIENT).await;
    let keeper = scene.pm2.pid(SCRIPT).await;
    let watch = devloop::tree(keeper).into_iter().find(|pid| {
        let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.contains("cargo-watch")
    });
    let job = scene.story.running(picture(SHORT)).await;
    send(watch.expect("cargo-watch runs"), Signal::KILL);
    scene.until_gone(GRACE_AND_MORE).await;
    assert!(!is_there(keeper));
    scene.done_at_once(&job).await;
    scene.pm2.until(SCRIPT, "stopped", SOON).await;
}

#[tokio::test]
async fn a_killed_pm2_leaves_no_worker() {
    let mut scene = Scene::begin().await;
    scene.start(SCRIPT, &PATIENT).await;
    let job = scene.story.running(picture(LONG)).await;
    scene.heir_comes().await;
    let keeper = scene.pm2.pid(SCRIPT).await;
    send(scene.pm2.daemon().expect("PM2 runs"), Signal::KILL);
    scene.until_gone(GRACE_AND_MORE).await;
    scene.until_dead(keeper, SOON).await;
    scene.done_by_heir(&job).await;
}

#[tokio::test]
async fn a_stop_finishes_a_job_that_is_nearly_done() {
    let scene = Scene::begin().await;
    scene.start(SCRIPT, &PATIENT).await;
    let job = scene.story.running(picture(SHORT)).await;
    scene.pm2.run(&["stop", SCRIPT]).await;
    assert_eq!(scene.processes(), [0; 0], "it returned while the worker was still there");
    scene.done_at_once(&job).await;
}

#[tokio::test]
async fn a_stop_without_patience_gives_the_job_back_in_time() {
    let mut scene = Scene::begin().await;
    scene.start(SCRIPT, &[]).await;
    let job = scene.story.running(picture(LONG)).await;
    scene.heir_comes().await;
    scene.pm2.run(&["stop", SCRIPT]).await;
    assert_eq!(scene.processes(), [0; 0], "it returned while the worker was still there");
    scene.done_by_heir(&job).await;
    let log = scene.log(SCRIPT);
    assert!(log.contains("--kill-timeout"), "it says how to let a job finish: {log}");
}

#[tokio::test]
async fn a_worker_that_crashed_comes_back_with_the_next_build() {
    let scene = Scene::begin().await;
    scene.start(SCRIPT, &PATIENT).await;
    send(scene.daemon().await, Signal::KILL);
    scene.until_said(SCRIPT, "the next build starts it again").await;
    scene.workspace.edit("second");
    scene.until_said(SCRIPT, "this is second").await;
    scene.until_online().await;
}

#[tokio::test]
async fn a_source_that_is_broken_at_the_start_is_waited_for() {
    let scene = Scene::begin().await;
    scene.workspace.break_it();
    scene.start_only(SCRIPT, &PATIENT).await;
    scene.until_said(SCRIPT, "could not compile").await;
    assert_eq!(scene.pm2.state(SCRIPT).await, "online");
    scene.workspace.edit("mended");
    tokio::time::timeout(BUILT, scene.until_online()).await.expect("it starts");
}
