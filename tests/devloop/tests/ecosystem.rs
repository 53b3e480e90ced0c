//! PM2 builds, and restarts the program when its file changes.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use devloop::{BUILT, Scene, send};
use e2e::{SOON, picture};
use rustix::process::Signal;

const WORKER: &str = "studio-worker";
/// Longer than the worker's usual grace.
const LONG: &str = "a fox [[delay=9000]]";

async fn begin() -> Scene {
    let mut scene = Scene::begin().await;
    scene.workspace.build();
    scene.pm2.set("STUDIO_DEV_WORKER", "run");
    scene.start_ecosystem().await;
    scene.until_online().await;
    scene
}

#[tokio::test]
async fn a_job_always_ends_before_the_new_program_starts() {
    let scene = begin().await;
    let before = scene.daemon().await;
    let job = scene.story.running(picture(LONG)).await;
    let next = scene.story.api.submit(picture("after it")).await;
    scene.workspace.edit("second");
    scene.done_at_once(&job).await;
    scene.until_said(WORKER, "this is second").await;
    scene.until_dead(before, SOON).await;
    scene.done_at_once(&next).await;
}

#[tokio::test]
async fn broken_source_leaves_the_worker_alone() {
    let scene = begin().await;
    let before = scene.daemon().await;
    scene.workspace.break_it();
    scene.until_said("studio-build", "could not compile").await;
    assert_eq!(scene.daemon().await, before);
    scene.done_at_once(&scene.story.api.submit(picture("meanwhile")).await).await;
    scene.workspace.edit("mended");
    scene.until_said(WORKER, "this is mended").await;
    scene.until_online().await;
}

#[tokio::test]
async fn a_stop_returns_when_the_job_is_done_and_edits_do_not_undo_it() {
    let scene = begin().await;
    let job = scene.story.running(picture(LONG)).await;
    scene.pm2.run(&["stop", WORKER]).await;
    assert_eq!(scene.processes(), [0; 0], "it returned while the worker was still there");
    scene.done_at_once(&job).await;
    scene.until_offline().await;
    scene.workspace.edit("second");
    let built = || scene.log("studio-build").matches("Finished").count();
    testkit::wait_until("the edit is built", BUILT, async || built() >= 2).await;
    // Longer than PM2 waits after it has seen a new file.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.pm2.state(WORKER).await, "stopped");
    scene.pm2.run(&["start", WORKER]).await;
    scene.until_online().await;
}

#[tokio::test]
async fn a_killed_pm2_leaves_no_worker_and_the_job_is_done() {
    let scene = begin().await;
    let job = scene.story.running(picture(LONG)).await;
    send(scene.pm2.daemon().expect("PM2 runs"), Signal::KILL);
    scene.done_at_once(&job).await;
    scene.until_gone(BUILT).await;
}

#[tokio::test]
async fn the_window_is_what_runs_unless_something_else_is_wished() {
    let scene = Scene::begin().await;
    scene.workspace.build();
    scene.start_ecosystem().await;
    scene.until_online().await;
    let job = scene.story.running(picture(LONG)).await;
    scene.workspace.edit("second");
    scene.done_at_once(&job).await;
    scene.until_said("studio-worker-ui", "this is second").await;
    scene.until_online().await;
    scene.pm2.run(&["stop", "studio-worker-ui"]).await;
    assert_eq!(scene.processes(), [0; 0], "it returned while the worker was still there");
}

#[tokio::test]
async fn a_studio_runs_beside_it() {
    let mut scene = Scene::begin().await;
    scene.workspace.build();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().to_string();
    scene.pm2.set("STUDIO_DEV_WORKER", "none");
    scene.pm2.set("STUDIO_DEV_STUDIO", "serve");
    scene.pm2.set("STUDIO_DEV_LISTEN", &free);
    scene.start_ecosystem().await;
    let ready = async || {
        let answer = reqwest::get(format!("http://{free}/readyz")).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    testkit::wait_until("the studio is ready", BUILT, ready).await;
    scene.workspace.edit_studio("another studio");
    scene.until_said("studio", "this is another studio").await;
    testkit::wait_until("the studio is ready again", BUILT, ready).await;
}
