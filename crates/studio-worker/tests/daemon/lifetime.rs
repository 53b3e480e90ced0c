//! `ui` as the owner of a daemon: who is told what, and that nothing is left behind. No display is there.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::AsyncWriteExt;

use crate::support::{
    Peer, Program, Running, Studio, approved_config, chat, gone, is_alive, kill, slow_chat, until,
};

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "goodbye"];
/// A grace that no test waits for.
const LONG_GRACE: &str = "shutdown_grace_secs = 600\n";

fn folder(studio: &Studio, more: &str) -> Program {
    Program::new(Some(&format!("{}{more}", approved_config(studio))))
}

/// The daemon that `ui` started.
async fn daemon_of(ui: &Running) -> u32 {
    until("the daemon is started", || ui.children().first().copied()).await
}

async fn takes(peer: &mut Peer, claim: serde_json::Value) {
    peer.offer(claim).await;
    peer.expect("accept").await;
    peer.expect("progress").await;
}

#[tokio::test]
async fn without_a_display_it_says_so_once_and_the_worker_works() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, "");
    // No command at all is `ui`.
    let mut ui = program.start(&[]);
    let mut peer = studio.session(OURS).await;
    peer.offer(chat("job-1")).await;
    peer.expect("accept").await;
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    until("it is told", || program.log().contains("there is no display").then_some(())).await;
    let daemon = daemon_of(&ui).await;
    ui.signal(Signal::TERM);
    peer.expect("goodbye").await;
    assert_eq!(ui.end().await.code(), Some(0));
    assert_eq!(program.log().matches("there is no display").count(), 1);
    gone(&[daemon]).await;
}

#[tokio::test]
async fn a_signal_to_it_lets_the_job_finish_and_both_end() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, LONG_GRACE);
    let mut ui = program.start(&["ui"]);
    let mut peer = studio.session(OURS).await;
    takes(&mut peer, slow_chat("job-1", 2_000)).await;
    let daemon = daemon_of(&ui).await;
    ui.signal(Signal::INT);
    peer.expect("completeJson").await;
    assert!(is_alive(ui.pid()), "it waits for its daemon");
    peer.acknowledge("job-1").await;
    peer.expect("goodbye").await;
    assert_eq!(ui.end().await.code(), Some(0));
    gone(&[daemon]).await;
}

#[tokio::test]
async fn signals_to_every_process_of_the_tree_are_one_wish() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, LONG_GRACE);
    let mut ui = program.start(&["ui"]);
    let mut peer = studio.session(OURS).await;
    takes(&mut peer, slow_chat("job-1", 3_000)).await;
    let daemon = daemon_of(&ui).await;
    // As pm2 and a watcher below it do together.
    for signal in [Signal::INT, Signal::TERM] {
        kill(daemon, signal);
        ui.signal(signal);
    }
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    peer.expect("goodbye").await;
    assert_eq!(ui.end().await.code(), Some(0));
    gone(&[daemon]).await;
}

#[tokio::test]
async fn a_second_signal_ends_both_at_once() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, LONG_GRACE);
    let mut ui = program.start(&["ui"]);
    let mut peer = studio.session(OURS).await;
    takes(&mut peer, slow_chat("job-1", 600_000)).await;
    let daemon = daemon_of(&ui).await;
    ui.signal(Signal::TERM);
    until("the first is heard", || program.log().contains("ending within").then_some(())).await;
    let start = Instant::now();
    ui.signal(Signal::TERM);
    ui.end().await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    gone(&[daemon]).await;
}

#[tokio::test]
async fn a_killed_owner_leaves_a_daemon_that_finishes_and_ends() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, LONG_GRACE);
    // Nobody reads its log any more either, as when a supervisor is killed with it.
    let mut child = program.command(&["ui"]).spawn().unwrap();
    let mut peer = studio.session(OURS).await;
    takes(&mut peer, slow_chat("job-1", 2_000)).await;
    let ui = child.id().unwrap();
    let text = std::fs::read_to_string(format!("/proc/{ui}/task/{ui}/children")).unwrap();
    let daemon: u32 = text.trim().parse().unwrap();
    drop(child.stderr.take());
    child.kill().await.unwrap();
    assert!(is_alive(daemon));
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    peer.expect("goodbye").await;
    gone(&[daemon]).await;
    assert!(program.file_log().contains("is gone: finishing what runs"), "{}", program.file_log());
}

