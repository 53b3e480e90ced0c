//! The real program: signals, lock, exit codes, logs.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::support::{
    Answer, Peer, Program, Studio, approved_config, chat, is_alive, slow_chat, until, with_attempt,
};

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "goodbye"];

async fn accepted(peer: &mut Peer, claim: serde_json::Value) {
    peer.offer(claim).await;
    peer.expect("accept").await;
}

#[tokio::test]
async fn a_signal_releases_a_long_job_after_the_grace_and_leaves_no_process() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut studio = Studio::start().await;
        let program = Program::new(Some(&format!("{}shutdown_grace_secs = 1\n", approved_config(&studio))));
        let mut running = program.start(&["run"]);
        let mut peer = studio.session(OURS).await;
        accepted(&mut peer, with_attempt(slow_chat("job-1", 60_000), 2)).await;
        peer.expect("progress").await;
        let engines = running.children();
        assert_eq!(engines.len(), 1);
        let start = Instant::now();
        running.signal(signal);
        until("the signal is heard", || program.log().contains("ending within 1 s").then_some(())).await;
        peer.offer(chat("job-2")).await;
        assert_eq!(peer.expect("reject").await["code"], "busy");
        let release = peer.expect("release").await;
        assert!(start.elapsed() >= Duration::from_secs(1));
        assert_eq!((&release["jobId"], &release["attempt"]), (&json!("job-1"), &json!(2)));
        peer.expect("goodbye").await;
        assert_eq!(peer.closed().await.1, Some((1000, "session ended".to_owned())));
        assert_eq!(running.end().await.code(), Some(0));
        until("the engine is gone", || (!is_alive(engines[0])).then_some(())).await;
    }
}

#[tokio::test]
async fn a_base_studio_gets_a_retryable_failure() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&format!("{}shutdown_grace_secs = 0\n", approved_config(&studio))));
    let mut running = program.start(&["run"]);
    let mut peer = studio.session(&[]).await;
    accepted(&mut peer, slow_chat("job-1", 60_000)).await;
    running.signal(Signal::TERM);
    let fail = peer.expect("fail").await;
    assert_eq!((&fail["jobId"], &fail["retryable"]), (&json!("job-1"), &json!(true)));
    assert_eq!(peer.closed().await.1, Some((1000, "session ended".to_owned())));
    assert_eq!(running.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_job_that_ends_within_the_grace_is_reported() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio)));
    let mut running = program.start(&["run"]);
    let mut peer = studio.session(OURS).await;
    accepted(&mut peer, slow_chat("job-1", 1_000)).await;
    running.signal(Signal::TERM);
    peer.expect("completeJson").await;
    peer.acknowledge("job-1").await;
    peer.expect("goodbye").await;
    assert_eq!(running.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&format!("{}shutdown_grace_secs = 600\n", approved_config(&studio))));
    let mut running = program.start(&["run"]);
    let mut peer = studio.session(OURS).await;
    accepted(&mut peer, slow_chat("job-1", 600_000)).await;
    peer.expect("progress").await;
    let engines = running.children();
    running.signal(Signal::TERM);
    until("the first signal is heard", || program.log().contains("ending within").then_some(())).await;
    let start = Instant::now();
    running.signal(Signal::TERM);
    running.end().await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    until("the engine is gone", || (!is_alive(engines[0])).then_some(())).await;
}

#[tokio::test]
async fn engines_die_with_a_worker_that_is_killed() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio)));
    let mut running = program.start(&["run"]);
    let mut peer = studio.session(OURS).await;
    accepted(&mut peer, slow_chat("job-1", 600_000)).await;
    peer.expect("progress").await;
    let engines = running.children();
    running.signal(Signal::KILL);
    running.end().await;
    until("the engine is gone", || (!is_alive(engines[0])).then_some(())).await;
}

#[tokio::test]
async fn the_second_worker_of_a_folder_says_who_the_first_is_and_ends_well() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio)));
    let mut first = program.start(&["run"]);
    studio.session(OURS).await;
    let second = program.run(&["run"]).await;
    assert_eq!(second.status.code(), Some(0));
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains(&format!("pid {}", first.pid())) && told.contains("kill"), "{told}");
    for args in [&["register", "--reset"][..], &["join", "http://127.0.0.1:1", "CODE"]] {
        let refused = program.run(args).await;
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8(refused.stderr).unwrap().contains(&format!("kill {}", first.pid())));
    }
    let mut waiting = program.start(&["run", "--wait-for-lock"]);
    first.signal(Signal::TERM);
    assert_eq!(first.end().await.code(), Some(0));
    studio.session(OURS).await;
    waiting.signal(Signal::TERM);
    assert_eq!(waiting.end().await.code(), Some(0));
}

#[tokio::test]
async fn exit_codes_tell_why() {
    for (close, code) in [(4001, 3), (4003, 4)] {
        let mut studio = Studio::start().await;
        let program = Program::new(Some(&approved_config(&studio)));
        let mut running = program.start(&["run"]);
        studio.session(&[]).await.close(close).await;
        assert_eq!(running.end().await.code(), Some(code));
        if code == 4 {
            assert!(program.log().contains("another worker holds this worker id"), "{}", program.log());
        }
    }
    let studio = Studio::start().await;
    studio.refuse_upgrades(Some(Answer::of(503, "")));
    let program = Program::new(Some(&format!("{}ws_reconnect_attempts = 1\n", approved_config(&studio))));
    assert_eq!(program.start(&["run"]).end().await.code(), Some(5));
}

#[tokio::test]
async fn logs_go_to_stderr_and_to_a_file_and_hold_no_secret() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio).replace("\"tok\"", "\"hunter2-token\"")));
    let mut running = program.start(&["run"]);
    studio.session(OURS).await;
    running.signal(Signal::TERM);
    running.end().await;
    let file = fs::read_dir(program.path("logs")).unwrap().next().unwrap().unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.contains("session open as worker w-1") && text.contains("ended"), "{text}");
    assert!(program.log().contains("session open"));
    assert!(!text.contains("hunter2") && !program.log().contains("hunter2"));
    assert!(!program.log().contains("rror reading the log directory"), "{}", program.log());
}
