//! The real window and its tray, on a desktop of the test's own.

mod screenshots;

use rustix::process::Signal;
use worker_local::{Client, Discovery, Status};

use crate::support::{
    Desktop, Notified, Panel, Peer, Program, Studio, approved_config, chat, gone, is_alive, kill, slow_chat,
    until, x_server,
};

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "goodbye"];

fn folder(studio: &Studio) -> Program {
    Program::new(Some(&approved_config(studio)))
}

async fn client(program: &Program) -> Client {
    let found = until("the daemon is found", || Discovery::read(program.dir.path()).unwrap()).await;
    studio_runtime::install_crypto();
    Client::new(found).unwrap()
}

/// Waits for a status that is as `wanted`.
async fn status(client: &Client, what: &str, wanted: impl Fn(&Status) -> bool) -> Status {
    let end = std::time::Instant::now() + crate::support::DEADLINE;
    loop {
        let status = client.status(None).await.unwrap();
        if wanted(&status) {
            return status;
        }
        assert!(std::time::Instant::now() < end, "never {what}: {status:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_tray_shows_the_worker_and_brings_the_window_back() {
    let desktop = Desktop::start().await;
    let panel = Panel::on(&desktop).await;
    let mut studio = Studio::start().await;
    let program = folder(&studio);
    let mut ui = desktop.start_in(&program, &["ui"]);
    let mut peer = studio.session(OURS).await;
    let windows = desktop.has_windows(1, &program).await;
    let client = client(&program).await;
    let item = panel.item().await;

    // At a glance.
    let (title, tip, idle) = panel.looks(&item, "Idle").await;
    assert_eq!((title.as_str(), tip.as_str()), ("Studio worker", "Idle"));
    let labels: Vec<_> = panel.menu(&item).await.into_iter().map(|entry| entry.label).collect();
    assert_eq!(
        labels,
        [
            "Idle",
            "Open",
            "Pause",
            "For 15 minutes",
            "For 1 hour",
            "Until tomorrow",
            "Until I resume",
            "Resume",
            "Quit"
        ]
    );
    peer.offer(slow_chat("job-1", 600_000)).await;
    peer.expect("accept").await;
    status(&client, "busy", |status| !status.jobs.is_empty()).await;
    let (_, tip, busy) = panel.looks(&item, "Busy, 1 job").await;
    assert!(tip.starts_with("Busy, 1 job\n") && tip.contains("synthetic"), "{tip}");
    assert!(!idle.is_empty() && idle != busy);

    // Closing hides it, and Open brings it back.
    desktop.close(&windows[0]);
    desktop.has_windows(0, &program).await;
    assert!(is_alive(ui.pid()));
    panel.click(&item, "Open").await;
    desktop.has_windows(1, &program).await;

    // Quit ends the window and the worker that it owns: the job goes back after the grace.
    let children = ui.children();
    assert_eq!(children.len(), 2);
    panel.click(&item, "Quit").await;
    peer.expect("release").await;
    peer.expect("goodbye").await;
    assert_eq!(ui.end().await.code(), Some(0));
    gone(&children).await;
}

#[tokio::test]
async fn the_tray_pauses_and_resumes() {
    let desktop = Desktop::start().await;
    let panel = Panel::on(&desktop).await;
    let mut studio = Studio::start().await;
    let program = folder(&studio);
    let mut ui = desktop.start_in(&program, &["ui"]);
    let _peer = studio.session(OURS).await;
    let client = client(&program).await;
    let item = panel.item().await;
    let (_, _, idle) = panel.looks(&item, "Idle").await;
    panel.click(&item, "For 15 minutes").await;
    status(&client, "paused", |status| status.pause.is_some()).await;
    let (_, _, paused) = panel.looks(&item, "Paused until").await;
    assert_ne!(idle, paused);
    panel.click(&item, "Resume").await;
    status(&client, "resumed", |status| status.pause.is_none()).await;
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_second_start_raises_the_window_even_when_it_is_hidden() {
    let desktop = Desktop::start().await;
    let panel = Panel::on(&desktop).await;
    let mut studio = Studio::start().await;
    let program = folder(&studio);
    let mut ui = desktop.start_in(&program, &["ui"]);
    let _peer = studio.session(OURS).await;
    let windows = desktop.has_windows(1, &program).await;
    panel.entry(&panel.item().await, "Until I resume").await;
    desktop.close(&windows[0]);
    // Gone from the screen is a moment earlier.
    until("it is hidden", || program.log().contains("hidden until somebody asks").then_some(())).await;
    desktop.has_windows(0, &program).await;
    let second = program.run(&["ui"]).await;
    assert_eq!(second.status.code(), Some(0));
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains("was asked to come to the front"), "{told}");
    desktop.has_windows(1, &program).await;
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
}

async fn does(peer: &mut Peer, job: &str) {
    peer.offer(chat(job)).await;
    peer.expect("accept").await;
    peer.expect("completeJson").await;
    peer.acknowledge(job).await;
}

#[tokio::test]
async fn the_desktop_is_told_of_what_the_owner_wants_to_know() {
    let desktop = Desktop::start().await;
    let panel = Panel::on(&desktop).await;
    let notified = Notified::on(&desktop).await;
    let mut studio = Studio::start().await;
    let program = folder(&studio);
    let mut ui = desktop.start_in(&program, &["ui"]);
    let mut peer = studio.session(OURS).await;
    let client = client(&program).await;
    let item = panel.item().await;
    panel.looks(&item, "Idle").await;

    // Nothing is wanted yet.
    does(&mut peer, "job-1").await;
    status(&client, "done", |status| status.ended_jobs.len() == 1).await;
    let set = program.run(&["config", "set", "notify_on", "job_done,update"]).await;
    assert_eq!(set.status.code(), Some(0), "{}", String::from_utf8_lossy(&set.stderr));
    status(&client, "told", |status| status.notify_on == ["job_done", "update"]).await;
    does(&mut peer, "job-2").await;
    let told = notified.told(1).await;
    assert_eq!((told[0].app.as_str(), told[0].title.as_str()), ("Studio worker", "A job is done"));
    assert!(told[0].words.contains("synthetic") && told[0].replaces == 0, "{told:?}");
    does(&mut peer, "job-3").await;
    let told = notified.told(2).await;
    assert_eq!((told.len(), told[1].replaces), (2, 1), "it takes the place of the last: {told:?}");
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_desktop_without_notifications_is_told_once_and_nothing_breaks() {
    let desktop = Desktop::start().await;
    let panel = Panel::on(&desktop).await;
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&format!("{}notify_on = [\"job_done\"]\n", approved_config(&studio))));
    let mut ui = desktop.start_in(&program, &["ui"]);
    let mut peer = studio.session(OURS).await;
    let item = panel.item().await;
    panel.looks(&item, "Idle").await;
    does(&mut peer, "job-1").await;
    until("it is told", || program.log().contains("shows no notifications").then_some(())).await;
    does(&mut peer, "job-2").await;
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
    assert_eq!(program.log().matches("shows no notifications").count(), 1);
}

#[tokio::test]
async fn the_window_says_why_its_worker_ended_and_stays() {
    let desktop = Desktop::start().await;
    let panel = Panel::on(&desktop).await;
    let mut studio = Studio::start().await;
    let program = folder(&studio);
    let mut ui = desktop.start_in(&program, &["ui"]);
    let peer = studio.session(OURS).await;
    let item = panel.item().await;
    panel.looks(&item, "Idle").await;
    peer.close(4001).await;
    panel.looks(&item, "The studio refused this worker").await;
    assert!(is_alive(ui.pid()), "its window is there to be read");
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(3));
}