#[tokio::test]
async fn a_killed_daemon_is_started_again() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, "");
    let mut ui = program.start(&["ui"]);
    studio.session(OURS).await;
    let first = daemon_of(&ui).await;
    kill(first, Signal::KILL);
    let peer = studio.session(OURS).await;
    let second = daemon_of(&ui).await;
    assert_ne!(first, second);
    assert!(program.log().contains("ended unexpectedly"), "{}", program.log());
    ui.signal(Signal::TERM);
    drop(peer);
    assert_eq!(ui.end().await.code(), Some(0));
    gone(&[first, second]).await;
}

#[tokio::test]
async fn a_daemon_that_must_not_be_started_again_gives_its_exit_code() {
    for (close, code) in [(4001, 3), (4003, 4)] {
        let mut studio = Studio::start().await;
        let program = folder(&studio, "");
        let mut ui = program.start(&["ui"]);
        studio.session(&[]).await.close(close).await;
        assert_eq!(ui.end().await.code(), Some(code), "{}", program.log());
    }
}

#[tokio::test]
async fn a_daemon_that_somebody_ends_takes_its_owner_along() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, "");
    let mut ui = program.start(&["ui"]);
    studio.session(OURS).await;
    kill(daemon_of(&ui).await, Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
    assert!(program.log().contains("ended by somebody else"), "{}", program.log());
}

#[tokio::test]
async fn the_second_start_says_who_the_first_is_and_ends_well() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, "");
    let mut first = program.start(&["ui"]);
    studio.session(OURS).await;
    let second = program.run(&["ui"]).await;
    assert_eq!(second.status.code(), Some(0));
    let told = String::from_utf8(second.stderr).unwrap();
    let pid = first.pid();
    for part in [
        format!("pid {pid}"),
        format!("kill {pid}"),
        "since".to_owned(),
        " ui`".to_owned(),
        "shows no window yet".to_owned(),
    ] {
        assert!(told.contains(&part), "{told}");
    }
    assert!(is_alive(pid));
    first.signal(Signal::TERM);
    assert_eq!(first.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_daemon_of_somebody_else_is_left_alone() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, "");
    let mut daemon = program.start(&["run"]);
    let mut peer = studio.session(OURS).await;
    let mut ui = program.start(&["ui"]);
    until("it is attached", || program.log().contains("attached to it").then_some(())).await;
    assert_eq!(ui.children(), Vec::<u32>::new());
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
    peer.offer(chat("job-1")).await;
    peer.expect("accept").await;
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_daemon_does_what_its_pipe_says() {
    // The end of the pipe, a word for it, and both with the signal that comes when a parent dies.
    for (word, signal) in [(None, None), (Some("finish\n"), None), (Some("finish\n"), Some(Signal::HUP))] {
        let mut studio = Studio::start().await;
        let program = folder(&studio, LONG_GRACE);
        let mut child = program.command(&["run", "--end-with-parent"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut peer = studio.session(OURS).await;
        takes(&mut peer, slow_chat("job-1", 1_000)).await;
        let mut pipe = child.stdin.take();
        match word {
            Some(word) => pipe.as_mut().unwrap().write_all(word.as_bytes()).await.unwrap(),
            None => drop(pipe.take()),
        }
        if let Some(signal) = signal {
            kill(child.id().unwrap(), signal);
            kill(child.id().unwrap(), signal);
        }
        peer.expect("completeJson").await;
        peer.acknowledge("job-1").await;
        peer.expect("goodbye").await;
        assert_eq!(child.wait().await.unwrap().code(), Some(0), "{word:?} {signal:?}");
    }
}

#[tokio::test]
async fn a_daemon_ends_at_once_when_its_pipe_says_so() {
    let mut studio = Studio::start().await;
    let program = folder(&studio, LONG_GRACE);
    let mut child = program.command(&["run", "--end-with-parent"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut peer = studio.session(OURS).await;
    takes(&mut peer, slow_chat("job-1", 600_000)).await;
    child.stdin.as_mut().unwrap().write_all(b"nonsense\nend-now\n").await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
    end.expect("it ends at once").unwrap();
    assert!(program.file_log().contains("`nonsense`"), "{}", program.file_log());
}
