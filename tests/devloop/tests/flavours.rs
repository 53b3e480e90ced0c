//! The stable flavour, both flavours side by side, and what is said when something is missing.

use std::fs;
use std::path::Path;

use devloop::{Scene, send};
use e2e::{SOON, picture};
use rustix::process::Signal;

/// Leaves five seconds to a job.
const PATIENT: [&str; 2] = ["--kill-timeout", "10000"];
const SHORT: &str = "a fox [[delay=2500]]";
const LONG: &str = "a fox [[delay=12000]]";

#[tokio::test]
async fn the_second_flavour_names_the_first_and_ends_without_harm() {
    second_ends("studio-worker-dev", "studio-worker-stable").await;
}

#[tokio::test]
async fn so_it_is_the_other_way_round() {
    second_ends("studio-worker-stable", "studio-worker-dev").await;
}

#[tokio::test]
async fn so_it_is_with_windows() {
    second_ends("studio-worker-ui-dev", "studio-worker-ui-stable").await;
}

async fn second_ends(first: &str, second: &str) {
    let scene = Scene::begin().await;
    scene.workspace.build();
    scene.start(first, &PATIENT).await;
    let daemon = scene.daemon().await;
    let job = scene.story.running(picture(SHORT)).await;
    scene.start_only(second, &PATIENT).await;
    scene.until_said(second, "stop it with `kill").await;
    scene.pm2.until(second, "stopped", SOON).await;
    assert_eq!(scene.daemon().await, daemon);
    scene.done_at_once(&job).await;
    assert_eq!(scene.pm2.state(first).await, "online");
    // What it says to type works.
    let log = scene.log(second);
    let told = log.split("stop it with `kill ").nth(1).and_then(|rest| rest.split('`').next());
    let pid: u32 = told.and_then(|pid| pid.parse().ok()).unwrap_or_else(|| panic!("no pid in {log}"));
    send(pid, Signal::TERM);
    scene.until_gone(SOON).await;
    scene.pm2.until(first, "stopped", SOON).await;
}

#[tokio::test]
async fn flavours_are_switched_and_switched_back() {
    let scene = Scene::begin().await;
    scene.start("studio-worker-dev", &PATIENT).await;
    let job = scene.story.running(picture(SHORT)).await;
    scene.pm2.run(&["stop", "studio-worker-dev"]).await;
    scene.start("studio-worker-stable", &PATIENT).await;
    scene.done_at_once(&job).await;
    scene.pm2.run(&["stop", "studio-worker-stable"]).await;
    assert_eq!(scene.processes(), [0; 0]);
    scene.until_offline().await;
    scene.pm2.run(&["start", "studio-worker-dev"]).await;
    scene.until_online().await;
    scene.done_at_once(&scene.story.api.submit(picture("another")).await).await;
}

/// A folder of cargo's with the real worker in it.
fn built(scene: &Scene) -> std::path::PathBuf {
    let folder = scene.story.home.join("built/debug");
    fs::create_dir_all(&folder).expect("a home can be written");
    let (from, to) = (testkit::binary("studio-worker"), folder.join("studio-worker"));
    if fs::hard_link(&from, &to).is_err() {
        fs::copy(from, &to).expect("a home can be written");
    }
    to
}

/// As a linker does it: another file of the same name.
fn rebuild_as_something_broken(program: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let next = program.with_extension("next");
    fs::write(&next, "#!/bin/sh\necho this one is broken\nexit 7\n").expect("a home can be written");
    fs::set_permissions(&next, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::rename(next, program).expect("a home can be written");
}

#[tokio::test]
async fn the_stable_flavour_goes_on_through_builds_and_new_engines() {
    const SCRIPT: &str = "studio-worker-stable";
    let mut scene = Scene::begin().await;
    let program = built(&scene);
    let target = program.parent().and_then(Path::parent).unwrap();
    scene.pm2.set("CARGO_TARGET_DIR", target);
    scene.start(SCRIPT, &PATIENT).await;
    let daemon = scene.daemon().await;
    let job = scene.story.running(picture(SHORT)).await;
    rebuild_as_something_broken(&program);
    scene.done_at_once(&job).await;
    for engine in devloop::running_as("engine", &scene.worker.config_path()) {
        send(engine, Signal::KILL);
    }
    scene.done_at_once(&scene.story.api.submit(picture("with a new engine")).await).await;
    assert_eq!(scene.daemon().await, daemon);
    scene.pm2.run(&["restart", SCRIPT]).await;
    scene.until_said(SCRIPT, "this one is broken").await;
    let own = fs::read_dir(program.with_file_name("stable")).unwrap().count();
    assert_eq!(own, 1, "what ended workers were run from is removed");
}

#[tokio::test]
async fn a_window_without_a_display_is_built_stopped_and_bound_to_pm2_as_well() {
    const SCRIPT: &str = "studio-worker-ui-dev";
    let mut scene = Scene::begin().await;
    scene.start(SCRIPT, &[]).await;
    let job = scene.story.running(picture(LONG)).await;
    scene.heir_comes().await;
    scene.workspace.edit("second");
    scene.until_said(SCRIPT, "this is second").await;
    scene.until_online().await;
    scene.done_by_heir(&job).await;
    scene.heir.kill9();
    let job = scene.story.running(picture(LONG)).await;
    scene.heir_comes().await;
    scene.pm2.run(&["stop", SCRIPT]).await;
    assert_eq!(scene.processes(), [0; 0], "it returned while the worker was still there");
    scene.done_by_heir(&job).await;
    scene.heir.kill9();
    scene.pm2.run(&["start", SCRIPT]).await;
    scene.until_online().await;
    let job = scene.story.running(picture(LONG)).await;
    scene.heir_comes().await;
    send(scene.pm2.daemon().expect("PM2 runs"), Signal::KILL);
    scene.until_gone(SOON).await;
    scene.done_by_heir(&job).await;
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_to_type() {
    let mut scene = Scene::begin().await;
    scene.start_only("studio-worker-ui-stable", &[]).await;
    scene.until_said("studio-worker-ui-stable", "cargo build --package studio-worker").await;
    let nothing = scene.story.home.join("cache");
    // Where cargo looks for its own tools.
    scene.pm2.set("XDG_CACHE_HOME", &nothing);
    scene.pm2.set("CARGO_HOME", &nothing);
    scene.pm2.set("PATH", path_without("cargo-watch"));
    scene.start_only("studio-worker-ui-dev", &[]).await;
    scene.until_said("studio-worker-ui-dev", "cargo install --locked cargo-watch").await;
    scene.pm2.until("studio-worker-ui-dev", "stopped", SOON).await;
}

/// The path as it is, without the folders that have `tool`.
fn path_without(tool: &str) -> String {
    let path = std::env::var("PATH").expect("cargo was found in it");
    let folders = path.split(':').filter(|folder| !Path::new(folder).join(tool).exists());
    folders.collect::<Vec<_>>().join(":")
}