#[tokio::test]
async fn without_a_panel_the_window_stays_when_it_is_closed() {
    let desktop = Desktop::start().await;
    let mut studio = Studio::start().await;
    let program = folder(&studio);
    let mut ui = desktop.start_in(&program, &["ui"]);
    let _peer = studio.session(OURS).await;
    let windows = desktop.has_windows(1, &program).await;
    until("a frame was drawn", || program.log().contains("first frame after").then_some(())).await;
    desktop.close(&windows[0]);
    until("it stays", || program.log().contains("minimized instead of closed").then_some(())).await;
    assert_eq!(ui.children().len(), 2);
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_window_that_is_killed_comes_back_and_the_worker_does_not_notice() {
    let desktop = Desktop::start().await;
    let mut studio = Studio::start().await;
    let program = folder(&studio);
    let mut ui = desktop.start_in(&program, &["ui"]);
    let _peer = studio.session(OURS).await;
    desktop.has_windows(1, &program).await;
    let pid = client(&program).await.found().pid;
    let window = ui.children().into_iter().find(|child| *child != pid).unwrap();
    kill(window, Signal::KILL);
    until("it is seen", || program.log().contains("the window ended unexpectedly").then_some(())).await;
    desktop.has_windows(1, &program).await;
    assert!(is_alive(pid));
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_display_that_comes_later_gets_the_window() {
    // Far above those that other tests get.
    let display = format!(":{}", 20_000 + std::process::id() % 10_000);
    let mut desktop = Desktop::start().await;
    desktop.display.clone_from(&display);
    let mut studio = Studio::start().await;
    let program = folder(&studio);
    let mut ui = desktop.start_in(&program, &["ui"]);
    let _peer = studio.session(OURS).await;
    until("it is told", || program.log().contains("there is no display").then_some(())).await;
    let _server = x_server(Some(&display)).await;
    desktop.has_windows(1, &program).await;
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_missing_library_is_told_by_its_package_and_the_worker_works() {
    let desktop = Desktop::start().await;
    let mut studio = Studio::start().await;
    let program = folder(&studio);
    // The loader takes the first of a name, and this one is none.
    std::fs::write(program.path("libxkbcommon-x11.so.0"), "").unwrap();
    std::fs::write(program.path("libxkbcommon-x11.so"), "").unwrap();
    let mut ui = program.start_with(&["ui"], |command| {
        command.env("DISPLAY", &desktop.display).env("LD_LIBRARY_PATH", program.dir.path());
    });
    let mut peer = studio.session(OURS).await;
    until("it is told", || program.log().contains("apt install libxkbcommon-x11-0").then_some(())).await;
    assert!(!program.log().contains("panicked"), "{}", program.log());
    peer.offer(slow_chat("job-1", 1)).await;
    peer.expect("accept").await;
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
}
